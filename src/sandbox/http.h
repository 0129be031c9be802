/* libmicrohttpd, in and out: whole requests to routes.h, its answers to the wire, faults in between. */
#ifndef PW_HTTP_H
#define PW_HTTP_H

#include "exchange.h"

/* Listens on loopback and serves each connection in a thread of its own. False with a sentence in `*problem`
 * (sqlite3_free it). */
bool pw_http_open(pw_server *server, char **problem);
void pw_http_close(pw_server *server);

/* Goes on with a request that waited: for the server's works. */
void pw_http_work(pw_work *work);

#endif
