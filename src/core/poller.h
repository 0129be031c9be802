/* One pollable descriptor that stands for many sockets and one timer: epoll with a timerfd, or kqueue. Knows neither
 * Lua nor curl. */
#ifndef PW_POLLER_H
#define PW_POLLER_H

#include <stdbool.h>
#include <stdint.h>

typedef struct pw_poller {
  int fd;    /* the one descriptor, readable whenever something is to be done; -1 when closed */
  int timer; /* Linux: the timerfd inside it; elsewhere unused */
} pw_poller;

typedef struct pw_poll_event {
  int fd; /* -1 when it is the timer */
  bool readable, writable, broken;
} pw_poll_event;

/* Opens the poller. False with errno set when the system refuses; nothing is left open then. */
bool pw_poller_open(pw_poller *poller);

/* Closes it. Safe to call twice, and on a struct whose `fd` is -1. */
void pw_poller_close(pw_poller *poller);

/* Watches `fd`, or changes what it is watched for; neither means no more. False with errno set on failure. */
bool pw_poller_watch(pw_poller *poller, int fd, bool readable, bool writable);

/* Arms the timer to fire once after `microseconds` (at least 1), or disarms it when negative. */
bool pw_poller_arm(pw_poller *poller, int64_t microseconds);

/* Waits up to `milliseconds` (-1: without end) and fills up to `room` events. Returns how many; 0 on time-out or when
 * a signal came, -1 with errno set on failure. */
int pw_poller_wait(pw_poller *poller, pw_poll_event *events, int room, int milliseconds);

#endif
