#include "poller.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { MOST_EVENTS = 64 };

#ifdef __linux__

#include <sys/epoll.h>
#include <sys/timerfd.h>

bool pw_poller_open(pw_poller *poller) {
  poller->timer = -1;
  poller->fd = epoll_create1(EPOLL_CLOEXEC);
  if (poller->fd < 0) return false;
  poller->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  if (poller->timer < 0 || !pw_poller_watch(poller, poller->timer, true, false)) {
    int reason = errno;
    pw_poller_close(poller);
    errno = reason;
    return false;
  }
  return true;
}

void pw_poller_close(pw_poller *poller) {
  if (poller->fd < 0) return;
  if (poller->timer >= 0) close(poller->timer);
  close(poller->fd);
  poller->timer = poller->fd = -1;
}

bool pw_poller_watch(pw_poller *poller, int fd, bool readable, bool writable) {
  struct epoll_event event = {.events = (readable ? EPOLLIN : 0u) | (writable ? EPOLLOUT : 0u), .data.fd = fd};
  if (!readable && !writable) {
    /* libcurl may have closed the socket already, which took it out of the set. */
    return epoll_ctl(poller->fd, EPOLL_CTL_DEL, fd, &event) == 0 || errno == ENOENT || errno == EBADF;
  }
  if (epoll_ctl(poller->fd, EPOLL_CTL_MOD, fd, &event) == 0) return true;
  return errno == ENOENT && epoll_ctl(poller->fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

bool pw_poller_arm(pw_poller *poller, int64_t microseconds) {
  struct itimerspec when = {0};
  if (microseconds >= 0) {
    if (microseconds == 0) microseconds = 1;
    when.it_value.tv_sec = (time_t)(microseconds / 1000000);
    when.it_value.tv_nsec = (long)(microseconds % 1000000) * 1000;
  }
  return timerfd_settime(poller->timer, 0, &when, NULL) == 0;
}

int pw_poller_wait(pw_poller *poller, pw_poll_event *events, int room, int milliseconds) {
  struct epoll_event ready[MOST_EVENTS];
  int count = epoll_wait(poller->fd, ready, room < MOST_EVENTS ? room : MOST_EVENTS, milliseconds);
  if (count < 0) return errno == EINTR ? 0 : -1;
  for (int i = 0; i < count; i++) {
    bool is_timer = ready[i].data.fd == poller->timer;
    uint64_t fired;
    if (is_timer && read(poller->timer, &fired, sizeof fired) < 0) fired = 0;
    events[i] = (pw_poll_event){
        .fd = is_timer ? -1 : ready[i].data.fd,
        .readable = (ready[i].events & EPOLLIN) != 0,
        .writable = (ready[i].events & EPOLLOUT) != 0,
        .broken = (ready[i].events & (EPOLLERR | EPOLLHUP)) != 0,
    };
  }
  return count;
}

#else

#include <sys/event.h>
#include <sys/time.h>
#include <sys/types.h>

enum { TIMER_IDENT = 1 };

bool pw_poller_open(pw_poller *poller) {
  poller->timer = -1;
  poller->fd = kqueue();
  return poller->fd >= 0;
}

void pw_poller_close(pw_poller *poller) {
  if (poller->fd >= 0) close(poller->fd);
  poller->fd = -1;
}

static bool change(pw_poller *poller, int fd, int16_t filter, bool wanted) {
  struct kevent event;
  EV_SET(&event, (uintptr_t)fd, filter, wanted ? EV_ADD : EV_DELETE, 0, 0, NULL);
  return kevent(poller->fd, &event, 1, NULL, 0, NULL) == 0 || (!wanted && (errno == ENOENT || errno == EBADF));
}

bool pw_poller_watch(pw_poller *poller, int fd, bool readable, bool writable) {
  bool reads = change(poller, fd, EVFILT_READ, readable);
  return change(poller, fd, EVFILT_WRITE, writable) && reads;
}

bool pw_poller_arm(pw_poller *poller, int64_t microseconds) {
  struct kevent event;
  bool wanted = microseconds >= 0;
  EV_SET(&event, TIMER_IDENT, EVFILT_TIMER, wanted ? EV_ADD | EV_ONESHOT : EV_DELETE, NOTE_USECONDS,
         wanted ? microseconds : 0, NULL);
  return kevent(poller->fd, &event, 1, NULL, 0, NULL) == 0 || (!wanted && errno == ENOENT);
}

int pw_poller_wait(pw_poller *poller, pw_poll_event *events, int room, int milliseconds) {
  struct kevent ready[MOST_EVENTS];
  struct timespec limit = {milliseconds / 1000, (milliseconds % 1000) * 1000000L};
  int most = room < MOST_EVENTS ? room : MOST_EVENTS;
  int count = kevent(poller->fd, NULL, 0, ready, most, milliseconds < 0 ? NULL : &limit);
  if (count < 0) return errno == EINTR ? 0 : -1;
  for (int i = 0; i < count; i++) {
    bool is_timer = ready[i].filter == EVFILT_TIMER;
    events[i] = (pw_poll_event){
        .fd = is_timer ? -1 : (int)ready[i].ident,
        .readable = ready[i].filter == EVFILT_READ,
        .writable = ready[i].filter == EVFILT_WRITE,
        .broken = (ready[i].flags & EV_ERROR) != 0,
    };
  }
  return count;
}

#endif
