/* The parts of the core that know neither Lua nor curl, by themselves: buffers, texts, the clock, queues. `bytes PART`
 * prints what is not so. The system's clock is the one here, so that nothing has to be waited for. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "../../src/core/buffer.h"
#include "../../src/core/clock.h"
#include "../../src/core/json_text.h"
#include "../../src/core/queue.h"
#include "../../src/core/text.h"
#include "checks.h"

static struct timespec system_time, slept;
static int sleeps;

int clock_gettime(clockid_t id, struct timespec *now) {
  *now = id == CLOCK_MONOTONIC ? system_time : (struct timespec){0};
  return 0;
}

int nanosleep(const struct timespec *time, struct timespec *rest) {
  (void)rest;
  slept = *time;
  sleeps++;
  return 0;
}

static void sleep_takes(double seconds, time_t whole, long nanoseconds) {
  int before = sleeps;
  pw_clock_sleep(seconds);
  CHECK(sleeps == before + 1);
  CHECK(slept.tv_sec == whole && labs(slept.tv_nsec - nanoseconds) <= 1);
}

static void check_clock(void) {
  system_time = (struct timespec){12, 345678901};
  CHECK(pw_clock_now() == 12345678);
  sleep_takes(0.25, 0, 250000000);
  sleep_takes(2.5, 2, 500000000);
  sleep_takes(3600, 3600, 0);
  sleep_takes(3600.5, 3600, 0);
  sleep_takes(1e300, 3600, 0);
  int before = sleeps;
  pw_clock_sleep(0);
  pw_clock_sleep(-1);
  pw_clock_sleep(0.0 / (double)(sleeps - before));
  CHECK(sleeps == before);
}

/* What a buffer asked for; gives it unless it is more than a mebibyte. */
typedef struct asked {
  void *block;
  size_t old, size, times;
} asked;

static void *allocate(void *context, void *block, size_t old, size_t size) {
  asked *last = context;
  *last = (asked){block, old, size, last->times + 1};
  if (size > 1024 * 1024) return NULL;
  if (size > 0) return realloc(block, size);
  free(block);
  return NULL;
}

static void check_growth(void) {
  static const char bytes[4096] = "abc";
  asked last = {0};
  pw_allocator allocator = {allocate, &last};
  pw_buffer buffer = {.allocator = &allocator};
  CHECK(pw_buffer_append(&buffer, bytes, 0) == PW_APPENDED && last.times == 0);
  CHECK(pw_buffer_append(&buffer, bytes, 1) == PW_APPENDED && last.size == 1024 && last.old == 0 && last.block == NULL);
  CHECK(pw_buffer_append(&buffer, bytes, 1023) == PW_APPENDED && last.times == 1 && buffer.capacity == 1024);
  const char *data = buffer.data;
  CHECK(pw_buffer_append(&buffer, bytes, 1) == PW_APPENDED && last.size == 2048 && last.old == 1024 &&
        last.block == data);
  CHECK(buffer.data[0] == 'a' && buffer.data[1] == 'a' && buffer.data[2] == 'b' && buffer.data[1024] == 'a');
  CHECK(buffer.length == 1025 && buffer.capacity == 2048);
  /* What can't be had is refused whole. */
  CHECK(pw_buffer_append(&buffer, bytes, 2 * 1024 * 1024) == PW_APPEND_NO_MEMORY && buffer.length == 1025);
  CHECK(buffer.capacity == 2048 && last.size == 4 * 1024 * 1024);
  CHECK(pw_buffer_append(&buffer, bytes, SIZE_MAX / 2 + 9) == PW_APPEND_NO_MEMORY && last.size == SIZE_MAX / 2 + 1034);
  CHECK(pw_buffer_append(&buffer, bytes, SIZE_MAX - 1025) == PW_APPEND_NO_MEMORY && last.size == SIZE_MAX);
  last.times = 0;
  CHECK(pw_buffer_append(&buffer, bytes, SIZE_MAX - 1024) == PW_APPEND_FULL && last.times == 0);
  pw_buffer_clear(&buffer, 2048);
  CHECK(buffer.length == 0 && buffer.capacity == 2048 && last.times == 0);
  CHECK(pw_buffer_append(&buffer, bytes, 4) == PW_APPENDED && buffer.length == 4 && buffer.data[1] == 'b');
  pw_buffer_clear(&buffer, 2047);
  CHECK(buffer.length == 0 && buffer.capacity == 0 && buffer.data == NULL);
  CHECK(last.times == 1 && last.old == 2048 && last.size == 0);
  pw_buffer_free(&buffer);
  CHECK(last.times == 1);
  CHECK(pw_buffer_append(&buffer, bytes, 1024) == PW_APPENDED && buffer.capacity == 1024);
  pw_buffer_free(&buffer);
}

static void check_bound(void) {
  pw_buffer buffer = {.limit = 5};
  CHECK(pw_buffer_append(&buffer, "abcde", 5) == PW_APPENDED);
  CHECK(pw_buffer_append(&buffer, "f", 1) == PW_APPEND_FULL && buffer.length == 5);
  CHECK(memcmp(buffer.data, "abcde", 5) == 0);
  pw_buffer_free(&buffer);
  CHECK(buffer.data == NULL && buffer.length == 0 && buffer.capacity == 0 && buffer.limit == 5);
  CHECK(pw_buffer_append(&buffer, "abcdef", 6) == PW_APPEND_FULL && buffer.data == NULL);
  CHECK(pw_buffer_append(&buffer, "abcd", 4) == PW_APPENDED && buffer.length == 4);
  pw_buffer_free(&buffer);
  pw_buffer_free(&buffer);
  buffer.limit = 1;
  CHECK(pw_buffer_append(&buffer, "ab", 2) == PW_APPEND_FULL && buffer.data == NULL);
}

/* Without an allocator memory goes back, too. */
static void check_return(void) {
#ifdef __GLIBC__
  static const char bytes[1024 * 1024] = "";
  size_t before = mallinfo2().hblkhd;
  pw_buffer buffer = {0};
  CHECK(pw_buffer_append(&buffer, bytes, sizeof bytes) == PW_APPENDED && mallinfo2().hblkhd > before);
  pw_buffer_free(&buffer);
  CHECK(mallinfo2().hblkhd == before);
#endif
}

static void check_buffer(void) {
  check_growth();
  check_bound();
  check_return();
  char secret[] = "secret";
  pw_wipe(secret + 1, 4);
  CHECK(memcmp(secret, "s\0\0\0\0t", 6) == 0);
  pw_wipe(secret, 0);
  CHECK(secret[0] == 's');
}

static pw_span span(const char *text) { return (pw_span){text, strlen(text)}; }

static bool is(pw_span span_of, const char *text) {
  return span_of.size == strlen(text) && memcmp(span_of.bytes, text, span_of.size) == 0;
}

static bool finds(pw_span block, const char *name, const char *expected) {
  pw_span value = {NULL, 0};
  if (!pw_header_find(block, name, &value)) return expected == NULL;
  return expected != NULL && is(value, expected);
}

static void check_lines(void) {
  pw_span rest = span("HTTP/1.1 200 OK\r\nOne: 1\r\n: none\r\nno colon\r\nTwo:\t 2 \r\nname\nX-3:\r\n\r\nlast:x"), name,
          value;
  static const char *const expected[] = {"One", "1", "Two", "2", "X-3", "", "last", "x"};
  for (size_t i = 0; i < 8; i += 2) {
    bool found = pw_header_next(&rest, &name, &value);
    CHECK(found);
    if (found) CHECK(is(name, expected[i]) && is(value, expected[i + 1]));
  }
  CHECK(!pw_header_next(&rest, &name, &value) && rest.size == 0);
  /* Nothing behind the end is read, though it would be a header. */
  rest = (pw_span){"a: b", 1};
  CHECK(!pw_header_next(&rest, &name, &value));
  CHECK(finds((pw_span){"a:1", 1}, "a", NULL) && finds((pw_span){"a:1", 2}, "a", "") &&
        finds((pw_span){"a:1", 3}, "a", "1"));
  CHECK(finds(span("ab: 1\na: 2\na: 3"), "a", "2") && finds(span("a: 2"), "A", "2") &&
        finds(span("A-Z: 2"), "a-z", "2"));
  CHECK(finds(span("ba: 1\nab: 2\nbb: 3\n"), "bb", "3") && finds(span("ab: 1"), "b", NULL) &&
        finds(span(""), "a", NULL));
  CHECK(finds(span("[: 1"), "{", NULL) && finds(span("@: 1"), "`", NULL) && finds(span("Z: 1"), "z", "1"));
}

static bool is_token(unsigned byte) {
  return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
         (byte > 0 && strchr("!#$%&'*+-.^_`|~", (int)byte) != NULL);
}

/* Every byte in a name, in a value and in a path. */
static void check_bytes(void) {
  for (unsigned byte = 0; byte < 256; byte++) {
    char line[] = "xyz: value", value[] = "a: -v-", encoded[4], expected[4] = {0};
    line[1] = value[3] = value[5] = (char)byte;
    pw_span rest = {line, 10}, name, found;
    /* A colon ends the name early, and a line's end leaves the rest a header. */
    CHECK(pw_header_next(&rest, &name, &found) == (is_token(byte) || byte == ':' || byte == '\n'));
    bool ends = byte == '\r' || byte == '\n' || byte == 0;
    CHECK(pw_header_is_sendable(line, 10) == (is_token(byte) || byte == ':'));
    CHECK(pw_header_is_sendable(value, 6) == !ends);
    if (byte != '\n') {
      bool blank = byte == ' ' || byte == '\t' || byte == '\r';
      rest = (pw_span){value, 6};
      CHECK(pw_header_next(&rest, &name, &found) && found.size == (blank ? 1 : 3));
    }
    char raw = (char)byte;
    size_t size = pw_url_encode(encoded, &raw, 1);
    bool plain = byte < 128 && is_token(byte) && strchr("!#$%&'*+^`|", (int)byte) == NULL;
    snprintf(expected, sizeof expected, plain ? "%c" : "%%%02X", byte);
    CHECK(size == (plain ? 1 : 3) && memcmp(encoded, expected, size) == 0);
  }
  CHECK(!pw_header_is_sendable(":", 1) && !pw_header_is_sendable("a", 1) && !pw_header_is_sendable("a:", 1));
  CHECK(pw_header_is_sendable("a:", 2) && !pw_header_is_sendable("a b:", 4) && !pw_header_is_sendable("a:\0", 3));
}

static bool agree(const char *one, const char *other) { return pw_length_agrees(span(one), span(other)); }

static void check_text(void) {
  check_lines();
  check_bytes();
  CHECK(agree("42", "42") && agree(" 42 ,42", "42") && agree("42, 42,42", "42") && agree("0", "0") && agree("9", "9"));
  CHECK(!agree("42", "43") && !agree("42", "4") && !agree("42,43", "42") && !agree("42,4", "42") &&
        !agree("42", "42,4"));
  CHECK(!agree("", "") && !agree("x", "x") && !agree("4x", "4x") && !agree("-4", "-4") && !agree("4,", "4"));
  CHECK(!agree("4", "x") && !agree("x", "4") && !agree("/", "/") && !agree("1:", "1:") && !agree("4,,4", "4"));
}

/* The same, read byte by byte. */
static const char *flaw_of(const char *text, size_t size, size_t *at) {
  bool string = false;
  for (size_t i = 0; i < size; i++) {
    char byte = text[i];
    *at = i + 1;
    bool control = (unsigned char)byte < 32;
    if (control && (string || (byte != '\t' && byte != '\n' && byte != '\r'))) {
      return string ? "a control character in a string" : "a control character";
    }
    if (string && byte == '\\') {
      i++;
    } else if (byte == '"') {
      string = !string;
    } else if (!string && byte == '.') {
      bool left = i > 0 && text[i - 1] >= '0' && text[i - 1] <= '9';
      bool right = i + 1 < size && text[i + 1] >= '0' && text[i + 1] <= '9';
      if (!left || !right) return "a number whose point has no digits on both sides";
    }
  }
  return NULL;
}

/* A byte before the text is a digit, and none behind it can be read. */
static void check_json_text(void) {
  static const char alphabet[] = "\"\"\\\\..0099aaaaaaaaaaaaaa\t\n\r :/\x1f\x1b\x7f\x80\xff\x01";
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  char *memory = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED || mprotect(memory + page, page, PROT_NONE) != 0) abort();
  uint32_t seed = 1;
  for (size_t round = 0; round < 30000 && failures < 3; round++) {
    size_t size = round % 48, at = 0, due_at = 0;
    char *text = memory + page - size;
    text[-1] = '1';
    for (size_t i = 0; i < size; i++) {
      seed = seed * 1664525u + 1013904223u;
      text[i] = alphabet[(seed >> 16) % (round % 3 == 0 ? sizeof alphabet - 1 : 24)];
      if (round % 5 == 0 && i + 9 < size) text[i] = i == 0 ? '"' : 'a';
    }
    const char *flaw = pw_json_flaw(text, size, &at), *due = flaw_of(text, size, &due_at);
    CHECK((flaw == NULL) == (due == NULL));
    if (flaw != NULL && due != NULL) CHECK(strcmp(flaw, due) == 0 && at == due_at);
  }
  munmap(memory, 2 * page);
}

static bool holds(const pw_queue *queue, long count, pw_transfer *const *expected) {
  const pw_transfer *each = queue->first, *last = NULL;
  for (long i = 0; i < count; i++, last = each, each = each->next) {
    if (each != expected[i] || each->previous != last) return false;
  }
  return each == NULL && queue->last == last && queue->count == count;
}

#define HOLDS(queue, count, ...) CHECK(holds(queue, count, (pw_transfer *const[]){__VA_ARGS__}))

static void check_queue(void) {
  pw_queue queue = {0};
  pw_transfer *a = calloc(1, sizeof *a), *b = calloc(1, sizeof *b), *c = calloc(1, sizeof *c),
              *d = calloc(1, sizeof *d);
  if (a == NULL || b == NULL || c == NULL || d == NULL) abort();
  CHECK(pw_queue_take(&queue) == NULL && queue.count == 0);
  pw_queue_push(&queue, b);
  HOLDS(&queue, 1, b);
  pw_queue_push(&queue, c);
  pw_queue_push_first(&queue, a);
  pw_queue_push(&queue, d);
  HOLDS(&queue, 4, a, b, c, d);
  pw_queue_remove(&queue, b);
  HOLDS(&queue, 3, a, c, d);
  CHECK(b->next == NULL && b->previous == NULL);
  pw_queue_remove(&queue, d);
  HOLDS(&queue, 2, a, c);
  CHECK(pw_queue_take(&queue) == a && a->next == NULL);
  HOLDS(&queue, 1, c);
  CHECK(pw_queue_take(&queue) == c);
  HOLDS(&queue, 0, NULL);
  pw_queue_push_first(&queue, c);
  HOLDS(&queue, 1, c);
  pw_queue_push(&queue, a);
  pw_queue_push(&queue, b);
  pw_queue_push(&queue, d);
  pw_queue_free(&queue);
  HOLDS(&queue, 0, NULL);
}

int main(int count, char **words) {
  static const part parts[] = {
      {"clock", check_clock},         {"buffer", check_buffer}, {"text", check_text},
      {"json_text", check_json_text}, {"queue", check_queue},   {NULL, NULL},
  };
  return check_parts(parts, count, words);
}
