/* Checks of a part by itself: one that fails is told with its line, and all go on. */
#ifndef CHECKS_H
#define CHECKS_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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

/* Checks a part in a process of its own: 0 when all is so. */
static int check_apart(const part *self) {
  int status;
  pid_t child = fork();
  if (child == 0) {
    self->check();
    exit(failures > 0);
  }
  if (child < 0 || waitpid(child, &status, 0) != child) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Checks the part that the first word names, 0 when all is so. Without a word, all of them: says `NAME ends with N`. */
static int check_parts(const part *parts, int count, char **words) {
  for (; parts->name != NULL; parts++) {
    if (count == 1) {
      printf("%s ends with %d\n", parts->name, check_apart(parts));
      fflush(stdout);
    } else if (strcmp(words[1], parts->name) == 0) {
      parts->check();
      return failures > 0;
    }
  }
  return count == 1 ? 0 : 2;
}

#endif
