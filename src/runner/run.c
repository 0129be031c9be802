#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "folder.h"
#include "jail.h"
#include "text.h"
#include "warden.h"

/* Milliseconds: how much longer than the script a warden may take; and how long to begin. */
enum { GRACE = 15000, READY = 10000 };

const pw_limits pw_limits_usual = {.seconds = 120,
                                   .memory = 512LL * 1024 * 1024,
                                   .files = 64LL * 1024 * 1024,
                                   .output = 8LL * 1024 * 1024,
                                   .processes = 64,
                                   .isolated = true};

static int64_t monotonic(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The system's own folders before whatever the environment names. */
bool pw_run_find_program(const char *name, char path[PW_PATH]) {
  const char *environment = getenv("PATH");
  char folders[4096];
  snprintf(folders, sizeof folders, "/usr/local/bin:/usr/bin:/bin:%s", environment != NULL ? environment : "");
  char *rest = folders;
  for (char *folder = strsep(&rest, ":"); folder != NULL; folder = strsep(&rest, ":")) {
    if (*folder != '/') continue;
    int size = snprintf(path, PW_PATH, "%s/%s", folder, name);
    if (size < PW_PATH && access(path, X_OK) == 0) return true;
  }
  return false;
}

static bool append(pw_output *output, const char *bytes, size_t size) {
  if (output->capacity - output->size < size + 1) {
    size_t capacity = (output->size + size + 1) * 2;
    char *grown = realloc(output->bytes, capacity);
    if (grown == NULL) return false;
    output->bytes = grown;
    output->capacity = capacity;
  }
  if (size > 0) memcpy(output->bytes + output->size, bytes, size);
  output->size += size;
  output->bytes[output->size] = '\0';
  return true;
}

static void tidy(pw_output *output, const char *folder) {
  if (output->bytes == NULL) return;
  pw_text_make_utf8(output->bytes, output->size);
  char prefix[PW_PATH + 1];
  snprintf(prefix, sizeof prefix, "%s/", folder);
  pw_text_remove(output->bytes, prefix);
  output->size = strlen(output->bytes);
}

/* The next part of the result, made valid text; NULL behind the last. */
static char *next_part(char **at, const char *end) {
  if (*at >= end) return NULL;
  char *part = *at;
  *at += strlen(part) + 1;
  pw_text_make_utf8(part, strlen(part));
  return part;
}

static void read_result(pw_run *run) {
  if (run->result.bytes == NULL) return;
  char *at = run->result.bytes;
  const char *end = at + run->result.size;
  const char *kind = next_part(&at, end);
  char *first = next_part(&at, end);
  if (kind == NULL || first == NULL) return;
  if (strcmp(kind, "answer") == 0) {
    run->answer = first;
    run->logs = at;
    while (next_part(&at, end) != NULL) run->log_count++;
  } else if (strcmp(kind, "raised") == 0) {
    run->line = (int)strtol(first, NULL, 10);
    char *raised = next_part(&at, end);
    if (raised != NULL && run->folder[0] != '\0') pw_text_remove(raised, run->folder);
    run->raised = raised != NULL ? raised : "";
  }
}

/* Where children are taken in by somebody else, or by nobody, there is none to wait for. */
static void reap_warden(pw_run *run) {
  while (waitpid(run->warden, NULL, 0) < 0 && errno == EINTR) continue;
  run->warden = 0;
}

static void stop_warden(pw_run *run) {
  kill(run->warden, SIGKILL);
  reap_warden(run);
}

static void finish(pw_run *run, pw_ran ran) {
  if (run->over) return;
  run->over = true;
  run->ran = ran;
  if (run->warden > 0) reap_warden(run);
  tidy(&run->out, run->folder);
  tidy(&run->error, run->folder);
  if (ran == PW_RAN) read_result(run);
}

/* The warden is gone without a word, or doesn't come to an end: whatever it left goes now. */
static void lose(pw_run *run) {
  if (run->warden > 0) stop_warden(run);
  finish(run, PW_RAN_FAILED);
  if (!run->isolated && run->folder[0] != '\0') pw_folder_remove(run->folder);
}

static bool take_report(pw_run *run, const pw_report *head, const char *bytes) {
  switch (head->kind) {
    case PW_REPORT_OUT: return append(&run->out, bytes, head->size);
    case PW_REPORT_ERROR: return append(&run->error, bytes, head->size);
    case PW_REPORT_RESULT: return append(&run->result, bytes, head->size);
    default: break;
  }
  pw_ending ending;
  memcpy(&ending, bytes, sizeof ending);
  run->exit_code = ending.exit_code;
  run->memory = ending.memory;
  run->seconds = (double)ending.microseconds / 1e6;
  finish(run, (pw_ran)ending.ran);
  return true;
}

/* Takes whole reports out of what has come. */
static bool take_reports(pw_run *run) {
  size_t at = 0;
  bool ok = true;
  while (ok && !run->over && run->incoming.size - at >= sizeof(pw_report)) {
    pw_report head;
    memcpy(&head, run->incoming.bytes + at, sizeof head);
    if (run->incoming.size - at - sizeof head < head.size) break;
    ok = take_report(run, &head, run->incoming.bytes + at + sizeof head);
    at += sizeof head + head.size;
  }
  if (run->incoming.size > at) memmove(run->incoming.bytes, run->incoming.bytes + at, run->incoming.size - at);
  run->incoming.size -= at;
  return ok;
}

bool pw_run_step(pw_run *run) {
  char bytes[16384];
  while (!run->over) {
    ssize_t got = recv(run->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      if (monotonic() > run->until) lose(run);
      break;
    }
    if (got <= 0 || !append(&run->incoming, bytes, (size_t)got) || !take_reports(run)) lose(run);
  }
  return run->over;
}

bool pw_run_wait(pw_run *run, double seconds, int stop) {
  int64_t deadline = monotonic() + (int64_t)((seconds < 1e9 ? seconds : 1e9) * 1000);
  while (!pw_run_step(run)) {
    int64_t left = (deadline < run->until ? deadline : run->until + 1) - monotonic();
    struct pollfd fds[2] = {{.fd = run->fd, .events = POLLIN}, {.fd = stop, .events = POLLIN}};
    if (left <= 0 && deadline <= monotonic()) return false;
    if (poll(fds, 2, left > 0 ? (int)(left < 60000 ? left : 60000) : 0) < 0 && errno != EINTR) return false;
    if (fds[1].revents != 0) return pw_run_step(run);
  }
  return true;
}

void pw_run_cancel(pw_run *run) {
  if (run->over || run->fd < 0) return;
  if (run->owner != getpid()) {
    run->over = true;
    run->ran = PW_RAN_CANCELLED;
    return;
  }
  shutdown(run->fd, SHUT_WR); /* the warden sees the end, ends all, and says so */
  if (!pw_run_wait(run, 10, -1)) lose(run);
  run->ran = PW_RAN_CANCELLED;
}

void pw_run_free(pw_run *run) {
  pw_run_cancel(run);
  if (run->fd >= 0) close(run->fd);
  free(run->incoming.bytes);
  free(run->out.bytes);
  free(run->error.bytes);
  free(run->result.bytes);
  memset(run, 0, sizeof *run);
  run->fd = -1;
  run->over = true;
}

/* Whether the warden has taken up its work. */
static bool is_ready(const pw_run *run) {
  pw_report head;
  struct pollfd news = {.fd = run->fd, .events = POLLIN};
  while (poll(&news, 1, READY) < 0 && errno == EINTR) continue;
  return recv(run->fd, &head, sizeof head, MSG_DONTWAIT) == (ssize_t)sizeof head && head.kind == PW_REPORT_READY;
}

static bool launch(pw_run *run, pw_order *order, bool isolated) {
  int ends[2], lock = -1;
  order->isolated = run->isolated = isolated;
  snprintf(order->folder, sizeof order->folder, "%s", PW_JAIL_FOLDER);
  if (!isolated && (lock = pw_folder_make(order->folder)) < 0) return false;
  memcpy(run->folder, order->folder, sizeof run->folder);
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0) {
    run->warden = fork();
    if (run->warden == 0) pw_warden_serve(order, ends[1], lock);
    close(ends[1]);
    run->fd = ends[0];
  }
  if (lock >= 0) close(lock);
  if (run->warden > 0 && is_ready(run)) return true;
  if (run->warden > 0) stop_warden(run);
  if (run->fd >= 0) close(run->fd);
  run->fd = -1;
  if (!isolated) pw_folder_remove(order->folder);
  return false;
}

bool pw_run_start(pw_run *run, const pw_language *language, pw_run_what what, const char *source, size_t size,
                  const char *data, const pw_limits *limits) {
  const char *version[] = {language->version, NULL};
  memset(run, 0, sizeof *run);
  run->fd = -1;
  run->owner = getpid();
  run->exit_code = -1;
  run->language = language;
  run->limits = *limits;
  pw_order *order = calloc(1, sizeof *order); /* the warden works with a copy, its own since the fork */
  pw_ran problem = PW_RAN_FAILED;
  if (order != NULL) {
    order->language = language;
    order->arguments = what == PW_RUN_CHECK ? language->check : what == PW_RUN_INVOKE ? language->invoke : version;
    order->source = what != PW_RUN_VERSION ? source : NULL;
    order->source_size = size;
    order->data = what == PW_RUN_INVOKE ? data : NULL;
    order->limits = *limits;
    run->until = monotonic() + (int64_t)(limits->seconds * 1000) + GRACE;
    bool found = pw_run_find_program(language->interpreter, order->program);
    problem = !found                                                                        ? PW_RAN_NO_PROGRAM
              : (limits->isolated && launch(run, order, true)) || launch(run, order, false) ? PW_RAN
                                                                                            : PW_RAN_FAILED;
  }
  free(order);
  if (problem == PW_RAN) return true;
  run->warden = 0;
  finish(run, problem);
  return false;
}

int pw_run_line(const pw_language *language, const char *text) {
  char place[32];
  snprintf(place, sizeof place, "%s:", language->source);
  if (text == NULL) return 0;
  const char *found = strstr(text, place);
  int line = found != NULL ? (int)strtol(found + strlen(place), NULL, 10) : 0;
  if (line > 0) return line;
  found = strstr(text, "line ");
  return found != NULL ? (int)strtol(found + 5, NULL, 10) : 0;
}
