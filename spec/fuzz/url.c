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
  char *encoded = malloc(3 * size + 1);
  if (encoded == NULL) return 0;
  size_t length = pw_url_encode(encoded, (const char *)data, size), at = 0;
  for (size_t i = 0; i < size; i++) {
    check(at < length);
    if (encoded[at] == '%') {
      check(at + 2 < length);
      check((digit(encoded[at + 1]) << 4 | digit(encoded[at + 2])) == data[i]);
      at += 3;
    } else {
      check((uint8_t)encoded[at] == data[i]);
      check(strchr("/?#&=%+ \r\n", encoded[at]) == NULL || encoded[at] == 0);
      at++;
    }
  }
  check(at == length);
  free(encoded);
  return 0;
}
