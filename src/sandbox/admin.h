/* The admin's interface, below /_sandbox/: what tests and people do to the sandbox, in JSON over HTTP. It has a token
 * of its own, and answers a browser only where the page is its own: neither a page of somebody else's nor a name that
 * points here may run code through it. */
#ifndef PW_ADMIN_H
#define PW_ADMIN_H

#include "exchange.h"

/* Whether this path is the admin's: those requests are not remembered, and no fault or latency is for them. */
bool pw_admin_owns(const char *path);

/* Whether a browser may be served: for a request that names an origin, and for all of the admin's. */
bool pw_admin_trusts(const pw_exchange *exchange);

/* As pw_routes_admit. */
bool pw_admin_admit(pw_exchange *exchange);

/* The same from inside of the program: the exchange has a method, path, query and body, and gets an answer; the caller
 * frees that (pw_exchange_close). */
void pw_admin_perform(pw_exchange *exchange);

/* For the admin's files: a parameter of the query, or a field of the body. */
bool pw_admin_parameter(const pw_exchange *exchange, const char *name, char *text, size_t size);
double pw_admin_number(const pw_exchange *exchange, const char *name, double otherwise); /* of the query */
char *pw_admin_text(pw_exchange *exchange, const char *field); /* sqlite3_free it; NULL when it's missing or no text */
/* False, after a refusal, when the field isn't a number from `least` to `most`; missing, it is `otherwise`. */
bool pw_admin_field(pw_exchange *exchange, const char *field, double least, double most, double otherwise,
                    double *number);

/* admin_state.c */
void pw_admin_status(pw_exchange *exchange);
void pw_admin_scripts(pw_exchange *exchange);
void pw_admin_add_script(pw_exchange *exchange);
void pw_admin_populate(pw_exchange *exchange);
void pw_admin_add_log(pw_exchange *exchange);
void pw_admin_versions(pw_exchange *exchange);
void pw_admin_version(pw_exchange *exchange);
void pw_admin_deployments(pw_exchange *exchange);
void pw_admin_invocations(pw_exchange *exchange);
void pw_admin_seed(pw_exchange *exchange);
void pw_admin_reset(pw_exchange *exchange);
void pw_admin_snapshots(pw_exchange *exchange);
void pw_admin_save(pw_exchange *exchange);
void pw_admin_restore(pw_exchange *exchange);

/* admin_conditions.c */
void pw_admin_faults(pw_exchange *exchange);
void pw_admin_add_fault(pw_exchange *exchange);
void pw_admin_clear_faults(pw_exchange *exchange);
void pw_admin_latency(pw_exchange *exchange);
void pw_admin_advance(pw_exchange *exchange);
void pw_admin_add_token(pw_exchange *exchange);
void pw_admin_expire_tokens(pw_exchange *exchange);

/* admin_requests.c */
void pw_admin_requests(pw_exchange *exchange);
void pw_admin_forget_requests(pw_exchange *exchange);
void pw_admin_wait(pw_exchange *exchange);
void pw_admin_events(pw_exchange *exchange);

#endif
