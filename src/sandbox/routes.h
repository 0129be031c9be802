/* Method and path to handler: strict about what the contract says. */
#ifndef PW_ROUTES_H
#define PW_ROUTES_H

#include "exchange.h"

/* Finds out which operation a request is for and with which credential it came, without doing anything. */
void pw_routes_identify(pw_exchange *exchange);

/* Whether it may be served: then `handler` is set, else it has an answer. */
bool pw_routes_admit(pw_exchange *exchange);

#endif
