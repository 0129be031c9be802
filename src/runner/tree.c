#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "names.h"

/* Milliseconds for processes that don't end: the disk may hold them; and how many are known at once. */
enum { PATIENCE = 5000, MOST = 1 << 18 };

typedef struct process {
  pid_t pid, parent;
  bool below; /* this process */
} process;

/* Mapped: a warden doesn't allocate, see names.h. */
typedef struct processes {
  process *list;
  int count;
} processes;

static ssize_t read_file(pid_t pid, const char *name, char *text, size_t size) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  ssize_t got = read(fd, text, size - 1);
  close(fd);
  text[got > 0 ? got : 0] = '\0';
  return got;
}

static pid_t parent_of(pid_t pid) {
  char text[512];
  if (read_file(pid, "stat", text, sizeof text) <= 0) return 0;
  const char *behind = strrchr(text, ')'); /* the name in front may hold anything */
  return behind != NULL && strlen(behind) > 4 ? (pid_t)strtol(behind + 4, NULL, 10) : 0; /* ") S 123" */
}

static void read_all(processes *all) {
  pw_names names;
  all->count = 0;
  all->list = mmap(NULL, MOST * sizeof *all->list, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (all->list == MAP_FAILED || !pw_names_open(&names, AT_FDCWD, "/proc")) return;
  for (const char *each = pw_names_next(&names); each != NULL && all->count < MOST; each = pw_names_next(&names)) {
    pid_t pid = (pid_t)strtol(each, NULL, 10);
    if (pid > 0) all->list[all->count++] = (process){.pid = pid, .parent = parent_of(pid)};
  }
  pw_names_close(&names);
}

static void forget_all(processes *all) {
  if (all->list != MAP_FAILED) munmap(all->list, MOST * sizeof *all->list);
}

static bool is_below(const processes *all, pid_t pid) {
  if (pid == getpid()) return true;
  for (int i = 0; i < all->count; i++) {
    if (all->list[i].pid == pid) return all->list[i].below;
  }
  return false;
}

/* A parent may come behind its child in the list, so until nothing changes. */
static void mark(processes *all) {
  for (bool changed = true; changed;) {
    changed = false;
    for (int i = 0; i < all->count; i++) {
      process *one = &all->list[i];
      if (one->below || one->parent == 0 || !is_below(all, one->parent)) continue;
      one->below = changed = true;
    }
  }
}

/* What is its own alone, or shared since it was forked. */
static int64_t anonymous(pid_t pid) {
  char text[256];
  char *at = text;
  if (read_file(pid, "statm", text, sizeof text) <= 0) return 0;
  strtoll(at, &at, 10); /* its address space */
  int64_t resident = strtoll(at, &at, 10), shared = strtoll(at, &at, 10);
  return (resident - shared) * sysconf(_SC_PAGESIZE);
}

/* Its share of what it uses; that of its program's file left out. */
static int64_t share(pid_t pid) {
  char text[2048];
  if (read_file(pid, "smaps_rollup", text, sizeof text) <= 0) return anonymous(pid);
  int64_t sum = 0;
  static const char *const parts[] = {"Pss_Anon:", "Pss_Shmem:"};
  for (int i = 0; i < 2; i++) {
    const char *found = strstr(text, parts[i]);
    if (found == NULL) return anonymous(pid);
    sum += strtoll(found + strlen(parts[i]), NULL, 10) * 1024;
  }
  return sum;
}

void pw_tree_look(pw_tree *tree, bool exact) {
  processes all;
  *tree = (pw_tree){0};
  read_all(&all);
  mark(&all);
  for (int i = 0; i < all.count; i++) {
    if (!all.list[i].below) continue;
    tree->count++;
    tree->memory += exact ? share(all.list[i].pid) : anonymous(all.list[i].pid);
  }
  forget_all(&all);
}

static void kill_once(pid_t group) {
  if (getpid() == 1) { /* of a namespace: all others in it */
    kill(-1, SIGKILL);
    return;
  }
  processes all;
  kill(-group, SIGKILL);
  read_all(&all);
  mark(&all);
  for (int i = 0; i < all.count; i++) {
    if (all.list[i].below) kill(all.list[i].pid, SIGKILL);
  }
  forget_all(&all);
}

/* Whose parent has ended becomes a child of this process (warden.c), so there is no one left when there is no child. */
void pw_tree_kill(pid_t group) {
  for (int waited = 0; waited < PATIENCE; waited++) {
    kill_once(group);
    pid_t got;
    do got = waitpid(-1, NULL, WNOHANG);
    while (got > 0 || (got < 0 && errno == EINTR));
    if (got < 0) return;
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
  }
}

void pw_tree_kill_marked(const char *variable) {
  processes all;
  read_all(&all);
  size_t size = strlen(variable) + 1;
  for (int i = 0; i < all.count; i++) {
    char text[8192];
    ssize_t got = read_file(all.list[i].pid, "environ", text, sizeof text);
    for (ssize_t at = 0; at < got; at += (ssize_t)strlen(text + at) + 1) {
      if ((size_t)(got - at) >= size - 1 && strcmp(text + at, variable) == 0) {
        kill(all.list[i].pid, SIGKILL);
        break;
      }
    }
  }
  forget_all(&all);
}
