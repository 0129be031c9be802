/* Many exchanges on one engine: their order, its timers, its memory, a fork, and a libcurl that fails. `engines PART`
 * prints what is not so. */
#include <dlfcn.h>
#include <poll.h>
#include <sched.h>
#include <sys/wait.h>

#include "peer.h"

/* libcurl's, which fails when told: with the code, after so many calls. */
static CURLMcode failing = CURLM_OK;
static int handles_left = -1; /* how many multi handles there may be; -1 for any number */

CURLMcode curl_multi_socket_action(CURLM *multi, curl_socket_t socket, int what, int *running) {
  CURLMcode (*real)(CURLM *, curl_socket_t, int, int *) = NULL;
  *(void **)&real = dlsym(RTLD_NEXT, "curl_multi_socket_action");
  CURLMcode code = real(multi, socket, what, running), failed = failing;
  failing = CURLM_OK;
  return failed != CURLM_OK ? failed : code;
}

CURLM *curl_multi_init(void) {
  CURLM *(*real)(void) = NULL;
  *(void **)&real = dlsym(RTLD_NEXT, "curl_multi_init");
  if (handles_left == 0) return NULL;
  if (handles_left > 0) handles_left--;
  return real();
}

/* Whether the engine's one descriptor turns readable in time; steps it then. */
static bool turns_readable(pw_engine *engine, int milliseconds) {
  struct pollfd one = {.fd = engine->wait.fd, .events = POLLIN};
  if (poll(&one, 1, milliseconds) != 1) return false;
  step(engine, 0);
  return true;
}

static bool is_idle(const pw_engine *engine) { return engine->active.count == 0 && engine->done.count == 0; }

/* Answers what is heard until all are done. */
static void serve(pw_engine *engine, peer *service, long count) {
  for (int i = 0; i < 4000 && engine->done.count < count; i++) {
    if (hears(service)) say(service, OK_ANSWER, strlen(OK_ANSWER));
    step(engine, 2);
  }
}

static void check_kept(bool hosted) {
  peer service;
  pw_engine engine;
  listen_as(&service);
  open_engine(&engine, hosted);
  CHECK(pw_engine_is_own(&engine) && pw_engine_take(&engine) == NULL && pw_engine_held(&engine) == 0);
  pw_transfer *first = get(&engine, &service), *again;
  CHECK(engine.active.count == 1 && first->active && engine.counts.started == 1);
  serve(&engine, &service, 1);
  CHECK(is_idle(&engine) == false && pw_engine_take(&engine) == first && is_idle(&engine) && !first->active);
  size_t held = first->headers.capacity + first->body.capacity;
  CHECK(held == 2048 && pw_engine_held(&engine) == 0);
  pw_engine_release(&engine, first);
  CHECK(pw_engine_held(&engine) == held && engine.idle.count == 1);
  /* On the kept connection it goes out at once, before anybody waits. */
  again = get(&engine, &service);
  CHECK(again == first && pw_engine_held(&engine) == held && again->status == 0 && again->body.length == 0);
  for (int i = 0; i < 200 && !hears(&service); i++) pw_clock_sleep(0.002);
  CHECK(service.size > 0 && pw_transfer_sent(again));
  serve(&engine, &service, 1);
  CHECK(pw_engine_held(&engine) == held && pw_engine_patience(&engine, 500) == 0);
  again = pw_engine_take(&engine);
  CHECK(again->facts.new_connections == 0 && again->status == 200);
  pw_engine_release(&engine, again);
  const pw_engine_counts *counts = &engine.counts;
  CHECK(counts->started == 2 && counts->finished == 2 && counts->connections == 1 && counts->multiplexed == 0);
  CHECK(counts->received_bytes == 2 * (int64_t)strlen(OK_ANSWER) && counts->sent_bytes > 100);
  pw_engine_close(&engine);
  CHECK(engine.multi == NULL && engine.idle.count == 0 && engine.wait.fd == -1);
  pw_engine_close(&engine);
  leave(&service);
}

static void check_bounds(void) {
  peer service;
  pw_engine engine;
  listen_as(&service);
  open_engine(&engine, false);
  engine.options.max_connections = 1;
  curl_multi_setopt(engine.multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, 1L);
  pw_transfer *one = get(&engine, &service), *two = get(&engine, &service), *three = get(&engine, &service);
  CHECK(one != two && two != three && engine.active.count == 3 && engine.counts.started == 3);
  serve(&engine, &service, 3);
  CHECK(service.connections == 1 && engine.done.count == 3 && engine.active.count == 0 && engine.counts.finished == 3);
  CHECK(pw_engine_take(&engine) == one && pw_engine_take(&engine) == two);
  pw_engine_release(&engine, one);
  CHECK(engine.idle.count == 1);
  pw_engine_release(&engine, two);
  CHECK(engine.idle.count == 1 && pw_engine_held(&engine) == 2 * 2048);
  /* Cancelled while it waits to be taken, and while it is under way. */
  pw_engine_cancel(&engine, three);
  CHECK(is_idle(&engine) && engine.counts.finished == 3);
  one = get(&engine, &service);
  await_request(&engine, &service);
  pw_engine_cancel(&engine, one);
  CHECK(is_idle(&engine) && engine.idle.count == 1 && engine.counts.finished == 3 && !engine.idle.first->active);
  hang_up(&service);
  pw_engine_release(&engine,
                    exchange(&engine, &service, &(pw_request){.method = "GET", .url = service.url}, OK_ANSWER));
  /* Closed with one under way and one that nobody took. */
  get(&engine, &service);
  serve(&engine, &service, 1);
  get(&engine, &service);
  pw_engine_close(&engine);
  CHECK(is_idle(&engine) && engine.idle.count == 0);
  /* What is given back to a closed engine is freed. */
  leave(&service);
}

static void check_patience(void) {
  peer service;
  pw_engine engine;
  listen_as(&service);
  open_engine(&engine, false);
  CHECK(pw_engine_patience(&engine, 700) == 700 && pw_engine_patience(&engine, 0) == 0);
  begin(&engine, &(pw_request){.method = "GET", .url = service.url, .attempt_timeout = 5000});
  await_request(&engine, &service);
  int patience = pw_engine_patience(&engine, 30000);
  CHECK(patience > 0 && patience <= 5000 && pw_engine_patience(&engine, 1) <= 1);
  int64_t began = pw_clock_now();
  step(&engine, 30);
  CHECK(pw_clock_now() - began >= 29000 && pw_clock_now() - began < 4000000);
  /* One of several has something to do; none of them has moved on. */
  pw_engine other;
  open_engine(&other, false);
  pw_engine *const both[] = {&other, &engine};
  pw_wait *waits[2];
  const char *reason = NULL;
  began = pw_clock_now();
  CHECK(pw_engine_wait_any(both, waits, 2, 30, &reason) && pw_clock_now() - began >= 29000);
  say(&service, OK_ANSWER, strlen(OK_ANSWER));
  CHECK(pw_engine_wait_any(both, waits, 2, 4000, &reason) && engine.done.count == 0 && reason == NULL);
  CHECK(pw_clock_now() - began < 3000000);
  while (engine.done.count == 0) step(&engine, 1000);
  began = pw_clock_now();
  CHECK(pw_engine_wait_any(both, waits, 2, 4000, &reason) && pw_clock_now() - began < 3000000);
  pw_engine_release(&engine, await_end(&engine));
  pw_engine_close(&engine);
  pw_engine_close(&other);
  leave(&service);
}

/* The timers of a host's loop: libcurl's, ours, and what was finished while no loop looked on. */
static void check_timers(void) {
  peer service;
  pw_engine engine;
  listen_as(&service);
  open_engine(&engine, true);
  int64_t began = pw_clock_now();
  pw_engine_wake_in(&engine, 20000);
  CHECK(turns_readable(&engine, 20000) && pw_clock_now() - began >= 20000 && !turns_readable(&engine, 0));
  pw_engine_wake_in(&engine, 10000);
  pw_engine_wake_in(&engine, -1);
  CHECK(!turns_readable(&engine, 20));
  pw_engine_wake_in(&engine, 0);
  CHECK(turns_readable(&engine, 20000));
  /* Woken before libcurl's time has come, which comes all the same. */
  begin(&engine, &(pw_request){.method = "GET", .url = service.url, .attempt_timeout = 150});
  while (!hears(&service)) turns_readable(&engine, 5);
  began = pw_clock_now();
  pw_engine_wake_in(&engine, 20000);
  CHECK(turns_readable(&engine, 5000) && engine.done.count == 0 && engine.wake_due == -1);
  while (engine.done.count == 0 && turns_readable(&engine, 3000)) continue;
  pw_transfer *transfer = pw_engine_take(&engine);
  CHECK(transfer != NULL && transfer->failure == PW_FAILURE_TIMEOUT && pw_clock_now() - began < 2900000);
  pw_engine_release(&engine, transfer);
  /* Waked later than libcurl is due. */
  pw_engine_wake_in(&engine, 60000000);
  begin(&engine, &(pw_request){.method = "GET", .url = service.url, .attempt_timeout = 50});
  while (engine.done.count == 0 && turns_readable(&engine, 3000)) continue;
  CHECK(engine.done.count == 1 && engine.wake_due > 0);
  pw_engine_wake_in(&engine, -1);
  CHECK(turns_readable(&engine, 0)); /* it waits to be taken */
  pw_engine_release(&engine, pw_engine_take(&engine));
  pw_engine_close(&engine);
  leave(&service);
}

/* A libcurl that fails ends what is under way, clearly, and is replaced: at once, or before the next start. */
static void check_broken(bool hosted, CURLMcode code, pw_failure failure, int handles) {
  peer service;
  pw_engine engine;
  listen_as(&service);
  open_engine(&engine, hosted);
  get(&engine, &service);
  get(&engine, &service);
  await_request(&engine, &service);
  const void *multi = engine.multi;
  failing = code;
  handles_left = handles;
  say(&service, OK_ANSWER, strlen(OK_ANSWER));
  for (int i = 0; i < 200 && engine.active.count > 0; i++) step(&engine, 20);
  CHECK(engine.active.count == 0 && engine.done.count == 2 && engine.broken == (handles == 0));
  CHECK(handles == 0 || engine.wait.count == 0);
  CHECK((engine.multi == multi) == (handles == 0) && engine.counts.finished == 2 && failing == CURLM_OK);
  bool told = false;
  for (pw_transfer *each; (each = pw_engine_take(&engine)) != NULL; pw_engine_release(&engine, each)) {
    if (each->failure == failure) told = told || strncmp(each->message, "libcurl failed: ", 16) == 0;
  }
  CHECK(told);
  hang_up(&service);
  if (handles == 0) {
    CHECK(get(&engine, &service) == NULL && engine.active.count == 0); /* still none */
    step(&engine, 0);
  }
  handles_left = -1;
  peer next;
  listen_as(&next);
  pw_transfer *transfer = exchange(&engine, &next, &(pw_request){.method = "GET", .url = next.url}, OK_ANSWER);
  CHECK(transfer != NULL && transfer->failure == PW_FAILURE_NONE && transfer->status == 200 && !engine.broken);
  if (transfer != NULL) pw_engine_release(&engine, transfer);
  pw_engine_close(&engine);
  leave(&next);
  leave(&service);
}

/* A descriptor that can watch no more ends what is under way, instead of leaving it unwatched. */
static void check_unwatched(void) {
  peer service;
  pw_engine engine;
  listen_as(&service);
  open_engine(&engine, true);
  close(engine.wait.fd);
  get(&engine, &service);
  pw_transfer *transfer = pw_engine_take(&engine);
  CHECK(transfer != NULL && transfer->failure == PW_FAILURE_NETWORK);
  CHECK(transfer != NULL && strncmp(transfer->message, "libcurl failed: ", 16) == 0);
  if (transfer != NULL) pw_engine_release(&engine, transfer);
  pw_engine_close(&engine);
  leave(&service);
}

static void check_failing(void) {
  check_unwatched();
  for (int hosted = 0; hosted < 2; hosted++) {
    check_broken(hosted, CURLM_OUT_OF_MEMORY, PW_FAILURE_MEMORY, -1);
    check_broken(hosted, CURLM_OUT_OF_MEMORY, PW_FAILURE_MEMORY, 0);
    check_broken(hosted, CURLM_INTERNAL_ERROR, PW_FAILURE_NETWORK, -1);
  }
  handles_left = 0;
  pw_engine engine;
  const char *reason = "";
  CHECK(!pw_engine_open(&engine, &(pw_engine_options){.max_connections = 1, .hosted = true}, &reason));
  CHECK(reason == NULL && engine.wait.fd == -1);
  handles_left = -1;
}

/* Memory that is not there: the transfer waits, and goes on once there is some; a second time ends it. */
static int refusals;

static void *allocate(void *context, void *block, size_t old, size_t size) {
  (void)context, (void)old;
  if (size > 1024 && refusals > 0) return refusals--, NULL;
  if (size > 0) return realloc(block, size);
  free(block);
  return NULL;
}

static void check_memory(void) {
  static char answer[2100] = "HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n";
  size_t head = strlen(answer);
  memset(answer + head, 'x', 2000);
  for (refusals = 0; refusals < 3;) {
    int refused = refusals;
    peer service;
    pw_engine engine = {0};
    listen_as(&service);
    pw_engine_options options = {.max_connections = 1, .allocator = {allocate, NULL}};
    const char *reason = NULL;
    CHECK(pw_engine_open(&engine, &options, &reason));
    pw_transfer *transfer = get(&engine, &service);
    await_request(&engine, &service);
    CHECK(!pw_engine_starves(&engine));
    say(&service, answer, head + 2000);
    bool starved = false;
    while (engine.done.count == 0) {
      step(&engine, 1000);
      if (!pw_engine_starves(&engine)) continue;
      CHECK(!starved && transfer->starved && engine.done.count == 0);
      starved = true;
      pw_engine_resume(&engine);
      CHECK(!pw_engine_starves(&engine));
    }
    CHECK(starved == (refused > 0) && pw_engine_take(&engine) == transfer);
    CHECK(transfer->failure == (refused > 1 ? PW_FAILURE_MEMORY : PW_FAILURE_NONE));
    if (refused < 2) CHECK(transfer->body.length == 2000 && transfer->body.data[1999] == 'x');
    pw_engine_release(&engine, transfer);
    pw_engine_close(&engine);
    leave(&service);
    refusals = refused + 1;
  }
  refusals = 0;
}

/* Whoever went on may wait once more: what was stored meanwhile makes up for it. */
static void check_memory_twice(void) {
  static char answer[6000] = "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n";
  size_t head = strlen(answer), sizes[] = {head + 2000, 3000};
  memset(answer + head, 'x', 5000);
  peer service;
  pw_engine engine = {0};
  listen_as(&service);
  const char *reason = NULL, *next = answer;
  CHECK(pw_engine_open(&engine, &(pw_engine_options){.max_connections = 1, .allocator = {allocate, NULL}}, &reason));
  pw_transfer *transfer = get(&engine, &service);
  await_request(&engine, &service);
  for (int i = 0; i < 2; i++) {
    refusals = 1;
    say(&service, next, sizes[i]);
    next += sizes[i];
    for (int j = 0; j < 100 && !pw_engine_starves(&engine); j++) step(&engine, 100);
    CHECK(pw_engine_starves(&engine) && refusals == 0);
    pw_engine_resume(&engine);
    CHECK(transfer->body.length >= (i == 0 ? 1000 : 3000));
  }
  CHECK(await_end(&engine) == transfer && transfer->failure == PW_FAILURE_NONE && transfer->body.length == 5000);
  pw_engine_release(&engine, transfer);
  pw_engine_close(&engine);
  leave(&service);
}

/* A child process closes what it has inherited, and the parent's goes on. `input`: whether the process has one; else
 * descriptor 0 is one of ours. */
static void check_fork(bool hosted, bool input) {
  peer service;
  pw_engine engine;
  listen_as(&service);
  if (!input) close(0);
  open_engine(&engine, hosted);
  pw_transfer *transfer = get(&engine, &service);
  await_request(&engine, &service);
  CHECK(input || engine.wait.fd == 0 || engine.wakeup[0] == 0 || engine.wait.sockets[0].fd == 0);
  pid_t child = fork();
  if (child == 0) {
    failures = 0;
    CHECK(!pw_engine_is_own(&engine));
    int wakeup[2] = {engine.wakeup[0], engine.wakeup[1]}, socket = engine.wait.sockets[0].fd;
    pw_engine_wake_in(&engine, 0);
    pw_engine_cancel(&engine, transfer);
    CHECK(engine.active.count == 1);
    pw_engine_close(&engine);
    CHECK(engine.multi == NULL && fcntl(socket, F_GETFD) < 0);
    for (int i = 0; i < 2; i++) CHECK(wakeup[i] < 0 || fcntl(wakeup[i], F_GETFD) < 0);
    _exit(failures > 0);
  }
  int status = 1;
  waitpid(child, &status, 0);
  CHECK(status == 0);
  for (int i = 0; i < 2; i++) CHECK(engine.wakeup[i] < 0 || (fcntl(engine.wakeup[i], F_GETFD) & FD_CLOEXEC) != 0);
  say(&service, OK_ANSWER, strlen(OK_ANSWER));
  CHECK(await_end(&engine) == transfer && transfer->failure == PW_FAILURE_NONE);
  pw_engine_release(&engine, transfer);
  pw_engine_close(&engine);
  leave(&service);
}

/* A connection may have descriptor 0, too. */
static void check_first(bool hosted) {
  peer service;
  pw_engine engine;
  listen_as(&service);
  open_engine(&engine, hosted);
  close(0);
  pw_transfer *transfer = get(&engine, &service);
  await_request(&engine, &service);
  CHECK(engine.wait.sockets[0].fd == 0);
  say(&service, OK_ANSWER, strlen(OK_ANSWER));
  CHECK(await_end(&engine) == transfer && transfer->failure == PW_FAILURE_NONE);
  pw_engine_release(&engine, transfer);
  pw_engine_close(&engine);
  leave(&service);
}

static void check_both(bool hosted) {
  check_kept(hosted);
  check_fork(hosted, true);
  check_fork(hosted, false);
  CHECK(open("/dev/null", O_RDONLY) == 0);
  check_first(hosted);
}

static void check_polled(void) { check_both(false); }

static void check_hosted(void) { check_both(true); }

/* Whether there are several processors is what this process may use. */
static void check_processors(void) {
#ifdef CPU_COUNT
  cpu_set_t all, some;
  CHECK(sched_getaffinity(0, sizeof all, &all) == 0);
  for (int most = 1; most <= 3 && most <= CPU_COUNT(&all); most++) {
    CPU_ZERO(&some);
    for (size_t i = 0; CPU_COUNT(&some) < most; i++) {
      if (CPU_ISSET(i, &all)) CPU_SET(i, &some);
    }
    CHECK(sched_setaffinity(0, sizeof some, &some) == 0);
    pw_engine engine;
    open_engine(&engine, false);
    CHECK(engine.several_processors == (most > 1));
    pw_engine_close(&engine);
  }
#endif
}

int main(int count, char **words) {
  static const part parts[] = {
      {"polled", check_polled},         {"hosted", check_hosted},
      {"bounds", check_bounds},         {"patience", check_patience},
      {"timers", check_timers},         {"failing", check_failing},
      {"memory", check_memory},         {"memory_twice", check_memory_twice},
      {"processors", check_processors}, {NULL, NULL},
  };
  return check_parts(parts, count, words);
}
