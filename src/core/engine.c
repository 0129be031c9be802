#include "engine.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

enum { EVENT_ROOM = 64 };

static pthread_once_t global_once = PTHREAD_ONCE_INIT;
static CURLcode global_result;

/* NOLINTNEXTLINE: libcurl's own set-up is the one thing that belongs to the process. */
static void global_init(void) { global_result = curl_global_init(CURL_GLOBAL_DEFAULT); }

int64_t pw_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void arm_timer(pw_engine *engine) {
  int64_t due = engine->curl_due;
  if (due < 0 || (engine->wake_due >= 0 && engine->wake_due < due)) due = engine->wake_due;
  int64_t left = due < 0 ? -1 : due - pw_now();
  pw_poller_arm(&engine->poller, due >= 0 && left < 0 ? 0 : left);
}

static int on_socket(CURL *easy, curl_socket_t socket, int what, void *data, void *mark) {
  (void)easy, (void)mark;
  pw_engine *engine = data;
  bool readable = what == CURL_POLL_IN || what == CURL_POLL_INOUT;
  bool writable = what == CURL_POLL_OUT || what == CURL_POLL_INOUT;
  return pw_poller_watch(&engine->poller, (int)socket, readable, writable) ? 0 : -1;
}

static int on_timer(CURLM *multi, long milliseconds, void *data) {
  (void)multi;
  pw_engine *engine = data;
  engine->curl_due = milliseconds < 0 ? -1 : pw_now() + (int64_t)milliseconds * 1000;
  arm_timer(engine);
  return 0;
}

static bool open_hosted(pw_engine *engine) {
  if (!pw_poller_open(&engine->poller)) return false;
  curl_multi_setopt(engine->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
  curl_multi_setopt(engine->multi, CURLMOPT_SOCKETDATA, engine);
  curl_multi_setopt(engine->multi, CURLMOPT_TIMERFUNCTION, on_timer);
  curl_multi_setopt(engine->multi, CURLMOPT_TIMERDATA, engine);
  return true;
}

bool pw_engine_open(pw_engine *engine, const pw_engine_options *options, const char **reason) {
  pthread_once(&global_once, global_init);
  if (global_result != CURLE_OK) {
    *reason = curl_easy_strerror(global_result);
    return false;
  }
  memset(engine, 0, sizeof *engine);
  engine->options = *options;
  engine->poller.fd = -1;
  engine->curl_due = engine->wake_due = -1;
  engine->multi = curl_multi_init();
  if (engine->multi == NULL) {
    *reason = "not enough memory";
    return false;
  }
  curl_multi_setopt(engine->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, options->max_connections);
  curl_multi_setopt(engine->multi, CURLMOPT_MAXCONNECTS, options->max_connections);
  if (options->hosted && !open_hosted(engine)) {
    *reason = "the system gives no descriptor to wait on (is the limit of open files reached?)";
    pw_engine_close(engine);
    return false;
  }
  return true;
}

static void unlink_active(pw_engine *engine, pw_transfer *transfer) {
  if (transfer->previous != NULL) transfer->previous->next = transfer->next;
  if (transfer->next != NULL) transfer->next->previous = transfer->previous;
  if (engine->active == transfer) engine->active = transfer->next;
  transfer->next = transfer->previous = NULL;
  transfer->active = false;
  engine->counts.active--;
}

static void unlink_done(pw_engine *engine, pw_transfer *transfer) {
  pw_transfer *before = NULL;
  for (pw_transfer *each = engine->done_first; each != NULL; before = each, each = each->next) {
    if (each != transfer) continue;
    if (before != NULL) before->next = each->next;
    if (engine->done_first == each) engine->done_first = each->next;
    if (engine->done_last == each) engine->done_last = before;
    each->next = NULL;
    return;
  }
}

static void free_list(pw_transfer *first) {
  while (first != NULL) {
    pw_transfer *next = first->next;
    pw_transfer_free(first);
    first = next;
  }
}

void pw_engine_close(pw_engine *engine) {
  if (engine->multi == NULL) return;
  for (pw_transfer *each = engine->active; each != NULL; each = each->next) {
    curl_multi_remove_handle(engine->multi, each->easy);
  }
  free_list(engine->active);
  free_list(engine->done_first);
  free_list(engine->idle);
  engine->active = engine->done_first = engine->done_last = engine->idle = NULL;
  engine->counts.active = 0;
  curl_multi_cleanup(engine->multi); /* may still call on_socket: the poller closes after it */
  engine->multi = NULL;
  pw_poller_close(&engine->poller);
}

static pw_transfer *idle_transfer(pw_engine *engine, const char **refused) {
  pw_transfer *transfer = engine->idle;
  if (transfer == NULL) return pw_transfer_new(&engine->options.transfer, refused);
  engine->idle = transfer->next;
  engine->idle_count--;
  transfer->next = NULL;
  return transfer;
}

pw_transfer *pw_engine_start(pw_engine *engine, const pw_request *request, void *owner, const char **reason) {
  *reason = NULL;
  pw_transfer *transfer = idle_transfer(engine, reason);
  if (transfer == NULL) return NULL;
  CURLMcode code = CURLM_OUT_OF_MEMORY;
  if (pw_transfer_prepare(transfer, request)) code = curl_multi_add_handle(engine->multi, transfer->easy);
  if (code != CURLM_OK) {
    if (code != CURLM_OUT_OF_MEMORY) *reason = curl_multi_strerror(code);
    pw_transfer_free(transfer);
    return NULL;
  }
  transfer->owner = owner;
  transfer->active = true;
  transfer->next = engine->active;
  if (engine->active != NULL) engine->active->previous = transfer;
  engine->active = transfer;
  engine->counts.started++;
  engine->counts.active++;
  return transfer;
}

static void finish(pw_engine *engine, pw_transfer *transfer, CURLcode code) {
  pw_transfer_finish(transfer, code);
  curl_multi_remove_handle(engine->multi, transfer->easy);
  unlink_active(engine, transfer);
  if (engine->done_last != NULL) {
    engine->done_last->next = transfer;
  } else {
    engine->done_first = transfer;
  }
  engine->done_last = transfer;
  engine->counts.finished++;
  engine->counts.connections += transfer->facts.new_connections;
  engine->counts.multiplexed += transfer->facts.http_version >= 20;
  engine->counts.sent_bytes += transfer->facts.sent_bytes;
  engine->counts.received_bytes += transfer->facts.received_bytes;
}

static void collect(pw_engine *engine) {
  CURLMsg *message;
  int left;
  while ((message = curl_multi_info_read(engine->multi, &left)) != NULL) {
    if (message->msg != CURLMSG_DONE) continue;
    CURLcode code = message->data.result;
    char *transfer = NULL;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
    finish(engine, (pw_transfer *)(void *)transfer, code);
  }
}

static CURLMcode step_polling(pw_engine *engine, int milliseconds) {
  int running;
  CURLMcode code = curl_multi_perform(engine->multi, &running);
  collect(engine);
  if (code != CURLM_OK || engine->done_first != NULL || milliseconds == 0) return code;
  code = curl_multi_poll(engine->multi, NULL, 0, milliseconds, NULL);
  if (code == CURLM_OK) code = curl_multi_perform(engine->multi, &running);
  collect(engine);
  return code;
}

static CURLMcode act_on_timer(pw_engine *engine) {
  int64_t now = pw_now();
  int running;
  CURLMcode code = CURLM_OK;
  if (engine->wake_due >= 0 && engine->wake_due <= now) engine->wake_due = -1;
  if (engine->curl_due >= 0 && engine->curl_due <= now) {
    engine->curl_due = -1;
    code = curl_multi_socket_action(engine->multi, CURL_SOCKET_TIMEOUT, 0, &running);
  }
  arm_timer(engine);
  return code;
}

static CURLMcode step_hosted(pw_engine *engine, int milliseconds) {
  pw_poll_event events[EVENT_ROOM];
  CURLMcode code = CURLM_OK;
  int count = pw_poller_wait(&engine->poller, events, EVENT_ROOM, engine->done_first != NULL ? 0 : milliseconds);
  if (count < 0) return CURLM_INTERNAL_ERROR;
  for (int i = 0; i < count && code == CURLM_OK; i++) {
    int what = (events[i].readable ? CURL_CSELECT_IN : 0) | (events[i].writable ? CURL_CSELECT_OUT : 0) |
               (events[i].broken ? CURL_CSELECT_ERR : 0);
    int running;
    code =
        events[i].fd < 0 ? act_on_timer(engine) : curl_multi_socket_action(engine->multi, events[i].fd, what, &running);
  }
  collect(engine);
  return code;
}

bool pw_engine_step(pw_engine *engine, int milliseconds, const char **reason) {
  CURLMcode code = engine->options.hosted ? step_hosted(engine, milliseconds) : step_polling(engine, milliseconds);
  if (code != CURLM_OK) *reason = curl_multi_strerror(code);
  return code == CURLM_OK;
}

pw_transfer *pw_engine_take(pw_engine *engine) {
  pw_transfer *transfer = engine->done_first;
  if (transfer == NULL) return NULL;
  engine->done_first = transfer->next;
  if (engine->done_first == NULL) engine->done_last = NULL;
  transfer->next = NULL;
  return transfer;
}

void pw_engine_release(pw_engine *engine, pw_transfer *transfer) {
  if (engine->multi == NULL || engine->idle_count >= engine->options.max_connections) {
    pw_transfer_free(transfer);
    return;
  }
  pw_transfer_reset(transfer);
  transfer->next = engine->idle;
  engine->idle = transfer;
  engine->idle_count++;
}

void pw_engine_cancel(pw_engine *engine, pw_transfer *transfer) {
  if (transfer->active) {
    curl_multi_remove_handle(engine->multi, transfer->easy);
    unlink_active(engine, transfer);
  } else {
    unlink_done(engine, transfer);
  }
  pw_engine_release(engine, transfer);
}

void pw_engine_wake_in(pw_engine *engine, int64_t microseconds) {
  engine->wake_due = microseconds < 0 ? -1 : pw_now() + microseconds;
  if (engine->options.hosted) arm_timer(engine);
}
