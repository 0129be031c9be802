/* Requests that wait: for a moment (latency, news), or for a script. They hold no thread of the HTTP server meanwhile.
 *
 * One thread watches the clock; scripts are run by so many threads at once, begun when there is work. */
#ifndef PW_WORKS_H
#define PW_WORKS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum { PW_WORKS_MOST = 8 };

/* A piece of work, in whatever it is for; `due` is in monotonic microseconds. */
typedef struct pw_work {
  struct pw_work *next;
  int64_t due;
} pw_work;

typedef struct pw_works {
  pthread_mutex_t lock;
  pthread_cond_t news, script_news;
  pw_work *timed, *scripts, **last_script; /* by the time they are due; in the order that they came */
  pthread_t watch, runners[PW_WORKS_MOST];
  int started, idle;
  bool opened, watching, closing;
  void (*run)(pw_work *work);
  void (*each_second)(void *context); /* called by the watching thread */
  void *context;
} pw_works;

/* False when no thread can be started. */
bool pw_works_open(pw_works *works, void (*run)(pw_work *work), void (*each_second)(void *context), void *context);

/* Runs `work` after so many seconds, soon when that is 0. False when it closes: then it never runs. */
bool pw_works_later(pw_works *works, pw_work *work, double seconds);

/* Runs `work` where it may take long. False as above. */
bool pw_works_script(pw_works *works, pw_work *work);

/* What waits is run now; comes back when all has been. Nothing is taken in any more. */
void pw_works_stop(pw_works *works);
void pw_works_close(pw_works *works);

int64_t pw_works_now(void); /* monotonic microseconds */

#endif
