/* A bounded byte buffer. Knows neither Lua nor curl.
 *
 * A zeroed struct is a valid, empty buffer without a bound. Nothing here aborts: what cannot be stored is refused
 * whole, and the buffer stays as it was. */
#ifndef PW_BUFFER_H
#define PW_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

typedef enum pw_append {
  PW_APPENDED,
  PW_APPEND_FULL,     /* the bound would be passed */
  PW_APPEND_NO_MEMORY /* the allocator said no */
} pw_append;

/* Where memory comes from, in the way of Lua: `block` NULL for a new one, `size` 0 to free it, NULL when there is none.
 */
typedef struct pw_allocator {
  void *(*allocate)(void *context, void *block, size_t old, size_t size);
  void *context;
} pw_allocator;

typedef struct pw_buffer {
  char *data;                    /* owned; NULL while nothing was ever appended */
  size_t length;                 /* bytes in use */
  size_t capacity;               /* bytes allocated */
  size_t limit;                  /* the most `length` may become; 0 for no bound */
  const pw_allocator *allocator; /* borrowed; NULL for realloc(3) */
} pw_buffer;

/* Appends `size` bytes, or none of them. `bytes` must not point into the buffer. */
pw_append pw_buffer_append(pw_buffer *buffer, const void *bytes, size_t size);

/* Empties the buffer; memory beyond `keep` bytes goes back to the allocator, the rest waits for the next use. */
void pw_buffer_clear(pw_buffer *buffer, size_t keep);

/* Gives all memory back and leaves an empty buffer with the same bound. Safe to call twice. */
void pw_buffer_free(pw_buffer *buffer);

/* Overwrites `size` bytes in a way that a compiler keeps: for memory that held a secret. */
void pw_wipe(void *bytes, size_t size);

#endif
