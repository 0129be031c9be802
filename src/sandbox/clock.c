#include "clock.h"

#include <stdio.h>
#include <time.h>

void pw_clock_open(pw_clock *clock) {
  pthread_mutex_init(&clock->lock, NULL);
  clock->offset = 0;
  clock->last = 0;
}

void pw_clock_close(pw_clock *clock) { pthread_mutex_destroy(&clock->lock); }

static int64_t read_locked(const pw_clock *clock) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000 + clock->offset;
}

int64_t pw_clock_now(pw_clock *clock) {
  pthread_mutex_lock(&clock->lock);
  int64_t now = read_locked(clock);
  pthread_mutex_unlock(&clock->lock);
  return now;
}

int64_t pw_clock_stamp(pw_clock *clock) {
  pthread_mutex_lock(&clock->lock);
  int64_t now = read_locked(clock);
  if (now <= clock->last) now = clock->last + 1;
  clock->last = now;
  pthread_mutex_unlock(&clock->lock);
  return now;
}

int64_t pw_clock_advance(pw_clock *clock, int64_t microseconds) {
  pthread_mutex_lock(&clock->lock);
  clock->offset += microseconds;
  int64_t offset = clock->offset;
  pthread_mutex_unlock(&clock->lock);
  return offset;
}

void pw_clock_set(pw_clock *clock, int64_t microseconds) {
  pthread_mutex_lock(&clock->lock);
  clock->offset = microseconds;
  pthread_mutex_unlock(&clock->lock);
}

void pw_clock_format(int64_t microseconds, char text[PW_CLOCK_TEXT]) {
  time_t seconds = (time_t)(microseconds / 1000000);
  struct tm date;
  gmtime_r(&seconds, &date);
  size_t size = strftime(text, PW_CLOCK_TEXT, "%Y-%m-%dT%H:%M:%S", &date);
  snprintf(text + size, PW_CLOCK_TEXT - size, ".%06dZ", (int)(microseconds % 1000000));
}
