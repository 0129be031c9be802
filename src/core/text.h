/* The text of URLs and headers: percent-encoding by RFC 3986, reading an answer's header block, checking what goes into
 * a request's. Knows neither Lua nor curl. */
#ifndef PW_TEXT_H
#define PW_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* A run of bytes inside somebody else's memory. */
typedef struct pw_span {
  const char *bytes;
  size_t size;
} pw_span;

/* Takes the next `name: value` line off `rest`, which starts as a whole header block. Lines that hold no header
 * (the status line, the empty last one, garbage) are passed over; white space around the value is left out.
 * Returns false when there is no further header. */
bool pw_header_next(pw_span *rest, pw_span *name, pw_span *value);

/* Finds the first header called `name`, case-insensitively. */
bool pw_header_find(pw_span block, const char *name, pw_span *value);

/* Whether two values of Content-Length are numbers, and the same one. A value may name it several times ("42, 42"). */
bool pw_length_agrees(pw_span value, pw_span other);

/* True when the line can be sent as one header: a token, a colon, a value, and no CR, LF or NUL anywhere. */
bool pw_header_is_sendable(const char *line, size_t size);

/* Writes `bytes` into `into`, which has room for three times as many, with everything but RFC 3986's unreserved
 * characters as %XX, so that no value can end a segment, start a query or climb out of a path. Returns how many bytes
 * it wrote. */
size_t pw_url_encode(char *into, const char *bytes, size_t size);

/* Whether a text is a positive integer of 64 bits in plain decimal: no sign, no leading zero. */
bool pw_url_is_id(pw_span text);

#endif
