#include "clock.h"

#include <time.h>

int64_t pw_clock_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void pw_clock_sleep(double seconds) {
  if (!(seconds > 0)) return;
  if (seconds > 3600) seconds = 3600;
  struct timespec time = {.tv_sec = (time_t)seconds};
  time.tv_nsec = (long)((seconds - (double)time.tv_sec) * 1e9);
  nanosleep(&time, NULL);
}
