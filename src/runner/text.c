#include "text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

char *pw_text_copy(const char *bytes, size_t size) {
  char *copy = malloc(size + 1);
  if (copy == NULL) return NULL;
  if (size > 0) memcpy(copy, bytes, size);
  copy[size] = '\0';
  return copy;
}

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

static uint32_t hex4(const char *digits) {
  uint32_t value = 0;
  for (int i = 0; i < 4; i++) value = value << 4 | (uint32_t)hex_digit(digits[i]);
  return value;
}

static char *put_utf8(char *to, uint32_t code) {
  if (code < 0x80) {
    *to++ = (char)code;
  } else if (code < 0x800) {
    *to++ = (char)(0xC0 | code >> 6);
    *to++ = (char)(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    *to++ = (char)(0xE0 | code >> 12);
    *to++ = (char)(0x80 | (code >> 6 & 0x3F));
    *to++ = (char)(0x80 | (code & 0x3F));
  } else {
    *to++ = (char)(0xF0 | code >> 18);
    *to++ = (char)(0x80 | (code >> 12 & 0x3F));
    *to++ = (char)(0x80 | (code >> 6 & 0x3F));
    *to++ = (char)(0x80 | (code & 0x3F));
  }
  return to;
}

/* Reads the \uXXXX at `*from` (behind its u), and its other half where it is a surrogate. */
static uint32_t take_unicode(const char **from) {
  uint32_t code = hex4(*from);
  *from += 4;
  bool high = code >= 0xD800 && code < 0xDC00;
  if (!high || (*from)[0] != '\\' || (*from)[1] != 'u') return code;
  uint32_t low = hex4(*from + 2);
  if (low < 0xDC00 || low >= 0xE000) return code;
  *from += 6;
  return 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
}

static char plain_escape(char c) {
  switch (c) {
    case 'n': return '\n';
    case 't': return '\t';
    case 'r': return '\r';
    case 'b': return '\b';
    case 'f': return '\f';
    default: return c;
  }
}

char *pw_text_from_json(const char *literal, size_t *size) {
  char *text = malloc(strlen(literal) + 1); /* never longer than its literal */
  if (text == NULL) return NULL;
  char *to = text;
  for (const char *from = literal + 1; *from != '\0' && *from != '"';) {
    if (*from != '\\') {
      *to++ = *from++;
    } else if (from[1] == 'u') {
      from += 2;
      to = put_utf8(to, take_unicode(&from));
    } else {
      *to++ = plain_escape(from[1]);
      from += 2;
    }
  }
  *to = '\0';
  *size = (size_t)(to - text);
  return text;
}

bool pw_text_decode_query(char *text) {
  char *to = text;
  for (const char *from = text; *from != '\0'; from++) {
    if (*from == '+') {
      *to++ = ' ';
    } else if (*from != '%') {
      *to++ = *from;
    } else {
      int high = hex_digit(from[1]);
      int low = high < 0 ? -1 : hex_digit(from[2]);
      if (low < 0 || (high == 0 && low == 0)) return false;
      *to++ = (char)(high * 16 + low);
      from += 2;
    }
  }
  *to = '\0';
  return true;
}

/* The length of the valid UTF-8 sequence that starts here, or 0. */
static size_t sequence(const unsigned char *bytes, size_t left) {
  unsigned char first = bytes[0];
  if (first == 0) return 0;
  if (first < 0x80) return 1;
  size_t size = first >= 0xF0 && first < 0xF5   ? 4
                : first >= 0xE0 && first < 0xF0 ? 3
                : first >= 0xC2 && first < 0xE0 ? 2
                                                : 0;
  if (size == 0 || size > left) return 0;
  for (size_t i = 1; i < size; i++) {
    if ((bytes[i] & 0xC0) != 0x80) return 0;
  }
  bool overlong = (first == 0xE0 && bytes[1] < 0xA0) || (first == 0xF0 && bytes[1] < 0x90);
  bool outside = (first == 0xED && bytes[1] >= 0xA0) || (first == 0xF4 && bytes[1] >= 0x90);
  return overlong || outside ? 0 : size;
}

void pw_text_make_utf8(char *text, size_t size) {
  for (size_t i = 0; i < size;) {
    size_t step = sequence((const unsigned char *)text + i, size - i);
    if (step == 0) text[i] = '?';
    i += step == 0 ? 1 : step;
  }
}

void pw_text_remove(char *text, const char *part) {
  size_t size = strlen(part);
  if (size == 0) return;
  for (char *found = strstr(text, part); found != NULL; found = strstr(found, part)) {
    memmove(found, found + size, strlen(found + size) + 1);
  }
}
