/* The monotonic clock, and sleeping. Knows neither Lua nor curl. */
#ifndef PW_CLOCK_H
#define PW_CLOCK_H

#include <stdint.h>

/* Microseconds since some moment that doesn't change. */
int64_t pw_clock_now(void);

/* Sleeps for `seconds`, an hour at most, or until a signal comes; not at all unless `seconds` is over 0. */
void pw_clock_sleep(double seconds);

#endif
