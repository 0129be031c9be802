#include "several.h"

#include <errno.h>
#include <poll.h>

static size_t sockets_of(const pw_engine *engine) { return engine->options.hosted ? 1 : engine->sockets.count; }

bool pw_several_wait(pw_engine *const *engines, size_t count, int milliseconds, const char **reason) {
  size_t most = 0;
  for (size_t i = 0; i < count; i++) most += sockets_of(engines[i]);
  pw_sockets all = {0};
  if (!pw_sockets_reserve(&all, most)) {
    *reason = "not enough memory";
    return false;
  }
  for (size_t i = 0; i < count; i++) {
    milliseconds = pw_engine_patience(engines[i], milliseconds);
    if (engines[i]->options.hosted) {
      all.list[all.count++] = (struct pollfd){.fd = engines[i]->poller.fd, .events = POLLIN};
    } else {
      for (size_t j = 0; j < engines[i]->sockets.count; j++) all.list[all.count++] = engines[i]->sockets.list[j];
    }
  }
  bool waited = poll(all.list, (nfds_t)all.count, milliseconds) >= 0 || errno == EINTR;
  if (!waited) *reason = "poll(2) failed";
  pw_sockets_free(&all);
  return waited;
}
