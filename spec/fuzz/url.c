/* Fuzzes the URL encoder: whatever goes in, what comes out is harmless in a path, and decodes to what went in. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/core/text.h"

static void check(bool fine) {
  if (!fine) abort();
}

static int digit(char c) { return c <= '9' ? c - '0' : c - 'A' + 10; }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  pw_buffer buffer = {.limit = 0};
  check(pw_url_append_encoded(&buffer, (const char *)data, size) == PW_APPENDED);
  size_t at = 0;
  for (size_t i = 0; i < size; i++) {
    check(at < buffer.length);
    if (buffer.data[at] == '%') {
      check(at + 2 < buffer.length);
      check((digit(buffer.data[at + 1]) << 4 | digit(buffer.data[at + 2])) == data[i]);
      at += 3;
    } else {
      check((uint8_t)buffer.data[at] == data[i]);
      check(strchr("/?#&=%+ \r\n", buffer.data[at]) == NULL || buffer.data[at] == 0);
      at++;
    }
  }
  check(at == buffer.length);
  pw_buffer_free(&buffer);
  pw_buffer pair = {.limit = 64};
  size_t half = size / 2;
  size_t before = 0;
  for (int i = 0; i < 3; i++) {
    pw_append done = pw_url_append_query(&pair, (const char *)data, half, (const char *)data + half, size - half);
    check(done == PW_APPENDED || pair.length == before); /* whole, or not at all */
    check(pair.length <= 64);
    before = pair.length;
  }
  pw_buffer_free(&pair);
  return 0;
}
