#include "names.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#ifdef __linux__
#include <stdint.h>
#include <sys/syscall.h>

/* As the kernel gives them. */
typedef struct entry {
  uint64_t inode;
  int64_t next;
  uint16_t size;
  uint8_t type;
  char name[];
} entry;

static bool begin(pw_names *names) {
  names->at = names->size = 0;
  return true;
}

static const char *next(pw_names *names) {
  if (names->at == names->size) {
    long got = syscall(SYS_getdents64, names->fd, names->bytes, sizeof names->bytes);
    if (got <= 0) return NULL;
    names->at = 0;
    names->size = (size_t)got;
  }
  const entry *one = (const entry *)(const void *)(names->bytes + names->at);
  names->at += one->size;
  return one->name;
}

void pw_names_close(pw_names *names) { close(names->fd); }

#else
static bool begin(pw_names *names) { return (names->folder = fdopendir(names->fd)) != NULL; }

static const char *next(pw_names *names) {
  const struct dirent *one = readdir(names->folder);
  return one != NULL ? one->d_name : NULL;
}

void pw_names_close(pw_names *names) { closedir(names->folder); }
#endif

bool pw_names_open(pw_names *names, int parent, const char *name) {
  names->fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (names->fd < 0) return false;
  if (begin(names)) return true;
  close(names->fd);
  return false;
}

const char *pw_names_next(pw_names *names) {
  const char *name;
  do name = next(names);
  while (name != NULL && (strcmp(name, ".") == 0 || strcmp(name, "..") == 0));
  return name;
}
