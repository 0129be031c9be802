#include "folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

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

static DIR *open_below(int parent, const char *name) {
  int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
  if (folder == NULL && fd >= 0) close(fd);
  return folder;
}

static bool is_self(const char *name) { return strcmp(name, ".") == 0 || strcmp(name, "..") == 0; }

static int64_t usage_below(int parent, const char *name, int depth) {
  DIR *folder = depth < DEPTH ? open_below(parent, name) : NULL;
  if (folder == NULL) return 0;
  int64_t sum = 0;
  for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
    struct stat about;
    if (is_self(entry->d_name) || fstatat(dirfd(folder), entry->d_name, &about, AT_SYMLINK_NOFOLLOW) != 0) continue;
    sum += (int64_t)about.st_blocks * 512;
    if (S_ISDIR(about.st_mode)) sum += usage_below(dirfd(folder), entry->d_name, depth + 1);
  }
  closedir(folder);
  return sum;
}

int64_t pw_folder_usage(const char *folder) { return usage_below(AT_FDCWD, folder, 0); }

typedef struct top {
  int fd, moves;
} top;

/* Empties a folder; one that lies too deep goes up to the top, whose turn comes again. */
static void empty(top *above, int parent, const char *name, int depth) {
  fchmodat(parent, name, 0700, 0);
  DIR *folder = open_below(parent, name);
  if (folder == NULL) return;
  for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
    if (is_self(entry->d_name) || unlinkat(dirfd(folder), entry->d_name, 0) == 0) continue;
    if (depth < DEPTH) {
      empty(above, dirfd(folder), entry->d_name, depth + 1);
      unlinkat(dirfd(folder), entry->d_name, AT_REMOVEDIR);
    } else {
      char moved[32];
      snprintf(moved, sizeof moved, "deep-%d", above->moves++);
      renameat(dirfd(folder), entry->d_name, above->fd, moved);
    }
  }
  closedir(folder);
}

static bool is_empty(const char *name) {
  DIR *folder = open_below(AT_FDCWD, name);
  int count = 0;
  while (folder != NULL && count < 3 && readdir(folder) != NULL) count++;
  if (folder != NULL) closedir(folder);
  return count < 3;
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
  static const char *const places[] = {"/tmp", "/var/tmp", "/dev/shm"};
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    DIR *folder = opendir(places[i]);
    if (folder == NULL) continue;
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
      struct stat about;
      char path[PW_PATH];
      if (fstatat(dirfd(folder), entry->d_name, &about, AT_SYMLINK_NOFOLLOW) != 0 || about.st_uid != user) continue;
      if (snprintf(path, sizeof path, "%s/%s", places[i], entry->d_name) >= PW_PATH) continue;
      if (unlink(path) != 0) pw_folder_remove(path);
    }
    closedir(folder);
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
  DIR *folder = opendir(base);
  if (folder == NULL) return;
  for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
    char path[PW_PATH];
    if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0) continue;
    if (snprintf(path, sizeof path, "%s/%s", base, entry->d_name) < PW_PATH) sweep_one(path, age);
  }
  closedir(folder);
}
