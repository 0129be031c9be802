#include "confine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef __linux__
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

enum {
  DESCRIPTORS = 256,
  FIRST_USER = 1000000000, /* far from those that people have; the process id is added */
  SMALL_USER = 20000,
  USERS = 40000 /* where a container maps 65,536 users only */
};

static void close_from(int first) {
#ifdef SYS_close_range
  if (syscall(SYS_close_range, (unsigned int)first, ~0U, 0U) == 0) return;
#endif
  long most = sysconf(_SC_OPEN_MAX);
  for (int fd = first; fd < (most > 0 && most < 65536 ? most : 65536); fd++) close(fd);
}

static void usual_signals(void) {
  sigset_t none;
  for (int signal_number = 1; signal_number < NSIG; signal_number++) signal(signal_number, SIG_DFL);
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

void pw_confine_warden(int *socket, int *lock) {
  setsid();
  usual_signals();
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
  umask(022);
  /* Above 4 first, so that neither is overwritten by the other. */
  int kept = fcntl(*socket, F_DUPFD, 5), locked = *lock >= 0 ? fcntl(*lock, F_DUPFD, 5) : -1;
  int nowhere = open("/dev/null", O_RDWR);
  for (int fd = 0; fd < 3; fd++) dup2(nowhere, fd);
  dup2(kept, 3);
  *socket = 3;
  *lock = locked >= 0 ? dup2(locked, 4) : -1;
  close_from(*lock >= 0 ? 5 : 4);
  fcntl(3, F_SETFD, FD_CLOEXEC);
  if (*lock >= 0) fcntl(4, F_SETFD, FD_CLOEXEC);
#ifdef __linux__
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
#endif
}

pid_t pw_confine_fork(void) {
/* ThreadSanitizer has a thread of its own in the warden, and must know of forks. */
#if defined(__linux__) && !defined(__s390__) && !defined(__SANITIZE_THREAD__)
  return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
#else
  return fork();
#endif
}

/* Whether anybody may come to it. */
static bool open_to_all(const char *program) {
  char path[PATH_MAX];
  bool open = realpath(program, path) != NULL;
  for (char *end = path; open && end != NULL;) {
    struct stat about;
    end = strchr(end + 1, '/');
    if (end != NULL) *end = '\0';
    open = stat(path, &about) == 0 && (about.st_mode & S_IXOTH) != 0;
    if (end != NULL) *end = '/';
  }
  return open;
}

uid_t pw_confine_user(const char *program) {
  if (geteuid() != 0 || (program != NULL && !open_to_all(program))) return geteuid();
  return (uid_t)FIRST_USER + (uid_t)getpid();
}

#ifdef __GLIBC__
typedef __rlimit_resource_t resource;
#else
typedef int resource;
#endif

static void limit(resource what, int64_t most) {
  struct rlimit wanted = {.rlim_cur = (rlim_t)most, .rlim_max = (rlim_t)most}, now;
  if (getrlimit(what, &now) == 0 && now.rlim_max != RLIM_INFINITY && now.rlim_max < wanted.rlim_max) {
    wanted.rlim_cur = wanted.rlim_max = now.rlim_max;
  }
  setrlimit(what, &wanted);
}

#if defined(__linux__) && (defined(__x86_64__) || defined(__aarch64__))
#ifdef __x86_64__
enum { ARCHITECTURE = (int)AUDIT_ARCH_X86_64 };
#else
enum { ARCHITECTURE = (int)AUDIT_ARCH_AARCH64 };
#endif

/* Memory that belongs to no process and no folder could be counted by nobody: these calls are as if the system had
 * none. Those of a foreign architecture have other numbers, and end the process. */
static void refuse_hidden_memory(void) {
  struct sock_filter steps[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)ARCHITECTURE, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_memfd_create, 3, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_shmget, 2, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 425 /* io_uring_setup */, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
  };
  struct sock_fprog program = {.len = sizeof steps / sizeof *steps, .filter = steps};
  prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
}
#else
static void refuse_hidden_memory(void) {}
#endif

uid_t pw_confine_give(const char *folder, uid_t user) {
  if (user == geteuid()) return user;
  uid_t tries[] = {user, SMALL_USER + user % USERS};
  for (int i = 0; i < 2; i++) {
    if (chown(folder, tries[i], (gid_t)tries[i]) == 0) return tries[i];
  }
  return geteuid(); /* this system has no other users: the warden's own counting remains */
}

static bool become(uid_t user) {
  return user == geteuid() || (setgroups(0, NULL) == 0 && setgid(user) == 0 && setuid(user) == 0);
}

bool pw_confine_script(const pw_language *language, const pw_limits *limits, uid_t user, pid_t warden) {
  setsid();
  usual_signals();
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_FSIZE, limits->file);
  limit(RLIMIT_NOFILE, DESCRIPTORS);
  bool own = user != geteuid();
  /* Of node's address space most is never used: what counts is what can be written to. */
  if (language->limit_address_space) {
    limit(RLIMIT_AS, limits->memory);
  } else {
#ifdef RLIMIT_DATA
    limit(RLIMIT_DATA, limits->memory + limits->memory / 2);
#endif
  }
#ifdef __linux__
  for (int capability = 0; capability <= CAP_LAST_CAP; capability++) prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
#endif
  if (!become(user)) return false;
  if (own) limit(RLIMIT_NPROC, limits->processes); /* counted by user */
#ifdef __linux__
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
#endif
  refuse_hidden_memory();
  return getppid() == warden; /* else it has ended before that was set */
}
