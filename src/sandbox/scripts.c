#include "scripts.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

bool pw_scripts_open(pw_scripts *scripts, int most) {
  pthread_mutex_init(&scripts->lock, NULL);
  pthread_cond_init(&scripts->turn, NULL);
  scripts->opened = true;
  scripts->most = most;
  scripts->stop[0] = scripts->stop[1] = -1;
  return pipe2(scripts->stop, O_CLOEXEC) == 0;
}

void pw_scripts_stop(pw_scripts *scripts) {
  pthread_mutex_lock(&scripts->lock);
  scripts->closing = true;
  if (scripts->stop[1] >= 0) close(scripts->stop[1]);
  scripts->stop[1] = -1;
  pthread_cond_broadcast(&scripts->turn);
  pthread_mutex_unlock(&scripts->lock);
}

void pw_scripts_close(pw_scripts *scripts) {
  if (!scripts->opened) return;
  for (int i = 0; i < 2; i++) {
    if (scripts->stop[i] >= 0) close(scripts->stop[i]);
  }
  pthread_cond_destroy(&scripts->turn);
  pthread_mutex_destroy(&scripts->lock);
  memset(scripts, 0, sizeof *scripts);
}

static bool take_turn(pw_scripts *scripts) {
  pthread_mutex_lock(&scripts->lock);
  while (scripts->running >= scripts->most && !scripts->closing) pthread_cond_wait(&scripts->turn, &scripts->lock);
  bool mine = !scripts->closing;
  if (mine) scripts->running++;
  pthread_mutex_unlock(&scripts->lock);
  return mine;
}

static void give_turn(pw_scripts *scripts) {
  pthread_mutex_lock(&scripts->lock);
  scripts->running--;
  pthread_cond_signal(&scripts->turn);
  pthread_mutex_unlock(&scripts->lock);
}

void pw_scripts_run(pw_scripts *scripts, pw_run *run, const pw_code *code, const char *data, double seconds) {
  pw_limits limits = pw_limits_usual;
  limits.seconds = seconds;
  memset(run, 0, sizeof *run);
  run->fd = -1;
  run->over = true;
  run->ran = PW_RAN_CANCELLED;
  if (!take_turn(scripts)) return;
  if (pw_run_start(run, code, data, &limits) &&
      !pw_run_wait(run, pw_run_longest(code->language, seconds) + 60, scripts->stop[0])) {
    pw_run_cancel(run);
  }
  give_turn(scripts);
}

bool pw_scripts_sleep(pw_scripts *scripts, double seconds) {
  struct pollfd stop = {.fd = scripts->stop[0], .events = POLLIN};
  return poll(&stop, 1, (int)(seconds * 1000)) == 0;
}
