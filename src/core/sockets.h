/* The sockets that an engine without a host's loop waits for, as poll(2) takes them. Knows neither Lua nor curl. */
#ifndef PW_SOCKETS_H
#define PW_SOCKETS_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct pw_sockets {
  struct pollfd *list; /* NULL when there is no room yet */
  size_t count, room;
} pw_sockets;

/* Makes room for `room` sockets in all. False when memory is out; nothing has changed then. */
bool pw_sockets_reserve(pw_sockets *sockets, size_t room);

/* Watches `fd`, or changes what it is watched for; neither means no more. False when memory is out, which it can't be
 * where there is room. */
bool pw_sockets_watch(pw_sockets *sockets, int fd, bool readable, bool writable);

/* Frees the list. Safe to call twice, and on zeroed memory. */
void pw_sockets_free(pw_sockets *sockets);

#endif
