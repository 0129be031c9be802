/* Method and path to handler: strict about what the contract says. */
#ifndef PW_ROUTES_H
#define PW_ROUTES_H

#include "exchange.h"

/* Finds out which operation a request is for and with which credential it came, without doing anything. */
void pw_routes_identify(pw_exchange *exchange);

/* Serves it: afterwards it has an answer. */
void pw_routes_serve(pw_exchange *exchange);

#endif
