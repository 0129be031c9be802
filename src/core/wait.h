/* Descriptors to wait for. Knows neither Lua nor curl.
 *
 * A wait is of one of two kinds, chosen when it is opened: a list of sockets for poll(2); or, for a host's loop, one
 * descriptor that stands for all sockets and for a timer, which is epoll with a timerfd, or kqueue. */
#ifndef PW_WAIT_H
#define PW_WAIT_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A connection's socket, and the port at this end; 0 while it is not known. */
typedef struct pw_socket {
  int fd, port;
} pw_socket;

typedef struct pw_wait {
  int fd;              /* hosted: readable whenever something is to be done; -1 otherwise, and when closed */
  int timer;           /* hosted, on Linux: the timerfd inside it */
  struct pollfd *list; /* not hosted: NULL when there is no room yet */
  size_t count, room;
  size_t turn;        /* of the sockets, so that each comes first in turn */
  pw_socket *sockets; /* those that pw_wait_open_socket opened; NULL while there are none */
  size_t sockets_count, sockets_room;
} pw_wait;

/* What has come. */
typedef struct pw_event {
  int fd; /* -1 when it is the timer */
  bool readable, writable, broken;
} pw_event;

/* Opens a wait. False with errno set when the system refuses; nothing is left open then. Not hosted, it can't fail. */
bool pw_wait_open(pw_wait *wait, bool hosted);

/* Closes it. Safe to call twice, and on a struct that is zero but for an `fd` of -1. */
void pw_wait_close(pw_wait *wait);

/* In a child process, after a fork: closes the descriptors that it has inherited. Nothing else: what an epoll holds is
 * its parent's too. */
void pw_wait_abandon(pw_wait *wait);

/* Opens a socket that no program started from here inherits, and closes it. -1 with errno set on failure. */
int pw_wait_open_socket(pw_wait *wait, int family, int type, int protocol);
void pw_wait_close_socket(pw_wait *wait, int fd);

/* The one of those sockets that has this port at this end; -1 when there is none. */
int pw_wait_socket_at(pw_wait *wait, int port);

/* Makes room for `room` sockets in all. False when memory is out; nothing has changed then. */
bool pw_wait_reserve(pw_wait *wait, size_t room);

/* Watches `fd`, or changes what it is watched for; neither means no more. False with errno set on failure, which can't
 * be where there is room and the wait is not hosted. */
bool pw_wait_watch(pw_wait *wait, int fd, bool readable, bool writable);

/* Hosted: arms the timer to fire once after `microseconds` (at least 1), or disarms it when negative. */
bool pw_wait_arm(pw_wait *wait, int64_t microseconds);

/* Waits up to `milliseconds` and fills up to `room` events. Returns how many; 0 on time-out or when a signal came, -1
 * with errno set on failure. */
int pw_wait_next(pw_wait *wait, pw_event *events, int room, int milliseconds);

/* Waits until something has come for one of many, or a signal came, or `milliseconds` are over; takes nothing. False
 * with errno set on failure. */
bool pw_wait_any(pw_wait *const *waits, size_t count, int milliseconds);

#endif
