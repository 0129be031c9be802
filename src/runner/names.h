/* The names in a folder, read without allocating: a warden is forked from a program that may have threads, and one of
 * them may have held the allocator's lock at that moment. Systems other than Linux read them as they can. */
#ifndef PW_NAMES_H
#define PW_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#ifndef __linux__
#include <dirent.h>
#endif

enum { PW_NAMES_SIZE = 2048 };

typedef struct pw_names {
  int fd; /* the folder's */
#ifdef __linux__
  size_t at, size;
  _Alignas(8) char bytes[PW_NAMES_SIZE];
#else
  DIR *folder;
#endif
} pw_names;

/* Opens a folder below another (AT_FDCWD: a path), but no link to one. False when that failed; there is nothing to
 * close then. */
bool pw_names_open(pw_names *names, int parent, const char *name);

/* The next name but for the folder itself and the one above it; NULL behind the last. Good until the next call. */
const char *pw_names_next(pw_names *names);

void pw_names_close(pw_names *names);

#endif
