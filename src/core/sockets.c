#include "sockets.h"

#include <stdlib.h>

enum { FIRST_ROOM = 16 };

bool pw_sockets_reserve(pw_sockets *sockets, size_t room) {
  if (room <= sockets->room) return true;
  size_t most = sockets->room < FIRST_ROOM ? FIRST_ROOM : sockets->room * 2;
  if (most < room) most = room;
  struct pollfd *list = realloc(sockets->list, most * sizeof *list);
  if (list == NULL) return false;
  sockets->list = list;
  sockets->room = most;
  return true;
}

bool pw_sockets_watch(pw_sockets *sockets, int fd, bool readable, bool writable) {
  short events = (short)((readable ? POLLIN : 0) | (writable ? POLLOUT : 0));
  size_t at = 0;
  while (at < sockets->count && sockets->list[at].fd != fd) at++;
  if (events == 0) {
    if (at < sockets->count) sockets->list[at] = sockets->list[--sockets->count];
    return true;
  }
  if (at == sockets->count) {
    if (!pw_sockets_reserve(sockets, at + 1)) return false;
    sockets->count++;
  }
  sockets->list[at] = (struct pollfd){.fd = fd, .events = events};
  return true;
}

void pw_sockets_free(pw_sockets *sockets) {
  free(sockets->list);
  *sockets = (pw_sockets){0};
}
