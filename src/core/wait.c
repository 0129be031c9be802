#include "wait.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FIRST_ROOM = 16, MOST_EVENTS = 64 };

/* With poll(2). */

bool pw_wait_reserve(pw_wait *wait, size_t room) {
  if (room <= wait->room || wait->fd >= 0) return true;
  size_t most = wait->room < FIRST_ROOM ? FIRST_ROOM : wait->room * 2;
  if (most < room) most = room;
  struct pollfd *list = realloc(wait->list, most * sizeof *list);
  if (list == NULL) return false;
  wait->list = list;
  wait->room = most;
  return true;
}

static bool watch_in_list(pw_wait *wait, int fd, bool readable, bool writable) {
  short events = (short)((readable ? POLLIN : 0) | (writable ? POLLOUT : 0));
  size_t at = 0;
  while (at < wait->count && wait->list[at].fd != fd) at++;
  if (events == 0) {
    if (at < wait->count) wait->list[at] = wait->list[--wait->count];
    return true;
  }
  if (at == wait->count) {
    if (!pw_wait_reserve(wait, at + 1)) return false;
    wait->count++;
  }
  wait->list[at] = (struct pollfd){.fd = fd, .events = events};
  return true;
}

/* What was found is copied out, since whoever acts on it changes the list. A descriptor that is closed and opened again
 * meanwhile may be acted on once for nothing, which does no harm. */
static int next_in_list(pw_wait *wait, pw_event *events, int room, int milliseconds) {
  int ready = poll(wait->list, (nfds_t)wait->count, milliseconds);
  if (ready < 0) return errno == EINTR ? 0 : -1;
  int found = 0;
  size_t first = ready > 0 ? wait->turn++ % wait->count : 0;
  for (size_t i = 0; found < ready && found < room; i++) {
    const struct pollfd *each = &wait->list[(first + i) % wait->count];
    if (each->revents == 0) continue;
    events[found++] = (pw_event){
        .fd = each->fd,
        .readable = (each->revents & (POLLIN | POLLHUP)) != 0,
        .writable = (each->revents & POLLOUT) != 0,
        .broken = (each->revents & (POLLERR | POLLNVAL)) != 0,
    };
  }
  return found;
}

static size_t sockets_of(const pw_wait *wait) { return wait->fd >= 0 ? 1 : wait->count; }

bool pw_wait_any(pw_wait *const *waits, size_t count, int milliseconds) {
  pw_wait all = {.fd = -1};
  size_t most = 0;
  for (size_t i = 0; i < count; i++) most += sockets_of(waits[i]);
  if (!pw_wait_reserve(&all, most)) return false;
  for (size_t i = 0; i < count; i++) {
    struct pollfd own = {.fd = waits[i]->fd, .events = POLLIN};
    const struct pollfd *list = waits[i]->fd >= 0 ? &own : waits[i]->list;
    for (size_t j = 0; j < sockets_of(waits[i]) && all.count < all.room; j++) all.list[all.count++] = list[j];
  }
  bool waited = poll(all.list, (nfds_t)all.count, milliseconds) >= 0 || errno == EINTR;
  free(all.list);
  return waited;
}

/* With one descriptor. */
#ifdef __linux__

#include <sys/epoll.h>
#include <sys/timerfd.h>

static void close_one(pw_wait *wait) {
  if (wait->fd < 0) return;
  if (wait->timer >= 0) close(wait->timer);
  close(wait->fd);
  wait->timer = wait->fd = -1;
}

static bool watch_in_one(pw_wait *wait, int fd, bool readable, bool writable) {
  struct epoll_event event = {.events = (readable ? EPOLLIN : 0u) | (writable ? EPOLLOUT : 0u), .data.fd = fd};
  if (!readable && !writable) {
    /* libcurl may have closed the socket already, which took it out of the set. */
    return epoll_ctl(wait->fd, EPOLL_CTL_DEL, fd, &event) == 0 || errno == ENOENT || errno == EBADF;
  }
  if (epoll_ctl(wait->fd, EPOLL_CTL_MOD, fd, &event) == 0) return true;
  return errno == ENOENT && epoll_ctl(wait->fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

static bool open_one(pw_wait *wait) {
  wait->timer = -1;
  wait->fd = epoll_create1(EPOLL_CLOEXEC);
  if (wait->fd < 0) return false;
  wait->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  if (wait->timer < 0 || !watch_in_one(wait, wait->timer, true, false)) {
    int reason = errno;
    close_one(wait);
    errno = reason;
    return false;
  }
  return true;
}

bool pw_wait_arm(pw_wait *wait, int64_t microseconds) {
  struct itimerspec when = {0};
  if (microseconds >= 0) {
    if (microseconds == 0) microseconds = 1;
    when.it_value.tv_sec = (time_t)(microseconds / 1000000);
    when.it_value.tv_nsec = (long)(microseconds % 1000000) * 1000;
  }
  return timerfd_settime(wait->timer, 0, &when, NULL) == 0;
}

static int next_in_one(pw_wait *wait, pw_event *events, int room, int milliseconds) {
  struct epoll_event ready[MOST_EVENTS];
  int count = epoll_wait(wait->fd, ready, room < MOST_EVENTS ? room : MOST_EVENTS, milliseconds);
  if (count < 0) return errno == EINTR ? 0 : -1;
  for (int i = 0; i < count; i++) {
    bool is_timer = ready[i].data.fd == wait->timer;
    uint64_t fired;
    if (is_timer && read(wait->timer, &fired, sizeof fired) < 0) fired = 0;
    events[i] = (pw_event){
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

static bool open_one(pw_wait *wait) {
  wait->timer = -1;
  wait->fd = kqueue();
  return wait->fd >= 0;
}

static void close_one(pw_wait *wait) {
  if (wait->fd >= 0) close(wait->fd);
  wait->fd = -1;
}

static bool change(pw_wait *wait, int fd, int16_t filter, bool wanted) {
  struct kevent event;
  EV_SET(&event, (uintptr_t)fd, filter, wanted ? EV_ADD : EV_DELETE, 0, 0, NULL);
  return kevent(wait->fd, &event, 1, NULL, 0, NULL) == 0 || (!wanted && (errno == ENOENT || errno == EBADF));
}

static bool watch_in_one(pw_wait *wait, int fd, bool readable, bool writable) {
  bool reads = change(wait, fd, EVFILT_READ, readable);
  return change(wait, fd, EVFILT_WRITE, writable) && reads;
}

bool pw_wait_arm(pw_wait *wait, int64_t microseconds) {
  struct kevent event;
  bool wanted = microseconds >= 0;
  EV_SET(&event, TIMER_IDENT, EVFILT_TIMER, wanted ? EV_ADD | EV_ONESHOT : EV_DELETE, NOTE_USECONDS,
         wanted ? microseconds : 0, NULL);
  return kevent(wait->fd, &event, 1, NULL, 0, NULL) == 0 || (!wanted && errno == ENOENT);
}

static int next_in_one(pw_wait *wait, pw_event *events, int room, int milliseconds) {
  struct kevent ready[MOST_EVENTS];
  struct timespec limit = {milliseconds / 1000, (milliseconds % 1000) * 1000000L};
  int most = room < MOST_EVENTS ? room : MOST_EVENTS;
  int count = kevent(wait->fd, NULL, 0, ready, most, milliseconds < 0 ? NULL : &limit);
  if (count < 0) return errno == EINTR ? 0 : -1;
  for (int i = 0; i < count; i++) {
    bool is_timer = ready[i].filter == EVFILT_TIMER;
    events[i] = (pw_event){
        .fd = is_timer ? -1 : (int)ready[i].ident,
        .readable = ready[i].filter == EVFILT_READ,
        .writable = ready[i].filter == EVFILT_WRITE,
        .broken = (ready[i].flags & EV_ERROR) != 0,
    };
  }
  return count;
}

#endif

bool pw_wait_open(pw_wait *wait, bool hosted) {
  *wait = (pw_wait){.fd = -1, .timer = -1};
  return !hosted || open_one(wait);
}

void pw_wait_close(pw_wait *wait) {
  close_one(wait);
  free(wait->list);
  free(wait->sockets);
  *wait = (pw_wait){.fd = -1, .timer = -1};
}

void pw_wait_abandon(pw_wait *wait) {
  for (size_t i = 0; i < wait->sockets_count; i++) close(wait->sockets[i].fd);
  pw_wait_close(wait);
}

static bool reserve_socket(pw_wait *wait) {
  if (wait->sockets_count < wait->sockets_room) return true;
  size_t room = wait->sockets_room < FIRST_ROOM ? FIRST_ROOM : wait->sockets_room * 2;
  pw_socket *sockets = realloc(wait->sockets, room * sizeof *sockets);
  if (sockets == NULL) return false;
  wait->sockets = sockets;
  wait->sockets_room = room;
  return true;
}

int pw_wait_open_socket(pw_wait *wait, int family, int type, int protocol) {
  if (!reserve_socket(wait)) return -1;
#ifdef SOCK_CLOEXEC
  int fd = socket(family, type | SOCK_CLOEXEC, protocol);
#else
  int fd = socket(family, type, protocol);
  if (fd >= 0) fcntl(fd, F_SETFD, FD_CLOEXEC);
#endif
  if (fd >= 0) wait->sockets[wait->sockets_count++] = (pw_socket){.fd = fd, .port = 0};
  return fd;
}

/* The port at this end; 0 when it has none yet. */
static int port_of(int fd) {
  union {
    struct sockaddr any;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
  } address;
  socklen_t size = sizeof address;
  memset(&address, 0, sizeof address);
  if (getsockname(fd, &address.any, &size) != 0) return 0;
  if (address.any.sa_family == AF_INET) return ntohs(address.four.sin_port);
  return address.any.sa_family == AF_INET6 ? ntohs(address.six.sin6_port) : 0;
}

int pw_wait_socket_at(pw_wait *wait, int port) {
  for (size_t i = 0; i < wait->sockets_count; i++) {
    pw_socket *each = &wait->sockets[i];
    if (each->port == 0) each->port = port_of(each->fd);
    if (each->port == port) return each->fd;
  }
  return -1;
}

void pw_wait_close_socket(pw_wait *wait, int fd) {
  for (size_t i = 0; i < wait->sockets_count; i++) {
    if (wait->sockets[i].fd != fd) continue;
    wait->sockets[i] = wait->sockets[--wait->sockets_count];
    break;
  }
  close(fd);
}

bool pw_wait_watch(pw_wait *wait, int fd, bool readable, bool writable) {
  return wait->fd >= 0 ? watch_in_one(wait, fd, readable, writable) : watch_in_list(wait, fd, readable, writable);
}

int pw_wait_next(pw_wait *wait, pw_event *events, int room, int milliseconds) {
  return wait->fd >= 0 ? next_in_one(wait, events, room, milliseconds) : next_in_list(wait, events, room, milliseconds);
}
