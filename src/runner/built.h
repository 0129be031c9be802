/* What was built of scripts lately, and which were checked (nothing is built of those), so that each is once: kept in
 * this process, bounded, for all its threads. */
#ifndef PW_BUILT_H
#define PW_BUILT_H

#include "run.h"

/* A copy of what was built of the source by that program, for the caller to free; false when it isn't known. */
bool pw_built_find(const pw_output *key, pw_output *built);

/* Keeps it. Both become this one's. */
void pw_built_keep(pw_output *key, pw_output *built);

#endif
