/* Percent-encoding for paths and query strings, by RFC 3986. Knows neither Lua nor curl. */
#ifndef PW_URL_H
#define PW_URL_H

#include "buffer.h"

/* Appends `bytes` with everything but RFC 3986's unreserved characters as %XX, so that no value can end a segment,
 * start a query or climb out of a path. */
pw_append pw_url_append_encoded(pw_buffer *buffer, const char *bytes, size_t size);

/* Appends `key=value`, both encoded, behind an `&` unless the buffer is empty. On failure the buffer is as before. */
pw_append pw_url_append_query(pw_buffer *buffer, const char *key, size_t key_size, const char *value,
                              size_t value_size);

#endif
