#include "folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "names.h"
#include "tree.h"

/* Deeper folders are moved up before they are emptied, so that neither descriptors nor the stack end. */
enum { DEPTH = 32, ROUNDS = 100000 };

static const char *const prefix = "patchworks-run-";

static const char *temporary(void) {
  const char *base = getenv("TMPDIR");
  return base != NULL && *base == '/' && strlen(base) < PW_PATH / 2 ? base : "/tmp";
}

static int lock(const char *path) {
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
  if (fd >= 0) close(fd);
  return -1;
}

int pw_folder_make(char path[PW_PATH]) {
  snprintf(path, PW_PATH, "%s/%sXXXXXX", temporary(), prefix);
  int fd = mkdtemp(path) != NULL ? lock(path) : -1;
  if (fd < 0) path[0] = '\0';
  return fd;
}

bool pw_folder_write(const char *folder, const char *name, const char *bytes, size_t size, mode_t mode) {
  char path[PW_PATH + 32];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (fd < 0) return false;
  bool ok = true;
  for (size_t done = 0; ok && done < size;) {
    ssize_t written = write(fd, bytes + done, size - done);
    if (written >= 0) {
      done += (size_t)written;
    } else if (errno != EINTR) {
      ok = false;
    }
  }
  return close(fd) == 0 && ok;
}

static int64_t usage_below(int parent, const char *name, int depth) {
  pw_names names;
  if (depth >= DEPTH || !pw_names_open(&names, parent, name)) return 0;
  int64_t sum = 0;
  for (const char *each = pw_names_next(&names); each != NULL; each = pw_names_next(&names)) {
    struct stat about;
    if (fstatat(names.fd, each, &about, AT_SYMLINK_NOFOLLOW) != 0) continue;
    sum += (int64_t)about.st_blocks * 512;
    if (S_ISDIR(about.st_mode)) sum += usage_below(names.fd, each, depth + 1);
  }
  pw_names_close(&names);
  return sum;
}

int64_t pw_folder_usage(const char *folder) { return usage_below(AT_FDCWD, folder, 0); }

typedef struct top {
  int fd, moves;
} top;

/* Empties a folder; one that lies too deep goes up to the top, whose turn comes again. */
static void empty(top *above, int parent, const char *name, int depth) {
  pw_names names;
  fchmodat(parent, name, 0700, 0);
  if (!pw_names_open(&names, parent, name)) return;
  for (const char *each = pw_names_next(&names); each != NULL; each = pw_names_next(&names)) {
    if (unlinkat(names.fd, each, 0) == 0) continue;
    if (depth < DEPTH) {
      empty(above, names.fd, each, depth + 1);
      unlinkat(names.fd, each, AT_REMOVEDIR);
    } else {
      char moved[32];
      snprintf(moved, sizeof moved, "deep-%d", above->moves++);
      renameat(names.fd, each, above->fd, moved);
    }
  }
  pw_names_close(&names);
}

static bool is_empty(const char *name) {
  pw_names names;
  if (!pw_names_open(&names, AT_FDCWD, name)) return true;
  bool none = pw_names_next(&names) == NULL;
  pw_names_close(&names);
  return none;
}

void pw_folder_empty(const char *folder) {
  top above = {.fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)};
  if (above.fd < 0) return;
  for (int round = 0; round < ROUNDS && !is_empty(folder); round++) empty(&above, AT_FDCWD, folder, 0);
  close(above.fd);
}

void pw_folder_remove(const char *folder) {
  pw_folder_empty(folder);
  rmdir(folder);
}

void pw_folder_remove_of(uid_t user) {
  static const char *const places[] = {"/tmp/.", "/var/tmp/.", "/dev/shm/."}; /* links or not */
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    pw_names names;
    if (!pw_names_open(&names, AT_FDCWD, places[i])) continue;
    for (const char *each = pw_names_next(&names); each != NULL; each = pw_names_next(&names)) {
      struct stat about;
      char path[PW_PATH];
      if (fstatat(names.fd, each, &about, AT_SYMLINK_NOFOLLOW) != 0 || about.st_uid != user) continue;
      if (snprintf(path, sizeof path, "%s/%s", places[i], each) >= PW_PATH) continue;
      if (unlink(path) != 0) pw_folder_remove(path);
    }
    pw_names_close(&names);
  }
}

/* One that is locked is in use, and one that is young may be about to be locked. */
static void sweep_one(const char *path, int age) {
  struct stat about;
  if (lstat(path, &about) != 0 || !S_ISDIR(about.st_mode)) return;
  if (geteuid() != 0 && about.st_uid != geteuid()) return;
  if (time(NULL) - about.st_ctime < age) return;
  int held = lock(path);
  if (held < 0) return;
  char variable[PW_PATH + 8];
  snprintf(variable, sizeof variable, "HOME=%s", path);
  pw_tree_kill_marked(variable);
  pw_folder_remove(path);
  close(held);
}

void pw_folder_sweep(int age) {
  const char *base = temporary();
  char place[PW_PATH];
  pw_names names;
  snprintf(place, sizeof place, "%s/.", base); /* a link or not */
  if (!pw_names_open(&names, AT_FDCWD, place)) return;
  for (const char *each = pw_names_next(&names); each != NULL; each = pw_names_next(&names)) {
    char path[PW_PATH];
    if (strncmp(each, prefix, strlen(prefix)) != 0) continue;
    if (snprintf(path, sizeof path, "%s/%s", base, each) < PW_PATH) sweep_one(path, age);
  }
  pw_names_close(&names);
}
