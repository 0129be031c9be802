/* Checks of a part by itself: one that fails is told with its line, and all go on. */
#ifndef CHECKS_H
#define CHECKS_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int failures;

#define CHECK(fine)                                                      \
  do {                                                                   \
    if (!(fine)) {                                                       \
      failures++;                                                        \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #fine); \
    }                                                                    \
  } while (false)

typedef struct part {
  const char *name;
  void (*check)(void);
} part;

/* Checks the part that the first word names: 0 when all is so. */
static int check_part(const part *parts, int count, char **words) {
  for (; count > 1 && parts->name != NULL; parts++) {
    if (strcmp(words[1], parts->name) != 0) continue;
    parts->check();
    return failures > 0;
  }
  return 2;
}

#endif
