/* Fuzzes the reader of header blocks, and the check of what may be sent as a header. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../../src/core/text.h"

static void check(bool fine) {
  if (!fine) abort();
}

static bool inside(pw_span span, const char *bytes, size_t size) {
  return span.bytes >= bytes && span.bytes + span.size <= bytes + size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  /* A copy without a NUL behind it, so that a step too far is seen. */
  char *block = malloc(size > 0 ? size : 1);
  if (block == NULL) return 0;
  if (size > 0) memcpy(block, data, size);
  pw_span rest = {block, size}, name, value, first = {NULL, 0};
  size_t count = 0;
  while (pw_header_next(&rest, &name, &value)) {
    check(inside(name, block, size) && inside(value, block, size) && name.size > 0);
    check(memchr(value.bytes, '\n', value.size) == NULL);
    check(++count <= size);
    if (first.bytes == NULL && name.size == 11 && strncasecmp(name.bytes, "retry-after", 11) == 0) first = value;
  }
  bool found = pw_header_find((pw_span){block, size}, "retry-after", &value);
  check(found == (first.bytes != NULL));
  if (found) check(value.bytes == first.bytes && value.size == first.size);
  if (pw_header_is_sendable(block, size)) {
    check(memchr(block, '\r', size) == NULL && memchr(block, '\n', size) == NULL && memchr(block, 0, size) == NULL);
    check(memchr(block, ':', size) != NULL);
  }
  free(block);
  return 0;
}
