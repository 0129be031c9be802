#include "json_text.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static const uint64_t ONES = 0x0101010101010101U;
static const uint64_t HIGHS = 0x8080808080808080U;

enum { WORD = sizeof(uint64_t) };

static uint64_t load(const char *text) {
  uint64_t word;
  memcpy(&word, text, WORD);
  return word;
}

/* Of eight bytes, those below 32: not zero when there is one. */
static uint64_t controls_in(uint64_t word) { return (word - ONES * ' ') & ~word & HIGHS; }

static uint64_t bytes_in(uint64_t word, char byte) {
  uint64_t zero_where_it_is = word ^ (ONES * (unsigned char)byte);
  return (zero_where_it_is - ONES) & ~zero_where_it_is & HIGHS;
}

static bool is_control(char byte) { return (unsigned char)byte < ' '; }

static bool has_control(const char *text, size_t size) {
  uint64_t found = 0;
  size_t at = 0;
  for (; at + WORD <= size; at += WORD) found |= controls_in(load(text + at));
  for (; at < size; at++) found |= is_control(text[at]);
  return found != 0;
}

static bool is_digit(char byte) { return byte >= '0' && byte <= '9'; }

static bool stands_between_digits(const char *text, size_t size, size_t at) {
  return at > 0 && at + 1 < size && is_digit(text[at - 1]) && is_digit(text[at + 1]);
}

/* Whether there is a point that is not between digits, in a string or elsewhere. */
static bool has_lone_point(const char *text, size_t size) {
  const char *point = memchr(text, '.', size);
  while (point != NULL) {
    size_t at = (size_t)(point - text);
    if (!stands_between_digits(text, size, at)) return true;
    point = memchr(point + 1, '.', size - at - 1);
  }
  return false;
}

/* From the byte after a string's opening quote to the one that ends it: its closing quote, a control character, or the
 * end of the text. */
static size_t skip_string(const char *text, size_t size, size_t at) {
  while (at < size && text[at] != '"' && !is_control(text[at])) {
    at += text[at] == '\\' ? 2 : 1;
    while (at + WORD <= size) {
      uint64_t word = load(text + at);
      if ((controls_in(word) | bytes_in(word, '"') | bytes_in(word, '\\')) != 0) break;
      at += WORD;
    }
  }
  return at;
}

static bool is_blank(char byte) { return byte == '\t' || byte == '\n' || byte == '\r'; }

static const char *find_flaw(const char *text, size_t size, size_t *at) {
  for (size_t i = 0; i < size; i++) {
    *at = i + 1;
    if (text[i] == '"') {
      i = skip_string(text, size, i + 1);
      *at = i + 1;
      if (i < size && text[i] != '"') return "a control character in a string";
    } else if (text[i] == '.' && !stands_between_digits(text, size, i)) {
      return "a number whose point has no digits on both sides";
    } else if (is_control(text[i]) && !is_blank(text[i])) {
      return "a control character";
    }
  }
  return NULL;
}

const char *pw_json_flaw(const char *text, size_t size, size_t *at) {
  return has_control(text, size) || has_lone_point(text, size) ? find_flaw(text, size, at) : NULL;
}
