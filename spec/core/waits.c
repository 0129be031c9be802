/* Waiting for descriptors, by itself, with real ones. `waits PART` prints what is not so. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/timerfd.h>
#endif

#include "../../src/core/clock.h"
#include "../../src/core/wait.h"
#include "checks.h"

enum { PAIRS = 3, LONG = 20000 };

/* Two ends of a connection; what is written into `far` can be read from `near`. */
typedef struct pair {
  int near, far;
} pair;

static pair new_pair(void) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) abort();
  return (pair){ends[0], ends[1]};
}

static void say(pair both) { CHECK(write(both.far, "x", 1) == 1); }

static void hear(pair both) {
  char byte;
  CHECK(read(both.near, &byte, 1) == 1);
}

static void end(pair both) {
  close(both.near);
  close(both.far);
}

static bool is_open(int fd) { return fcntl(fd, F_GETFD) >= 0; }

static bool is_kept(int fd) { return (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0; }

/* Whether one event comes, and is so. */
static bool comes(pw_wait *wait, int milliseconds, pw_event due) {
  pw_event events[4];
  int count = pw_wait_next(wait, events, 4, milliseconds);
  return count == 1 && events[0].fd == due.fd && events[0].readable == due.readable &&
         events[0].writable == due.writable && events[0].broken == due.broken;
}

static bool nothing_comes(pw_wait *wait) {
  pw_event event;
  return pw_wait_next(wait, &event, 1, 0) == 0;
}

static void on_alarm(int number) { (void)number; }

/* Has a signal come in a few milliseconds. */
static void signal_soon(void) {
  struct sigaction action = {.sa_handler = on_alarm};
  sigaction(SIGALRM, &action, NULL);
  struct itimerval soon = {.it_value = {.tv_usec = 5000}};
  setitimer(ITIMER_REAL, &soon, NULL);
}

/* What both kinds do. */
static void check_watching(bool hosted) {
  pw_wait wait;
  CHECK(pw_wait_open(&wait, hosted) && (wait.fd >= 0) == hosted);
  pair one = new_pair(), other = new_pair();
  CHECK(pw_wait_watch(&wait, one.near, true, false) && nothing_comes(&wait));
  say(one);
  CHECK(comes(&wait, LONG, (pw_event){.fd = one.near, .readable = true}));
  CHECK(pw_wait_watch(&wait, one.near, false, true));
  CHECK(comes(&wait, LONG, (pw_event){.fd = one.near, .writable = true}));
  CHECK(pw_wait_watch(&wait, one.near, true, true));
  CHECK(comes(&wait, LONG, (pw_event){.fd = one.near, .readable = true, .writable = true}));
  CHECK(pw_wait_watch(&wait, other.near, true, false) && pw_wait_watch(&wait, one.near, false, false));
  CHECK(nothing_comes(&wait) && pw_wait_watch(&wait, one.near, false, false));
  say(other);
  CHECK(comes(&wait, LONG, (pw_event){.fd = other.near, .readable = true}));
  hear(other);
  signal_soon();
  pw_event event;
  CHECK(pw_wait_next(&wait, &event, 1, LONG) == 0);
  int64_t began = pw_clock_now();
  CHECK(pw_wait_next(&wait, &event, 1, 10) == 0 && pw_clock_now() - began >= 9000);
  CHECK(pw_wait_watch(&wait, other.near, false, false));
  pw_wait_close(&wait);
  CHECK(wait.fd == -1 && wait.timer == -1 && wait.list == NULL && wait.count == 0 && wait.room == 0);
  pw_wait_close(&wait);
  end(one);
  end(other);
}

static void check_room(void) {
  pw_wait wait;
  pw_wait_open(&wait, false);
  CHECK(pw_wait_reserve(&wait, 0) && wait.room == 0);
  CHECK(pw_wait_reserve(&wait, 1) && wait.room == 16);
  const struct pollfd *list = wait.list;
  CHECK(pw_wait_reserve(&wait, 16) && wait.list == list && wait.room == 16);
  CHECK(pw_wait_reserve(&wait, 17) && wait.room == 32);
  CHECK(pw_wait_reserve(&wait, 64) && wait.room == 64 && pw_wait_reserve(&wait, 200) && wait.room == 200);
  for (int fd = 100; fd < 300; fd++) CHECK(pw_wait_watch(&wait, fd, true, false));
  CHECK(wait.room == 200 && wait.count == 200 && pw_wait_watch(&wait, 300, true, true) && wait.room == 400);
  CHECK(wait.count == 201 && wait.list[200].fd == 300 && wait.list[0].fd == 100 && wait.list[0].events == POLLIN);
  CHECK(pw_wait_watch(&wait, 150, false, true) && wait.count == 201 && wait.list[50].events == POLLOUT);
  CHECK(pw_wait_watch(&wait, 100, false, false) && wait.count == 200 && wait.list[0].fd == 300);
  CHECK(pw_wait_watch(&wait, 299, false, false) && wait.count == 199);
  pw_wait_close(&wait);
}

/* Each comes first in turn, and no more come than there is room for. */
static void check_turns(void) {
  pw_wait wait;
  pw_wait_open(&wait, false);
  pair pairs[PAIRS];
  for (int i = 0; i < PAIRS; i++) {
    pairs[i] = new_pair();
    pw_wait_watch(&wait, pairs[i].near, true, false);
    say(pairs[i]);
  }
  for (int i = 0; i < 2 * PAIRS; i++) {
    pw_event events[PAIRS] = {{.fd = -2}, {.fd = -2}, {.fd = -2}};
    CHECK(pw_wait_next(&wait, events, 2, LONG) == 2 && events[2].fd == -2);
    CHECK(events[0].fd == pairs[i % PAIRS].near && events[1].fd == pairs[(i + 1) % PAIRS].near);
  }
  pw_event events[PAIRS];
  CHECK(pw_wait_next(&wait, events, PAIRS, LONG) == PAIRS);
  hear(pairs[0]);
  hear(pairs[2]);
  CHECK(comes(&wait, 0, (pw_event){.fd = pairs[1].near, .readable = true}));
  for (int i = 0; i < PAIRS; i++) end(pairs[i]);
  pw_wait_close(&wait);
}

static void check_ends(void) {
  pw_wait wait;
  pw_wait_open(&wait, false);
  int ends[2], gone = dup(0);
  close(gone);
  pw_wait_watch(&wait, gone, true, false);
  CHECK(comes(&wait, 0, (pw_event){.fd = gone, .broken = true}));
  pw_wait_watch(&wait, gone, false, false);
  CHECK(pipe(ends) == 0);
  pw_wait_watch(&wait, ends[0], true, false);
  close(ends[1]);
  CHECK(comes(&wait, 0, (pw_event){.fd = ends[0], .readable = true}));
  pw_wait_watch(&wait, ends[0], false, false);
  close(ends[0]);
  CHECK(pipe(ends) == 0);
  close(ends[0]);
  pw_wait_watch(&wait, ends[1], false, true);
  CHECK(comes(&wait, 0, (pw_event){.fd = ends[1], .writable = true, .broken = true}));
  close(ends[1]);
  pw_wait_close(&wait);
}

static void check_poll(void) {
  check_watching(false);
  check_room();
  check_turns();
  check_ends();
}

static void check_timer(void) {
  pw_wait wait;
  pw_wait_open(&wait, true);
  const pw_event timer = {.fd = -1, .readable = true};
  CHECK(is_kept(wait.fd) && is_kept(wait.timer));
  int64_t began = pw_clock_now();
  CHECK(pw_wait_arm(&wait, 20000) && nothing_comes(&wait) && comes(&wait, LONG, timer));
  CHECK(pw_clock_now() - began >= 20000 && nothing_comes(&wait));
  CHECK(pw_wait_arm(&wait, 0) && comes(&wait, LONG, timer));
  CHECK(pw_wait_arm(&wait, 1000) && pw_wait_arm(&wait, -1));
  pw_clock_sleep(0.005);
  CHECK(nothing_comes(&wait));
#ifdef __linux__ /* over a second */
  struct itimerspec left;
  CHECK(pw_wait_arm(&wait, 3500000) && timerfd_gettime(wait.timer, &left) == 0);
  CHECK(left.it_value.tv_sec == 3 && left.it_value.tv_nsec > 0 && left.it_value.tv_nsec <= 500000000);
  CHECK(pw_wait_arm(&wait, 3000000) && timerfd_gettime(wait.timer, &left) == 0);
  CHECK(left.it_value.tv_sec >= 2);
#endif
  pair both = new_pair();
  CHECK(pw_wait_watch(&wait, both.near, true, true));
  close(both.far);
  CHECK(comes(&wait, LONG, (pw_event){.fd = both.near, .readable = true, .writable = true, .broken = true}));
  int fd = wait.fd, inner = wait.timer;
  pw_wait_close(&wait);
  CHECK(!is_open(fd) && !is_open(inner) && is_open(both.near));
  close(both.near);
}

/* Without a descriptor left nothing is, and nothing stays open. */
static void check_refusals(void) {
  int next = dup(0);
  close(next);
  struct rlimit limit, before;
  getrlimit(RLIMIT_NOFILE, &before);
  for (int more = 0; more < 2; more++) {
    limit = (struct rlimit){(rlim_t)(next + more), before.rlim_max};
    setrlimit(RLIMIT_NOFILE, &limit);
    pw_wait wait;
    errno = 0;
    bool opened = pw_wait_open(&wait, true);
    int reason = errno;
    setrlimit(RLIMIT_NOFILE, &before);
    CHECK(!opened && reason == EMFILE && wait.fd == -1 && wait.timer == -1 && !is_open(next));
  }
  pw_wait wait;
  pw_wait_open(&wait, true);
  int gone = dup(0);
  close(gone);
  CHECK(!pw_wait_watch(&wait, gone, true, false) && errno == EBADF && pw_wait_watch(&wait, gone, false, false));
  int file = open("/proc/self/stat", O_RDONLY);
  CHECK(!pw_wait_watch(&wait, file, true, false) && errno == EPERM && !pw_wait_watch(&wait, file, false, false));
  close(file);
  pw_wait_close(&wait);
}

static void check_hosted(void) {
  check_watching(true);
  check_timer();
  check_refusals();
}

static void check_any(void) {
  pw_wait poller, quiet, hosted;
  pw_wait *const all[] = {&quiet, &poller, &hosted};
  pw_wait_open(&poller, false);
  pw_wait_open(&quiet, false);
  pw_wait_open(&hosted, true);
  CHECK(pw_wait_any(all, 0, 0) && pw_wait_any(all, 3, 0));
  pair pairs[PAIRS] = {new_pair(), new_pair(), new_pair()};
  pw_wait_watch(&poller, pairs[0].near, true, false);
  pw_wait_watch(&poller, pairs[1].near, true, false);
  pw_wait_watch(&hosted, pairs[2].near, true, false);
  int64_t began = pw_clock_now();
  CHECK(pw_wait_any(all, 3, 10) && pw_clock_now() - began >= 9000);
  began = pw_clock_now();
  for (int i = 0; i < PAIRS; i++) {
    say(pairs[i]);
    CHECK(pw_wait_any(all, 3, LONG) && (i == 2 || pw_wait_any(&all[1], 1, LONG)));
    CHECK(i == 2 || comes(&poller, 0, (pw_event){.fd = pairs[i].near, .readable = true}));
    hear(pairs[i]);
  }
  signal_soon();
  CHECK(pw_wait_any(all, 3, LONG) && pw_clock_now() - began < LONG * 500);
  for (int i = 0; i < PAIRS; i++) end(pairs[i]);
  pw_wait_close(&poller);
  pw_wait_close(&quiet);
  pw_wait_close(&hosted);
}

static void check_sockets(void) {
  pw_wait wait;
  pw_wait_open(&wait, false);
  int sockets[20];
  for (int i = 0; i < 20; i++) {
    sockets[i] = pw_wait_open_socket(&wait, AF_INET, SOCK_STREAM, 0);
    CHECK(sockets[i] >= 0 && is_kept(sockets[i]) && wait.sockets_count == (size_t)i + 1);
    CHECK(wait.sockets_room == (i < 16 ? 16 : 32));
  }
  CHECK(pw_wait_open_socket(&wait, -1, SOCK_STREAM, 0) == -1 && wait.sockets_count == 20);
  pw_wait_close_socket(&wait, sockets[7]);
  CHECK(!is_open(sockets[7]) && is_open(sockets[19]) && wait.sockets_count == 19);
  int other = dup(0);
  pw_wait_close_socket(&wait, other); /* one that it has not opened */
  CHECK(!is_open(other) && wait.sockets_count == 19);
  pw_wait_abandon(&wait);
  for (int i = 0; i < 20; i++) CHECK(!is_open(sockets[i]));
  CHECK(wait.sockets == NULL && wait.sockets_count == 0);
  int kept = pw_wait_open_socket(&wait, AF_INET, SOCK_STREAM, 0);
  pw_wait_close(&wait);
  CHECK(is_open(kept));
  close(kept);
}

int main(int count, char **words) {
  static const part parts[] = {
      {"poll", check_poll}, {"hosted", check_hosted}, {"any", check_any}, {"sockets", check_sockets}, {NULL, NULL},
  };
  return check_parts(parts, count, words);
}
