#include "url.h"

#include <string.h>

static bool is_unreserved(unsigned char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
         (byte != 0 && strchr("-._~", byte) != NULL);
}

pw_append pw_url_append_encoded(pw_buffer *buffer, const char *bytes, size_t size) {
  static const char digits[] = "0123456789ABCDEF";
  size_t before = buffer->length;
  for (size_t i = 0; i < size; i++) {
    unsigned char byte = (unsigned char)bytes[i];
    char encoded[3] = {'%', digits[byte >> 4], digits[byte & 15]};
    pw_append result = is_unreserved(byte) ? pw_buffer_append(buffer, &bytes[i], 1)
                                           : pw_buffer_append(buffer, encoded, sizeof encoded);
    if (result != PW_APPENDED) {
      buffer->length = before;
      return result;
    }
  }
  return PW_APPENDED;
}

pw_append pw_url_append_query(pw_buffer *buffer, const char *key, size_t key_size, const char *value,
                              size_t value_size) {
  size_t before = buffer->length;
  pw_append result = PW_APPENDED;
  if (before > 0) result = pw_buffer_append_byte(buffer, '&');
  if (result == PW_APPENDED) result = pw_url_append_encoded(buffer, key, key_size);
  if (result == PW_APPENDED) result = pw_buffer_append_byte(buffer, '=');
  if (result == PW_APPENDED) result = pw_url_append_encoded(buffer, value, value_size);
  if (result != PW_APPENDED) buffer->length = before;
  return result;
}
