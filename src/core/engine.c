#include "engine.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
  EVENT_ROOM = 64,
  SOCKETS_PER_TRANSFER = 5, /* libcurl's own bound */
  SOON_MICROSECONDS = 500
};

static pthread_once_t global_once = PTHREAD_ONCE_INIT;
static CURLcode global_result;

/* NOLINTNEXTLINE: libcurl's own set-up is the one thing that belongs to the process. */
static void global_init(void) { global_result = curl_global_init(CURL_GLOBAL_DEFAULT); }

int64_t pw_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Hosted: what was finished while no loop looked on is due now. */
static void arm_timer(pw_engine *engine) {
  int64_t due = engine->done_first != NULL ? 0 : engine->curl_due;
  if (due < 0 || (engine->wake_due >= 0 && engine->wake_due < due)) due = engine->wake_due;
  int64_t left = due < 0 ? -1 : due - pw_now();
  pw_poller_arm(&engine->poller, due >= 0 && left < 0 ? 0 : left);
}

static int on_socket(CURL *easy, curl_socket_t socket, int what, void *data, void *mark) {
  (void)easy, (void)mark;
  pw_engine *engine = data;
  bool readable = what == CURL_POLL_IN || what == CURL_POLL_INOUT;
  bool writable = what == CURL_POLL_OUT || what == CURL_POLL_INOUT;
  bool watched = engine->options.hosted ? pw_poller_watch(&engine->poller, (int)socket, readable, writable)
                                        : pw_sockets_watch(&engine->sockets, (int)socket, readable, writable);
  return watched ? 0 : -1;
}

static int on_timer(CURLM *multi, long milliseconds, void *data) {
  (void)multi;
  pw_engine *engine = data;
  engine->curl_due = milliseconds < 0 ? -1 : pw_now() + (int64_t)milliseconds * 1000;
  if (engine->options.hosted && !engine->starting) arm_timer(engine);
  return 0;
}

/* Whether this process may run on more than one processor. */
static bool several_processors(void) {
#ifdef CPU_COUNT
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) return CPU_COUNT(&allowed) > 1;
#endif
  return sysconf(_SC_NPROCESSORS_ONLN) > 1;
}

static CURLM *new_multi(pw_engine *engine) {
  CURLM *multi = curl_multi_init();
  if (multi == NULL) return NULL;
  curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, engine->options.max_connections);
  curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, engine->options.max_connections);
  curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
  curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, engine);
  /* Without a host there is one who asks before each wait, which is cheaper than being told of each change. */
  if (engine->options.hosted) {
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, engine);
  }
  return multi;
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
  engine->several_processors = several_processors();
  engine->multi = new_multi(engine);
  if (engine->multi == NULL) {
    *reason = "not enough memory";
    return false;
  }
  if (options->hosted && !pw_poller_open(&engine->poller)) {
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

/* Takes a transfer off, under way or done. */
static void remove_any(pw_engine *engine, pw_transfer *transfer) {
  if (transfer->active) {
    curl_multi_remove_handle(engine->multi, transfer->easy);
    unlink_active(engine, transfer);
  } else {
    unlink_done(engine, transfer);
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
  curl_multi_cleanup(engine->multi); /* may still call on_socket: what that uses closes after it */
  engine->multi = NULL;
  pw_poller_close(&engine->poller);
  pw_sockets_free(&engine->sockets);
}

pw_transfer *pw_engine_reserve(pw_engine *engine, const char **reason) {
  *reason = NULL;
  if (engine->idle == NULL) {
    engine->idle = pw_transfer_new(&engine->options.transfer, reason);
    if (engine->idle != NULL) engine->idle_count++;
  }
  return engine->idle;
}

static pw_transfer *take_idle(pw_engine *engine) {
  pw_transfer *transfer = engine->idle;
  engine->idle = transfer->next;
  engine->idle_count--;
  transfer->next = NULL;
  return transfer;
}

/* Puts a transfer that has ended, and is off the multi handle, with those to be taken. */
static void queue_done(pw_engine *engine, pw_transfer *transfer) {
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
    char *private = NULL;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
    pw_transfer *transfer = (pw_transfer *)(void *)private;
    pw_transfer_finish(transfer, message->data.result);
    curl_multi_remove_handle(engine->multi, transfer->easy);
    queue_done(engine, transfer);
  }
}

/* Puts another multi handle in the place of one that failed. False when there is no memory for it. */
static bool replace_multi(pw_engine *engine) {
  CURLM *multi = new_multi(engine);
  if (multi == NULL) return false;
  curl_multi_cleanup(engine->multi); /* lets go of its transfers, whatever state its tables are in */
  engine->multi = multi;
  engine->sockets.count = 0;
  engine->curl_due = -1;
  engine->broken = false;
  return true;
}

/* A multi handle that failed, which is for want of memory, has forgotten sockets and timers, and libcurl 7.88 may
 * divide by zero when such a socket comes up again: what is under way ends with it. */
static void break_off(pw_engine *engine, CURLMcode code) {
  engine->broken = true;
  bool replaced = replace_multi(engine); /* or before the next start */
  while (engine->active != NULL) {
    pw_transfer *transfer = engine->active;
    pw_transfer_finish(transfer, CURLE_ABORTED_BY_CALLBACK);
    if (!replaced) curl_multi_remove_handle(engine->multi, transfer->easy);
    queue_done(engine, transfer);
    transfer->failure = code == CURLM_OUT_OF_MEMORY ? PW_FAILURE_MEMORY : PW_FAILURE_NETWORK;
    snprintf(transfer->message, sizeof transfer->message, "libcurl failed: %s", curl_multi_strerror(code));
  }
}

static void act(pw_engine *engine, curl_socket_t socket, int what) {
  if (engine->broken) return;
  int running;
  CURLMcode code = curl_multi_socket_action(engine->multi, socket, what, &running);
  collect(engine);
  if (code != CURLM_OK) break_off(engine, code);
}

/* Lets libcurl do what its time has come for: begin what was added, retry a connection, give up. */
static void act_on_due(pw_engine *engine) {
  if (engine->options.hosted) {
    if (engine->curl_due < 0 || engine->curl_due > pw_now()) return;
    engine->curl_due = -1;
  }
  act(engine, CURL_SOCKET_TIMEOUT, 0);
}

static CURLMcode add(pw_engine *engine, pw_transfer *transfer, const pw_request *request) {
  if (engine->broken && !replace_multi(engine)) return CURLM_OUT_OF_MEMORY;
  size_t sockets = SOCKETS_PER_TRANSFER * ((size_t)engine->counts.active + 1);
  if (!engine->options.hosted && !pw_sockets_reserve(&engine->sockets, sockets)) return CURLM_OUT_OF_MEMORY;
  if (!pw_transfer_prepare(transfer, request)) return CURLM_OUT_OF_MEMORY;
  return curl_multi_add_handle(engine->multi, transfer->easy);
}

static void link_active(pw_engine *engine, pw_transfer *transfer) {
  transfer->active = true;
  transfer->next = engine->active;
  if (engine->active != NULL) engine->active->previous = transfer;
  engine->active = transfer;
  engine->counts.active++;
}

bool pw_engine_start(pw_engine *engine, const pw_request *request, const char **reason) {
  pw_transfer *transfer = take_idle(engine);
  engine->starting = true;
  CURLMcode code = add(engine, transfer, request);
  if (code != CURLM_OK) {
    engine->starting = false;
    *reason = code == CURLM_OUT_OF_MEMORY ? NULL : curl_multi_strerror(code);
    pw_transfer_free(transfer);
    return false;
  }
  link_active(engine, transfer);
  engine->counts.started++;
  /* Sent at once where a connection is kept: what the caller does next goes on beside the service's work. */
  act_on_due(engine);
  engine->starting = false;
  if (engine->options.hosted) arm_timer(engine);
  return true;
}

static void act_on(pw_engine *engine, int fd, bool readable, bool writable, bool broken) {
  int what = (readable ? CURL_CSELECT_IN : 0) | (writable ? CURL_CSELECT_OUT : 0) | (broken ? CURL_CSELECT_ERR : 0);
  act(engine, fd, what);
}

int pw_engine_patience(const pw_engine *engine, int milliseconds) {
  if (engine->done_first != NULL) return 0;
  long left = -1; /* a hosted one's timer is in its descriptor */
  if (!engine->options.hosted) curl_multi_timeout(engine->multi, &left);
  return left >= 0 && left < milliseconds ? (int)left : milliseconds;
}

/* What poll(2) found is copied out first: libcurl changes the list while it acts. A descriptor that it closes and
 * opens again meanwhile may be acted on once for nothing, which does no harm. */
static void act_on_ready(pw_engine *engine, int count) {
  const pw_sockets *sockets = &engine->sockets;
  struct pollfd ready[EVENT_ROOM];
  int found = 0;
  size_t first = sockets->count > 0 ? engine->turn++ % sockets->count : 0; /* none is always last */
  for (size_t i = 0; i < sockets->count && found < count && found < EVENT_ROOM; i++) {
    const struct pollfd *each = &sockets->list[(first + i) % sockets->count];
    if (each->revents != 0) ready[found++] = *each;
  }
  for (int i = 0; i < found; i++) {
    short what = ready[i].revents;
    act_on(engine, ready[i].fd, (what & (POLLIN | POLLHUP)) != 0, (what & POLLOUT) != 0,
           (what & (POLLERR | POLLNVAL)) != 0);
  }
}

/* Waits for the sockets. A lone request whose like was answered within the last half millisecond, which is what a
 * service on this machine does, is looked for that long before this sleeps: waking up takes as long as the answer. The
 * first wait that lasts longer ends that, so that a service far away costs no work at all. */
static int wait_for_sockets(pw_engine *engine, int milliseconds) {
  struct pollfd *list = engine->sockets.list;
  nfds_t count = (nfds_t)engine->sockets.count;
  if (milliseconds == 0) return poll(list, count, 0);
  int64_t began = pw_now(), now = began;
  int ready = 0;
  if (engine->answers_soon && engine->several_processors && engine->counts.active == 1) {
    do {
      ready = poll(list, count, 0);
      now = pw_now();
    } while (ready == 0 && now - began < SOON_MICROSECONDS);
  }
  if (ready == 0) {
    ready = poll(list, count, milliseconds);
    now = pw_now();
  }
  engine->answers_soon = now - began < SOON_MICROSECONDS;
  return ready;
}

static bool step_polling(pw_engine *engine, int milliseconds) {
  int count = wait_for_sockets(engine, pw_engine_patience(engine, milliseconds));
  if (count < 0 && errno != EINTR) return false;
  act_on_ready(engine, count);
  if (engine->active != NULL) act_on_due(engine);
  return true;
}

static bool step_hosted(pw_engine *engine, int milliseconds) {
  pw_poll_event events[EVENT_ROOM];
  int count = pw_poller_wait(&engine->poller, events, EVENT_ROOM, engine->done_first != NULL ? 0 : milliseconds);
  if (count < 0) return false;
  bool timer = false;
  for (int i = 0; i < count; i++) {
    const pw_poll_event *each = &events[i];
    if (each->fd >= 0) {
      act_on(engine, each->fd, each->readable, each->writable, each->broken);
      continue;
    }
    timer = true;
    if (engine->wake_due >= 0 && engine->wake_due <= pw_now()) engine->wake_due = -1;
    act_on_due(engine);
  }
  if (timer) arm_timer(engine);
  return true;
}

bool pw_engine_step(pw_engine *engine, int milliseconds, const char **reason) {
  bool waited = engine->options.hosted ? step_hosted(engine, milliseconds) : step_polling(engine, milliseconds);
  if (!waited) *reason = "the system can't wait for its sockets (out of memory?)";
  return waited;
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
  remove_any(engine, transfer);
  pw_engine_release(engine, transfer);
}

void pw_engine_wake_in(pw_engine *engine, int64_t microseconds) {
  engine->wake_due = microseconds < 0 ? -1 : pw_now() + microseconds;
  if (engine->options.hosted) arm_timer(engine);
}
