#include "text.h"

#include <string.h>

static char lower(char byte) { return byte >= 'A' && byte <= 'Z' ? (char)(byte + ('a' - 'A')) : byte; }

static bool is_blank(char byte) { return byte == ' ' || byte == '\t' || byte == '\r'; }

/* RFC 9110's tchar: what a field name is made of. */
static bool is_token_byte(char byte) {
  return (byte >= '0' && byte <= '9') || (lower(byte) >= 'a' && lower(byte) <= 'z') ||
         (byte != 0 && strchr("!#$%&'*+-.^_`|~", byte) != NULL);
}

static size_t token_size(const char *bytes, size_t size) {
  size_t length = 0;
  while (length < size && is_token_byte(bytes[length])) length++;
  return length;
}

static pw_span trimmed(pw_span span) {
  while (span.size > 0 && is_blank(span.bytes[0])) {
    span.bytes++;
    span.size--;
  }
  while (span.size > 0 && is_blank(span.bytes[span.size - 1])) span.size--;
  return span;
}

static pw_span take_line(pw_span *rest) {
  const char *end = memchr(rest->bytes, '\n', rest->size);
  pw_span line = {rest->bytes, end != NULL ? (size_t)(end - rest->bytes) : rest->size};
  size_t taken = line.size + (end != NULL ? 1 : 0);
  rest->bytes += taken;
  rest->size -= taken;
  return line;
}

bool pw_header_next(pw_span *rest, pw_span *name, pw_span *value) {
  while (rest->size > 0) {
    pw_span line = take_line(rest);
    size_t length = token_size(line.bytes, line.size);
    if (length == 0 || length == line.size || line.bytes[length] != ':') continue;
    *name = (pw_span){line.bytes, length};
    *value = trimmed((pw_span){line.bytes + length + 1, line.size - length - 1});
    return true;
  }
  return false;
}

bool pw_header_find(pw_span block, const char *name, pw_span *value) {
  size_t size = strlen(name);
  while (block.size > 0) {
    pw_span line = take_line(&block);
    if (line.size <= size || line.bytes[size] != ':') continue;
    size_t same = 0;
    while (same < size && lower(line.bytes[same]) == lower(name[same])) same++;
    if (same < size) continue;
    *value = trimmed((pw_span){line.bytes + size + 1, line.size - size - 1});
    return true;
  }
  return false;
}

static bool is_same(pw_span one, pw_span other) {
  return one.size == other.size && memcmp(one.bytes, other.bytes, one.size) == 0;
}

static bool is_number(pw_span span) {
  for (size_t i = 0; i < span.size; i++) {
    if (span.bytes[i] < '0' || span.bytes[i] > '9') return false;
  }
  return span.size > 0;
}

static bool read_length(pw_span value, pw_span *digits) {
  bool first = true;
  for (;;) {
    const char *comma = memchr(value.bytes, ',', value.size);
    size_t size = comma != NULL ? (size_t)(comma - value.bytes) : value.size;
    pw_span number = trimmed((pw_span){value.bytes, size});
    if (!is_number(number) || (!first && !is_same(number, *digits))) return false;
    *digits = number;
    if (comma == NULL) return true;
    first = false;
    value = (pw_span){comma + 1, value.size - size - 1};
  }
}

bool pw_length_agrees(pw_span value, pw_span other) {
  pw_span digits = {NULL, 0}, others = digits;
  return read_length(value, &digits) && read_length(other, &others) && is_same(digits, others);
}

bool pw_header_is_sendable(const char *line, size_t size) {
  size_t length = token_size(line, size);
  if (length == 0 || length == size || line[length] != ':') return false;
  for (size_t i = 0; i < size; i++) {
    if (line[i] == '\r' || line[i] == '\n' || line[i] == 0) return false;
  }
  return true;
}

static bool is_unreserved(unsigned char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
         (byte != 0 && strchr("-._~", byte) != NULL);
}

size_t pw_url_encode(char *into, const char *bytes, size_t size) {
  static const char digits[] = "0123456789ABCDEF";
  const char *start = into;
  for (size_t i = 0; i < size; i++) {
    unsigned char byte = (unsigned char)bytes[i];
    if (is_unreserved(byte)) {
      *into++ = bytes[i];
    } else {
      *into++ = '%';
      *into++ = digits[byte >> 4];
      *into++ = digits[byte & 15];
    }
  }
  return (size_t)(into - start);
}

bool pw_url_is_id(pw_span text) {
  static const char most[] = "9223372036854775807";
  size_t room = sizeof most - 1;
  if (text.size == 0 || text.size > room || text.bytes[0] == '0') return false;
  for (size_t i = 0; i < text.size; i++) {
    if (text.bytes[i] < '0' || text.bytes[i] > '9') return false;
  }
  return text.size < room || memcmp(text.bytes, most, room) <= 0;
}
