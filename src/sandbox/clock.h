/* The sandbox's clock: the machine's, moved forward at will. */
#ifndef PW_CLOCK_H
#define PW_CLOCK_H

#include <pthread.h>
#include <stdint.h>

typedef struct pw_clock {
  pthread_mutex_t lock;
  int64_t offset; /* microseconds ahead of the machine's */
  int64_t last;   /* the last stamp given */
} pw_clock;

enum { PW_CLOCK_TEXT = 32 };

void pw_clock_open(pw_clock *clock);
void pw_clock_close(pw_clock *clock);

/* Microseconds since 1970. */
int64_t pw_clock_now(pw_clock *clock);

/* The same, but later than every stamp before: so the order of what is stored is never ambiguous. */
int64_t pw_clock_stamp(pw_clock *clock);

/* Moves it forward by microseconds, and gives the whole offset. */
int64_t pw_clock_advance(pw_clock *clock, int64_t microseconds);

/* Sets how far it is ahead of the machine's. */
void pw_clock_set(pw_clock *clock, int64_t microseconds);

/* As Laravel writes dates: 2026-11-23T13:31:20.123456Z. */
void pw_clock_format(int64_t microseconds, char text[PW_CLOCK_TEXT]);

#endif
