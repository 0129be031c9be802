#include "jail.h"

#ifdef __linux__
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Files that it may have; and bytes of a path below the new root. */
enum { NAMES = 8192, PLACE = 1024 };

static bool write_text(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  bool ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
  close(fd);
  return ok;
}

static bool map_user(uid_t user, gid_t group) {
  char text[64];
  write_text("/proc/self/setgroups", "deny");
  snprintf(text, sizeof text, "%u %u 1", (unsigned int)user, (unsigned int)user);
  if (!write_text("/proc/self/uid_map", text)) return false;
  snprintf(text, sizeof text, "%u %u 1", (unsigned int)group, (unsigned int)group);
  return write_text("/proc/self/gid_map", text);
}

bool pw_jail_enter(void) {
  const int namespaces = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC;
  uid_t user = geteuid();
  gid_t group = getegid();
  if (user == 0 && unshare(namespaces) == 0) return true;
  return unshare(namespaces | CLONE_NEWUSER) == 0 && map_user(user, group);
}

/* The place below the new root; its folders are made. */
static void place(const char *base, const char *path, bool folder, char to[PLACE]) {
  snprintf(to, PLACE, "%s%s", base, path);
  for (char *slash = strchr(to + strlen(base) + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    mkdir(to, 0755);
    *slash = '/';
  }
  if (folder) {
    mkdir(to, 0755);
  } else {
    close(open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  }
}

/* Shows a part of the system, to be read only; a symbolic link as what it is. What isn't there is left out. */
static void show(const char *base, const char *path) {
  char to[PLACE], target[PW_PATH];
  struct stat about;
  struct statvfs flags;
  if (lstat(path, &about) != 0) return;
  if (S_ISLNK(about.st_mode) && strchr(path + 1, '/') == NULL) {
    ssize_t size = readlink(path, target, sizeof target - 1);
    if (size <= 0) return;
    target[size] = '\0';
    snprintf(to, sizeof to, "%s%s", base, path);
    if (symlink(target, to) != 0) return;
    return;
  }
  if (stat(path, &about) != 0) return;
  place(base, path, S_ISDIR(about.st_mode), to);
  if (mount(path, to, "none", MS_BIND | MS_REC, NULL) != 0 || statvfs(to, &flags) != 0) return;
  /* Flags that an outer namespace has set can't be taken away. */
  unsigned long kept = 0;
  if (flags.f_flag & ST_NOEXEC) kept |= MS_NOEXEC;
  if (flags.f_flag & ST_NODEV) kept |= MS_NODEV;
  if (flags.f_flag & ST_NOATIME) kept |= MS_NOATIME;
  if (flags.f_flag & ST_NODIRATIME) kept |= MS_NODIRATIME;
  if (flags.f_flag & ST_RELATIME) kept |= MS_RELATIME;
  mount("none", to, "none", MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | kept, NULL);
}

static void show_system(const char *base) {
  static const char *const paths[] = {"/usr",
                                      "/bin",
                                      "/sbin",
                                      "/lib",
                                      "/lib32",
                                      "/lib64",
                                      "/libx32",
                                      "/opt",
                                      "/nix",
                                      "/etc/alternatives",
                                      "/etc/ld.so.cache",
                                      "/etc/localtime",
                                      "/etc/timezone",
                                      "/etc/hosts",
                                      "/etc/resolv.conf",
                                      "/etc/nsswitch.conf",
                                      "/etc/services",
                                      "/etc/protocols",
                                      "/etc/ssl",
                                      "/etc/pki",
                                      "/etc/ca-certificates",
                                      "/etc/mime.types",
                                      "/etc/mono",
                                      "/dev/null",
                                      "/dev/zero",
                                      "/dev/full",
                                      "/dev/random",
                                      "/dev/urandom"};
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) show(base, paths[i]);
}

static bool is_shown(const char *path) {
  static const char *const folders[] = {"/usr/", "/bin/", "/sbin/", "/lib", "/opt/", "/nix/"};
  for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
    if (strncmp(path, folders[i], strlen(folders[i])) == 0) return true;
  }
  return false;
}

/* Where the interpreter is somebody's own, the folder that it was installed into is shown. */
static bool show_program(const char *base, char program[PW_PATH]) {
  char path[PATH_MAX];
  bool ok = realpath(program, path) != NULL && strlen(path) < PW_PATH;
  if (ok && !(is_shown(path) && is_shown(program))) {
    strcpy(program, path);
    for (int up = 0; up < 2; up++) *strrchr(path, '/') = '\0';
    ok = strlen(path) > 1 && strrchr(path, '/') != NULL;
    if (ok) show(base, path);
  }
  return ok;
}

/* A little more than it may use, so that one that uses more is seen. */
static bool mount_folder(const char *to, const pw_limits *limits, unsigned long how) {
  char options[128];
  snprintf(options, sizeof options, "size=%" PRId64 "k,nr_inodes=%d,mode=755", limits->files / 1024 + 512, NAMES);
  return mount("tmpfs", to, "tmpfs", MS_NOSUID | MS_NODEV | how, options) == 0;
}

bool pw_jail_resize(const pw_limits *limits) { return mount_folder(PW_JAIL_FOLDER, limits, MS_REMOUNT); }

static bool make_folder(const char *base, const pw_limits *limits) {
  char to[PLACE];
  static const char *const also[] = {"/tmp", "/var/tmp", "/dev/shm"};
  place(base, PW_JAIL_FOLDER, true, to);
  if (!mount_folder(to, limits, 0)) return false;
  for (size_t i = 0; i < sizeof also / sizeof *also; i++) {
    snprintf(to, sizeof to, "%s%s", base, also[i]);
    char *name = strrchr(to, '/');
    *name = '\0';
    mkdir(to, 0755);
    *name = '/';
    if (symlink(PW_JAIL_FOLDER, to) != 0) return false;
  }
  return true;
}

static const char *make_base(void) {
  static const char *const places[] = {"/mnt", "/srv", "/media", "/tmp"};
  if (mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) != 0) return NULL;
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    if (mount("tmpfs", places[i], "tmpfs", MS_NOSUID, "size=1m,mode=755") == 0) return places[i];
  }
  return NULL;
}

bool pw_jail_build(const pw_limits *limits, char program[PW_PATH]) {
  char to[PLACE];
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  const char *base = make_base();
  if (base == NULL) return false;
  show_system(base);
  if (!show_program(base, program) || !make_folder(base, limits)) return false;
  place(base, "/proc", true, to);
  if (mount("proc", to, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) != 0) return false;
  if (chdir(base) != 0 || syscall(SYS_pivot_root, ".", ".") != 0 || umount2(".", MNT_DETACH) != 0) return false;
  return chdir("/") == 0 && mount("none", "/", "none", MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID, NULL) == 0;
}

#else
bool pw_jail_enter(void) { return false; }

bool pw_jail_build(const pw_limits *limits, char program[PW_PATH]) {
  (void)limits, (void)program;
  return false;
}

bool pw_jail_resize(const pw_limits *limits) {
  (void)limits;
  return false;
}
#endif
