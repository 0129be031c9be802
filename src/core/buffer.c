#include "buffer.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 1024 };

/* The capacity that holds `needed` bytes, doubled so that many small appends cost linear time in all. */
static size_t grown_capacity(const pw_buffer *buffer, size_t needed) {
  size_t capacity = buffer->capacity > 0 ? buffer->capacity : FIRST_CAPACITY;
  while (capacity < needed) {
    if (capacity > SIZE_MAX / 2) return needed;
    capacity *= 2;
  }
  return capacity;
}

/* Also frees, with `size` 0. */
static void *resize(const pw_buffer *buffer, size_t size) {
  const pw_allocator *allocator = buffer->allocator;
  if (allocator != NULL) return allocator->allocate(allocator->context, buffer->data, buffer->capacity, size);
  if (size > 0) return realloc(buffer->data, size);
  free(buffer->data);
  return NULL;
}

pw_append pw_buffer_append(pw_buffer *buffer, const void *bytes, size_t size) {
  if (size == 0) return PW_APPENDED;
  if (size > SIZE_MAX - buffer->length) return PW_APPEND_FULL;
  size_t needed = buffer->length + size;
  if (buffer->limit > 0 && needed > buffer->limit) return PW_APPEND_FULL;
  if (needed > buffer->capacity) {
    size_t capacity = grown_capacity(buffer, needed);
    char *data = resize(buffer, capacity);
    if (data == NULL) return PW_APPEND_NO_MEMORY;
    buffer->data = data;
    buffer->capacity = capacity;
  }
  memcpy(buffer->data + buffer->length, bytes, size);
  buffer->length = needed;
  return PW_APPENDED;
}

void pw_buffer_clear(pw_buffer *buffer, size_t keep) {
  if (buffer->capacity > keep) pw_buffer_free(buffer);
  buffer->length = 0;
}

void pw_buffer_free(pw_buffer *buffer) {
  if (buffer->data != NULL) resize(buffer, 0);
  buffer->data = NULL;
  buffer->length = 0;
  buffer->capacity = 0;
}

void pw_wipe(void *bytes, size_t size) {
  volatile unsigned char *byte = bytes;
  while (size-- > 0) *byte++ = 0;
}
