#include "several.h"

#include <sys/select.h>

enum { ROOM = FD_SETSIZE };

/* libcurl before 8.8 tells its sockets only as an fd_set, and leaves those out whose number is too high for one. So no
 * wait is longer than the first, and none longer than the second where an engine at work shows no socket at all. */
enum { LONGEST_MS = 100, BLIND_MS = 5 };

typedef struct wait_list {
  struct curl_waitfd fds[ROOM];
  unsigned count;
  long milliseconds;
} wait_list;

static void shorten(wait_list *list, long milliseconds) {
  if (milliseconds >= 0 && milliseconds < list->milliseconds) list->milliseconds = milliseconds;
}

static void add_fd(wait_list *list, int fd, bool readable, bool writable) {
  if (list->count == ROOM) {
    shorten(list, BLIND_MS);
    return;
  }
  short events = (short)((readable ? CURL_WAIT_POLLIN : 0) | (writable ? CURL_WAIT_POLLOUT : 0));
  list->fds[list->count++] = (struct curl_waitfd){.fd = fd, .events = events};
}

static CURLMcode add_engine(wait_list *list, pw_engine *engine) {
  if (engine->options.hosted) {
    add_fd(list, engine->poller.fd, true, false);
    return CURLM_OK;
  }
  long due = -1;
  curl_multi_timeout(engine->multi, &due);
  shorten(list, due);
  fd_set readable, writable, broken;
  FD_ZERO(&readable);
  FD_ZERO(&writable);
  FD_ZERO(&broken);
  int highest = -1;
  CURLMcode code = curl_multi_fdset(engine->multi, &readable, &writable, &broken, &highest);
  if (highest < 0 && engine->counts.active > 0) shorten(list, BLIND_MS);
  for (int fd = 0; fd <= highest && fd < FD_SETSIZE; fd++) {
    bool reads = FD_ISSET(fd, &readable), writes = FD_ISSET(fd, &writable);
    if (reads || writes) add_fd(list, fd, reads, writes);
  }
  return code;
}

bool pw_several_wait(pw_engine *const *engines, size_t count, int milliseconds, const char **reason) {
  wait_list list = {.milliseconds = LONGEST_MS};
  shorten(&list, milliseconds);
  CURLMcode code = CURLM_OK;
  for (size_t i = 0; i < count && code == CURLM_OK; i++) {
    if (engines[i]->done_first != NULL) shorten(&list, 0);
    /* curl_multi_poll knows the first one's sockets by itself, but not a hosted one's descriptor. */
    if (i > 0 || engines[i]->options.hosted) code = add_engine(&list, engines[i]);
  }
  if (code == CURLM_OK && count > 0) {
    code = curl_multi_poll(engines[0]->multi, list.fds, list.count, (int)list.milliseconds, NULL);
  }
  if (code != CURLM_OK) *reason = curl_multi_strerror(code);
  return code == CURLM_OK;
}
