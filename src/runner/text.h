/* Pieces of text: copies, encodings, and making what a script printed fit to be stored. */
#ifndef PW_TEXT_H
#define PW_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* A copy that ends with NUL, for the caller to free; NULL when memory is out. */
char *pw_text_copy(const char *bytes, size_t size);

/* The bytes that a JSON string literal (with its quotes) stands for, for the caller to free, NUL-terminated and with
 * their number in `*size`; NULL when memory is out. The literal must be valid. */
char *pw_text_from_json(const char *literal, size_t *size);

/* Decodes %XX and + in place. False for a broken escape or an encoded NUL. */
bool pw_text_decode_query(char *text);

/* Replaces each byte that is not part of valid UTF-8, and each NUL, by a question mark. */
void pw_text_make_utf8(char *text, size_t size);

/* Takes every occurrence of `part` out of `text`. */
void pw_text_remove(char *text, const char *part);

#endif
