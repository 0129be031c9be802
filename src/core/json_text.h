#ifndef PW_JSON_TEXT_H
#define PW_JSON_TEXT_H

#include <stddef.h>

/* What lua-cjson takes though JSON forbids it: control characters in strings, NUL behind a value, numbers with a point
 * that has no digits on both sides. Knows neither Lua nor curl.
 *
 * Returns a sentence and the place in bytes, from 1; or NULL when there is nothing of the kind, which says nothing of
 * the rest. Takes a fraction of a step for each byte unless something looks suspicious. */
const char *pw_json_flaw(const char *text, size_t size, size_t *at);

#endif
