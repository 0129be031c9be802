#include "engine.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"

enum {
  EVENT_ROOM = 64,
  SOCKETS_PER_TRANSFER = 5, /* libcurl's own bound */
  SOON_MICROSECONDS = 500
};

static pthread_once_t global_once = PTHREAD_ONCE_INIT;
static CURLcode global_result;

/* NOLINTNEXTLINE: libcurl's own set-up is the one thing that belongs to the process. */
static void global_init(void) { global_result = curl_global_init(CURL_GLOBAL_DEFAULT); }

/* Hosted: what was finished while no loop looked on is due now. */
static void arm_timer(pw_engine *engine) {
  int64_t due = engine->done.first != NULL ? 0 : engine->curl_due;
  if (due < 0 || (engine->wake_due >= 0 && engine->wake_due < due)) due = engine->wake_due;
  int64_t left = due < 0 ? -1 : due - pw_clock_now();
  pw_wait_arm(&engine->wait, due >= 0 && left < 0 ? 0 : left);
}

static int on_socket(CURL *easy, curl_socket_t socket, int what, void *data, void *mark) {
  (void)easy, (void)mark;
  pw_engine *engine = data;
  bool readable = what == CURL_POLL_IN || what == CURL_POLL_INOUT;
  bool writable = what == CURL_POLL_OUT || what == CURL_POLL_INOUT;
  return pw_wait_watch(&engine->wait, (int)socket, readable, writable) ? 0 : -1;
}

static int on_timer(CURLM *multi, long milliseconds, void *data) {
  (void)multi;
  pw_engine *engine = data;
  engine->curl_due = milliseconds < 0 ? -1 : pw_clock_now() + (int64_t)milliseconds * 1000;
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

/* libcurl 7.88 opens two sockets with each multi handle, for curl_multi_wakeup, tells nobody their numbers, and lets
 * them be inherited; later versions close them. They have the two numbers that the system had just been about to give,
 * unless another thread was quicker; that it is so is seen from a wake-up's byte, which may lie there. */
static void find_wakeup(CURLM *multi, const int expected[2], int found[2]) {
  char byte;
  found[0] = found[1] = -1;
  if (recv(expected[0], &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || errno != EAGAIN) return;
  if (curl_multi_wakeup(multi) != CURLM_OK) return;
  if (recv(expected[0], &byte, 1, MSG_PEEK | MSG_DONTWAIT) != 1) return;
  for (int i = 0; i < 2; i++) {
    found[i] = expected[i];
    fcntl(found[i], F_SETFD, FD_CLOEXEC);
  }
}

static CURLM *new_multi(pw_engine *engine) {
  int expected[2] = {-1, -1};
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, expected) == 0) {
    close(expected[0]);
    close(expected[1]);
  }
  CURLM *multi = curl_multi_init();
  if (multi == NULL) return NULL;
  find_wakeup(multi, expected, engine->wakeup);
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
  engine->options.transfer.wait = &engine->wait;
  if (options->allocator.allocate != NULL) engine->options.transfer.allocator = &engine->options.allocator;
  engine->owner = getpid();
  engine->curl_due = engine->wake_due = -1;
  engine->several_processors = several_processors();
  if (!pw_wait_open(&engine->wait, options->hosted)) {
    *reason = "the system gives no descriptor to wait on (is the limit of open files reached?)";
    return false;
  }
  engine->multi = new_multi(engine);
  if (engine->multi != NULL) return true;
  pw_wait_close(&engine->wait);
  *reason = NULL;
  return false;
}

/* Takes a transfer off, under way or done. */
static void remove_any(pw_engine *engine, pw_transfer *transfer) {
  if (transfer->active) {
    curl_multi_remove_handle(engine->multi, transfer->easy);
    transfer->active = false;
    pw_queue_remove(&engine->active, transfer);
  } else {
    pw_queue_remove(&engine->done, transfer);
  }
}

bool pw_engine_is_own(const pw_engine *engine) { return engine->owner == getpid(); }

static void abandon(pw_engine *engine) {
  for (int i = 0; i < 2; i++) {
    if (engine->wakeup[i] >= 0) close(engine->wakeup[i]);
  }
  pw_wait_abandon(&engine->wait);
  engine->multi = NULL;
}

void pw_engine_close(pw_engine *engine) {
  if (engine->multi == NULL) return;
  if (!pw_engine_is_own(engine)) {
    abandon(engine);
    return;
  }
  for (pw_transfer *each = engine->active.first; each != NULL; each = each->next) {
    curl_multi_remove_handle(engine->multi, each->easy);
  }
  pw_queue_free(&engine->active);
  pw_queue_free(&engine->done);
  pw_queue_free(&engine->idle);
  curl_multi_cleanup(engine->multi); /* may still call on_socket: what that uses closes after it */
  engine->multi = NULL;
  pw_wait_close(&engine->wait);
}

pw_transfer *pw_engine_reserve(pw_engine *engine, const char **reason) {
  *reason = NULL;
  if (engine->idle.first == NULL) {
    pw_transfer *transfer = pw_transfer_new(&engine->options.transfer, reason);
    if (transfer != NULL) pw_queue_push_first(&engine->idle, transfer);
  }
  return engine->idle.first;
}

/* Puts a transfer that has ended, and is off the multi handle, with those to be taken. */
static void set_done(pw_engine *engine, pw_transfer *transfer) {
  transfer->active = false;
  pw_queue_remove(&engine->active, transfer);
  pw_queue_push(&engine->done, transfer);
  engine->counts.finished++;
  engine->counts.connections += transfer->facts.new_connections;
  engine->counts.multiplexed += transfer->facts.http_version >= 20;
  engine->counts.sent_bytes += transfer->facts.sent_bytes;
  engine->counts.received_bytes += transfer->facts.received_bytes;
}

/* Begins anew with a transfer of which nothing has gone out: libcurl has closed the connection that was refused. */
static bool start_again(pw_engine *engine, pw_transfer *transfer) {
  transfer->stale = false;
  transfer->starts = 0;
  transfer->message[0] = 0;
  return curl_multi_add_handle(engine->multi, transfer->easy) == CURLM_OK;
}

static void collect(pw_engine *engine) {
  CURLMsg *message;
  int left;
  while ((message = curl_multi_info_read(engine->multi, &left)) != NULL) { /* of one kind: done */
    char *private = NULL;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
    pw_transfer *transfer = (pw_transfer *)(void *)private;
    CURLcode result = message->data.result; /* the message goes with the handle */
    curl_multi_remove_handle(engine->multi, transfer->easy);
    if (transfer->stale && start_again(engine, transfer)) continue;
    pw_transfer_finish(transfer, result);
    set_done(engine, transfer);
  }
}

/* Puts another multi handle in the place of one that failed. False when there is no memory for it. */
static bool replace_multi(pw_engine *engine) {
  CURLM *multi = new_multi(engine);
  if (multi == NULL) return false;
  curl_multi_cleanup(engine->multi); /* lets go of its transfers, whatever state its tables are in */
  engine->multi = multi;
  engine->wait.count = 0;
  engine->curl_due = -1;
  engine->broken = false;
  return true;
}

/* A multi handle that failed, which is for want of memory, has forgotten sockets and timers, and libcurl 7.88 may
 * divide by zero when such a socket comes up again: what is under way ends with it. */
static void break_off(pw_engine *engine, CURLMcode code) {
  engine->broken = true;
  bool replaced = replace_multi(engine); /* or before the next start */
  pw_transfer *transfer;
  while ((transfer = engine->active.first) != NULL) {
    pw_transfer_finish(transfer, CURLE_ABORTED_BY_CALLBACK);
    if (!replaced) curl_multi_remove_handle(engine->multi, transfer->easy);
    set_done(engine, transfer);
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
    if (engine->curl_due < 0 || engine->curl_due > pw_clock_now()) return;
    engine->curl_due = -1;
  }
  act(engine, CURL_SOCKET_TIMEOUT, 0);
}

static CURLMcode add(pw_engine *engine, pw_transfer *transfer, const pw_request *request) {
  if (engine->broken && !replace_multi(engine)) return CURLM_OUT_OF_MEMORY;
  size_t sockets = SOCKETS_PER_TRANSFER * ((size_t)engine->active.count + 1);
  if (!pw_wait_reserve(&engine->wait, sockets)) return CURLM_OUT_OF_MEMORY;
  if (!pw_transfer_prepare(transfer, request)) return CURLM_OUT_OF_MEMORY;
  return curl_multi_add_handle(engine->multi, transfer->easy);
}

bool pw_engine_start(pw_engine *engine, const pw_request *request, const char **reason) {
  pw_transfer *transfer = pw_queue_take(&engine->idle);
  engine->starting = true;
  CURLMcode code = add(engine, transfer, request);
  if (code != CURLM_OK) {
    engine->starting = false;
    *reason = code == CURLM_OUT_OF_MEMORY ? NULL : curl_multi_strerror(code);
    pw_transfer_free(transfer);
    return false;
  }
  transfer->active = true;
  transfer->alone = engine->counts.multiplexed == 0;
  pw_queue_push(&engine->active, transfer);
  engine->counts.started++;
  /* Sent at once where a connection is kept: what the caller does next goes on beside the service's work. */
  act_on_due(engine);
  engine->starting = false;
  if (engine->options.hosted) arm_timer(engine);
  return true;
}

int pw_engine_patience(const pw_engine *engine, int milliseconds) {
  if (engine->done.first != NULL) return 0;
  long left = -1; /* a hosted one's timer is in its descriptor */
  if (!engine->options.hosted) curl_multi_timeout(engine->multi, &left);
  return left >= 0 && left < milliseconds ? (int)left : milliseconds;
}

/* Waits for the sockets. A lone request whose like was answered within the last half millisecond, which is what a
 * service on this machine does, is looked for that long before this sleeps: waking up takes as long as the answer. The
 * first wait that lasts longer ends that, so that a service far away costs no work at all. */
static int wait_for_events(pw_engine *engine, pw_event *events, int milliseconds) {
  pw_wait *wait = &engine->wait;
  if (milliseconds == 0 || engine->options.hosted) return pw_wait_next(wait, events, EVENT_ROOM, milliseconds);
  int64_t began = pw_clock_now(), now = began;
  int count = 0;
  if (engine->answers_soon && engine->several_processors && engine->active.count == 1) {
    do {
      count = pw_wait_next(wait, events, EVENT_ROOM, 0);
      now = pw_clock_now();
    } while (count == 0 && now - began < SOON_MICROSECONDS);
  }
  if (count == 0) {
    count = pw_wait_next(wait, events, EVENT_ROOM, milliseconds);
    now = pw_clock_now();
  }
  engine->answers_soon = now - began < SOON_MICROSECONDS;
  return count;
}

static void act_on(pw_engine *engine, const pw_event *event) {
  int what = event->readable ? CURL_CSELECT_IN : 0;
  if (event->writable) what |= CURL_CSELECT_OUT;
  if (event->broken) what |= CURL_CSELECT_ERR;
  act(engine, event->fd, what);
}

static void act_on_timer(pw_engine *engine) {
  if (engine->wake_due >= 0 && engine->wake_due <= pw_clock_now()) engine->wake_due = -1;
  act_on_due(engine);
  arm_timer(engine);
}

static const char *const cannot_wait = "the system can't wait for its sockets (out of memory?)";

bool pw_engine_step(pw_engine *engine, int milliseconds, const char **reason) {
  pw_event events[EVENT_ROOM];
  int count = wait_for_events(engine, events, pw_engine_patience(engine, milliseconds));
  if (count < 0) {
    *reason = cannot_wait;
    return false;
  }
  bool timer = false; /* last, so that what the sockets brought in time is not too late */
  for (int i = 0; i < count; i++) {
    if (events[i].fd >= 0) {
      act_on(engine, &events[i]);
    } else {
      timer = true;
    }
  }
  if (timer) act_on_timer(engine);
  if (!engine->options.hosted && engine->active.first != NULL) act_on_due(engine);
  return true;
}

static pw_transfer *find_starved(const pw_engine *engine) {
  pw_transfer *each = engine->active.first;
  while (each != NULL && !each->starved) each = each->next;
  return each;
}

bool pw_engine_starves(const pw_engine *engine) { return find_starved(engine) != NULL; }

void pw_engine_resume(pw_engine *engine) {
  pw_transfer *transfer;
  while ((transfer = find_starved(engine)) != NULL) {
    CURLcode code = pw_transfer_resume(transfer);
    if (code == CURLE_OK) continue;
    pw_transfer_finish(transfer, code);
    curl_multi_remove_handle(engine->multi, transfer->easy);
    set_done(engine, transfer);
  }
}

bool pw_engine_wait_any(pw_engine *const *engines, pw_wait **waits, size_t count, int milliseconds,
                        const char **reason) {
  for (size_t i = 0; i < count; i++) {
    waits[i] = &engines[i]->wait;
    milliseconds = pw_engine_patience(engines[i], milliseconds);
  }
  if (pw_wait_any(waits, count, milliseconds)) return true;
  *reason = cannot_wait;
  return false;
}

pw_transfer *pw_engine_take(pw_engine *engine) { return pw_queue_take(&engine->done); }

void pw_engine_release(pw_engine *engine, pw_transfer *transfer) {
  if (engine->multi == NULL || engine->idle.count >= engine->options.max_connections) {
    pw_transfer_free(transfer);
    return;
  }
  pw_transfer_reset(transfer);
  pw_queue_push_first(&engine->idle, transfer);
}

void pw_engine_cancel(pw_engine *engine, pw_transfer *transfer) {
  if (!pw_engine_is_own(engine)) return;
  remove_any(engine, transfer);
  pw_engine_release(engine, transfer);
}

void pw_engine_wake_in(pw_engine *engine, int64_t microseconds) {
  engine->wake_due = microseconds < 0 ? -1 : pw_clock_now() + microseconds;
  if (engine->options.hosted && pw_engine_is_own(engine)) arm_timer(engine);
}

static size_t held_by(const pw_queue *queue) {
  size_t bytes = 0;
  for (const pw_transfer *each = queue->first; each != NULL; each = each->next) {
    bytes += each->headers.capacity + each->body.capacity;
  }
  return bytes;
}

size_t pw_engine_held(const pw_engine *engine) {
  return held_by(&engine->active) + held_by(&engine->done) + held_by(&engine->idle);
}
