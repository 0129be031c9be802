/* What a request asks for, checked: query strings and the fields of bodies. Whatever is wrong is answered with 422 and
 * the field's name. */
#ifndef PW_INPUT_H
#define PW_INPUT_H

#include "exchange.h"

typedef struct pw_query {
  pw_selection selection;
  char deployed_at[512]; /* what selection.deployed_at points to */
} pw_query;

/* Which parameters an operation takes. */
enum { PW_QUERY_NONE = 0, PW_QUERY_PAGE = 1, PW_QUERY_ALL = 2 };

/* Reads the query string. False when it was refused. */
bool pw_input_query(pw_exchange *exchange, int takes, pw_query *query);

/* False, after a refusal, when the body has a field that is not in the JSON list. */
bool pw_input_fields(pw_exchange *exchange, const char *json_list);

/* The JSON type of a field of the body: sqlite3_free it; NULL when it is missing. `path` is SQLite's, as "$.content".
 */
char *pw_input_type(pw_exchange *exchange, const char *path);

#endif
