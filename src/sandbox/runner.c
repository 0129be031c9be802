#include "runner.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "text.h"

enum { OUTPUT_LIMIT = 8 * 1024 * 1024, PATH_SIZE = 512, LOOK = 20 };

/* Limits that a shell sets before it becomes the interpreter: 512 MB of memory (in KiB; 0 for the interpreter's own
 * option), files of at most 16 MiB (in units of 512 bytes), no core. */
static const char *const limiter =
    "cd \"$1\" || exit 126; ulimit -c 0; ulimit -f 32768; [ \"$2\" = 0 ] || ulimit -v \"$2\"; shift 2; exec \"$@\"";
static const char *const memory_limit = "524288";

static int64_t monotonic(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void pw_runner_open(pw_runner *runner) {
  pthread_mutex_init(&runner->lock, NULL);
  runner->closing = false;
}

void pw_runner_stop(pw_runner *runner) {
  pthread_mutex_lock(&runner->lock);
  runner->closing = true;
  pthread_mutex_unlock(&runner->lock);
}

static bool closing(pw_runner *runner) {
  pthread_mutex_lock(&runner->lock);
  bool now = runner->closing;
  pthread_mutex_unlock(&runner->lock);
  return now;
}

void pw_runner_close(pw_runner *runner) { pthread_mutex_destroy(&runner->lock); }

void pw_run_free(pw_run *run) {
  free(run->out.bytes);
  free(run->error.bytes);
  free(run->result);
  memset(run, 0, sizeof *run);
}

/* The program's path: the system's own folders before whatever the environment names. */
static bool find_program(const char *name, char path[PATH_SIZE]) {
  const char *environment = getenv("PATH");
  char folders[4096];
  snprintf(folders, sizeof folders, "/usr/local/bin:/usr/bin:/bin:%s", environment != NULL ? environment : "");
  char *rest = folders;
  for (char *folder = strsep(&rest, ":"); folder != NULL; folder = strsep(&rest, ":")) {
    if (*folder != '/') continue;
    int size = snprintf(path, PATH_SIZE, "%s/%s", folder, name);
    if (size < PATH_SIZE && access(path, X_OK) == 0) return true;
  }
  return false;
}

static bool write_file(const char *folder, const char *name, const char *bytes, size_t size) {
  char path[PATH_SIZE + 16];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
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
  close(fd);
  return ok;
}

static char *read_result(const char *folder) {
  char path[PATH_SIZE + 16];
  snprintf(path, sizeof path, "%s/result.json", folder);
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return NULL;
  struct stat about;
  char *text = NULL;
  if (fstat(fd, &about) == 0 && S_ISREG(about.st_mode) && about.st_size <= OUTPUT_LIMIT) {
    text = malloc((size_t)about.st_size + 1);
    ssize_t size = text != NULL ? read(fd, text, (size_t)about.st_size) : -1;
    if (size >= 0) {
      text[size] = '\0';
    } else {
      free(text);
      text = NULL;
    }
  }
  close(fd);
  return text;
}

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *place) {
  (void)about, (void)kind, (void)place;
  return remove(path);
}

static bool make_folder(char folder[PATH_SIZE]) {
  const char *base = getenv("TMPDIR");
  if (base == NULL || *base != '/' || strlen(base) > PATH_SIZE / 2) base = "/tmp";
  snprintf(folder, PATH_SIZE, "%s/patchworks-XXXXXX", base);
  return mkdtemp(folder) != NULL;
}

/* A child to be started, and its ends of the pipes. */
typedef struct child {
  pid_t pid;
  int out, error;
} child;

static bool open_pipes(int out[2], int error[2]) {
  if (pipe2(out, O_CLOEXEC) != 0) return false;
  if (pipe2(error, O_CLOEXEC) == 0) return true;
  close(out[0]);
  close(out[1]);
  return false;
}

static bool prepare(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes) {
  if (posix_spawn_file_actions_init(actions) != 0) return false;
  if (posix_spawnattr_init(attributes) == 0) return true;
  posix_spawn_file_actions_destroy(actions);
  return false;
}

static bool spawn(child *made, char *const arguments[], char *const environment[], const char *input) {
  int out[2], error[2];
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  if (!open_pipes(out, error)) return false;
  int problem = ENOMEM;
  if (prepare(&actions, &attributes)) {
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    posix_spawn_file_actions_adddup2(&actions, error[1], 2);
    problem = posix_spawn(&made->pid, "/bin/sh", &actions, &attributes, arguments, environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  close(out[1]);
  close(error[1]);
  made->out = out[0];
  made->error = error[0];
  if (problem == 0) return true;
  close(out[0]);
  close(error[0]);
  return false;
}

/* Reads what is there. False at the end, or when there is no room for more. */
static bool take_output(int fd, pw_output *output) {
  if (output->capacity - output->size < 4096) {
    size_t capacity = output->capacity == 0 ? 8192 : output->capacity * 2;
    char *bytes = realloc(output->bytes, capacity + 1);
    if (bytes == NULL) return false;
    output->bytes = bytes;
    output->capacity = capacity;
  }
  ssize_t size = read(fd, output->bytes + output->size, output->capacity - output->size);
  if (size > 0) output->size += (size_t)size;
  return size > 0 || (size < 0 && (errno == EINTR || errno == EAGAIN));
}

static bool ended(pid_t pid, int *status) {
  pid_t got;
  do got = waitpid(pid, status, WNOHANG);
  while (got < 0 && errno == EINTR);
  return got != 0;
}

/* Follows a child until it has ended and said all, or until its time or its room is up. Its group ends with it. */
static pw_ran follow(pw_runner *runner, const child *made, int64_t deadline, pw_run *run) {
  struct pollfd pipes[2] = {{.fd = made->out, .events = POLLIN}, {.fd = made->error, .events = POLLIN}};
  pw_output *outputs[2] = {&run->out, &run->error};
  pw_ran ran = PW_RAN;
  int status = 0;
  for (bool over = false; !over;) {
    bool open = pipes[0].fd >= 0 || pipes[1].fd >= 0;
    poll(pipes, 2, open ? LOOK : 1);
    for (int i = 0; i < 2; i++) {
      if (pipes[i].fd >= 0 && pipes[i].revents != 0 && !take_output(pipes[i].fd, outputs[i])) pipes[i].fd = -1;
    }
    bool quiet = pipes[0].revents == 0 && pipes[1].revents == 0;
    if ((quiet || !open) && ended(made->pid, &status)) break;
    if (run->out.size + run->error.size > OUTPUT_LIMIT) ran = PW_RAN_TOO_MUCH;
    if (monotonic() >= deadline || closing(runner)) ran = PW_RAN_TIMED_OUT;
    over = ran != PW_RAN;
  }
  kill(-made->pid, SIGKILL);
  if (ran != PW_RAN) {
    while (waitpid(made->pid, &status, 0) < 0 && errno == EINTR) continue;
  }
  run->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return ran;
}

static void finish_output(pw_output *output, const char *folder) {
  if (output->bytes == NULL) return;
  pw_text_make_utf8(output->bytes, output->size);
  output->bytes[output->size] = '\0';
  char prefix[PATH_SIZE + 1];
  snprintf(prefix, sizeof prefix, "%s/", folder);
  pw_text_remove(output->bytes, prefix);
  output->size = strlen(output->bytes);
}

static pw_ran run_in(pw_runner *runner, const pw_language *language, const char *folder, const char *program,
                     bool check, double seconds, pw_run *run) {
  const char *arguments[8 + PW_LANGUAGE_ARGUMENTS] = {
      "sh", "-c", limiter, "sh", folder, language->limit_address_space ? memory_limit : "0", program};
  const char *const *own = check ? language->check : language->invoke;
  for (int i = 0; i < PW_LANGUAGE_ARGUMENTS && own[i] != NULL; i++) arguments[7 + i] = own[i];
  char home[PATH_SIZE + 8], temporary[PATH_SIZE + 8], input[PATH_SIZE + 16];
  snprintf(home, sizeof home, "HOME=%s", folder);
  snprintf(temporary, sizeof temporary, "TMPDIR=%s", folder);
  snprintf(input, sizeof input, "%s/data.json", folder);
  char path[] = "PATH=/usr/local/bin:/usr/bin:/bin", language_setting[] = "LANG=C.UTF-8";
  char *environment[] = {path, language_setting, home, temporary, NULL};
  child made;
  if (!spawn(&made, (char *const *)arguments, environment, input)) return PW_RAN_FAILED;
  pw_ran ran = follow(runner, &made, monotonic() + (int64_t)(seconds * 1000), run);
  close(made.out);
  close(made.error);
  finish_output(&run->out, folder);
  finish_output(&run->error, folder);
  if (ran == PW_RAN && !check) run->result = read_result(folder);
  return ran;
}

pw_ran pw_runner_run(pw_runner *runner, const pw_language *language, const char *source, size_t size, const char *data,
                     double seconds, pw_run *run) {
  char program[PATH_SIZE], folder[PATH_SIZE];
  memset(run, 0, sizeof *run);
  if (!find_program(language->interpreter, program)) return PW_RAN_NO_PROGRAM;
  if (!make_folder(folder)) return PW_RAN_FAILED;
  bool check = data == NULL;
  bool ready = write_file(folder, language->source, source, size) &&
               write_file(folder, language->caller, language->caller_code, strlen(language->caller_code)) &&
               write_file(folder, "data.json", check ? "" : data, check ? 0 : strlen(data));
  pw_ran ran = ready ? run_in(runner, language, folder, program, check, seconds, run) : PW_RAN_FAILED;
  nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
  return ran;
}
