/* Waiting for several engines at once: a program with more than one client has a descriptor set for each. */
#ifndef PW_SEVERAL_H
#define PW_SEVERAL_H

#include <stddef.h>

#include "engine.h"

/* Waits up to `milliseconds` until one of the open engines has something to do; moves none of them on. Comes back early
 * when a signal came, and now and then for nothing. Returns false with `*reason` set when it can't wait. */
bool pw_several_wait(pw_engine *const *engines, size_t count, int milliseconds, const char **reason);

#endif
