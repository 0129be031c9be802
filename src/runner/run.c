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

#include "built.h"
#include "folder.h"
#include "jail.h"
#include "text.h"
#include "tools.h"
#include "warden.h"

/* Milliseconds: how much longer than the script a warden may take; and how long to begin. */
enum { GRACE = 15000, READY = 10000, ASK = 10 };

const pw_limits pw_limits_usual = {.seconds = 120,
                                   .memory = 512LL * 1024 * 1024,
                                   .files = 64LL * 1024 * 1024,
                                   .file = 16LL * 1024 * 1024,
                                   .output = 8LL * 1024 * 1024,
                                   .processes = 64,
                                   .isolated = true};

const pw_limits pw_limits_build = {.seconds = 120,
                                   .memory = 2048LL * 1024 * 1024,
                                   .files = 512LL * 1024 * 1024,
                                   .file = 64LL * 1024 * 1024,
                                   .output = 8LL * 1024 * 1024,
                                   .processes = 256,
                                   .isolated = true};

static int64_t monotonic(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
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

static void remove_folder(char *text, const char *folder) {
  char prefix[PW_PATH + 1];
  snprintf(prefix, sizeof prefix, "%s/", folder);
  pw_text_remove(text, prefix);
}

static void tidy(pw_output *output, const char *folder) {
  if (output->bytes == NULL) return;
  pw_text_make_utf8(output->bytes, output->size);
  remove_folder(output->bytes, folder);
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
    if (raised != NULL) remove_folder(raised, run->folder);
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

/* A script that can't be built fails as one that is no script of an interpreter's does, when it is called. */
static void judge_build(pw_run *run) {
  if (!run->building || run->checks || run->exit_code == 0) return;
  run->raised = pw_run_said(run);
  run->line = pw_run_line(run->language, run->raised);
}

static void finish(pw_run *run, pw_ran ran) {
  if (run->over) return;
  run->over = true;
  run->ran = ran;
  if (run->warden > 0) reap_warden(run);
  tidy(&run->out, run->folder);
  tidy(&run->error, run->folder);
  if (ran == PW_RAN) judge_build(run);
  if (ran == PW_RAN) read_result(run);
}

/* The warden is gone without a word, or doesn't come to an end: whatever it left goes now. */
static void lose(pw_run *run) {
  if (run->warden > 0) stop_warden(run);
  finish(run, PW_RAN_FAILED);
  if (!run->isolated && run->folder[0] != '\0') pw_folder_remove(run->folder);
}

/* One that its interpreter found good is good the next time too. */
static void remember_check(pw_run *run) {
  if (!run->checks || run->building || run->exit_code != 0 || run->key.bytes == NULL) return;
  pw_output nothing = {0};
  if (append(&nothing, "", 1)) pw_built_keep(&run->key, &nothing);
}

static bool take_report(pw_run *run, const pw_report *head, const char *bytes) {
  switch (head->kind) {
    case PW_REPORT_OUT: return append(&run->out, bytes, head->size);
    case PW_REPORT_ERROR: return append(&run->error, bytes, head->size);
    case PW_REPORT_RESULT: return append(&run->result, bytes, head->size);
    case PW_REPORT_BUILT: return append(&run->built, bytes, head->size);
    case PW_REPORT_BUILT_ALL:
      /* What the builder had to say was nothing then. */
      free(run->out.bytes);
      free(run->error.bytes);
      memset(&run->out, 0, sizeof run->out);
      memset(&run->error, 0, sizeof run->error);
      run->building = false;
      pw_built_keep(&run->key, &run->built);
      return true;
    default: break;
  }
  pw_ending ending;
  memcpy(&ending, bytes, sizeof ending);
  run->exit_code = ending.exit_code;
  run->memory = ending.memory;
  run->seconds = (double)ending.microseconds / 1e6;
  finish(run, (pw_ran)ending.ran);
  if (run->ran == PW_RAN) remember_check(run);
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
  free(run->key.bytes);
  free(run->built.bytes);
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

static bool begin(pw_run *run, pw_order *order) {
  return (run->limits.isolated && launch(run, order, true)) || launch(run, order, false);
}

static void prepare(pw_run *run, const pw_language *language, const pw_limits *limits) {
  memset(run, 0, sizeof *run);
  run->fd = -1;
  run->owner = getpid();
  run->exit_code = -1;
  run->language = language;
  run->limits = *limits;
}

/* What was built of it, or that it is to be built; of one that isn't, whether it was checked. */
static bool look_for_built(pw_run *run, pw_order *order, bool *found) {
  bool builds = order->tool->build != NULL;
  if (!builds && !run->checks) return true;
  if (!append(&run->key, order->program, strlen(order->program) + 1) ||
      !append(&run->key, run->version, strlen(run->version) + 1) ||
      !append(&run->key, order->source, order->source_size)) {
    return false;
  }
  *found = pw_built_find(&run->key, &order->built);
  run->building = order->builds = builds && !*found;
  return true;
}

static void give_up(pw_run *run, pw_ran problem) {
  run->warden = 0;
  finish(run, problem);
}

bool pw_run_start(pw_run *run, const pw_code *code, const char *data, const pw_limits *limits) {
  pw_place place;
  prepare(run, code->language, limits);
  memcpy(run->version, code->version, sizeof run->version);
  run->checks = data == NULL;
  pw_ran problem = PW_RAN_FAILED;
  pw_order *order = calloc(1, sizeof *order); /* the warden works with a copy, its own since the fork */
  if (order != NULL && !pw_tools_find(code->language, code->version, &place)) {
    problem = PW_RAN_NO_PROGRAM;
  } else if (order != NULL) {
    *order = (pw_order){.language = code->language,
                        .tool = place.tool,
                        .version = run->version,
                        .arguments = data == NULL ? place.tool->check : place.tool->invoke,
                        .source = code->source,
                        .source_size = code->size,
                        .data = data,
                        .limits = *limits};
    memcpy(order->program, place.path, sizeof order->program);
    run->until = monotonic() + (int64_t)(pw_run_longest(code->language, limits->seconds) * 1000) + GRACE;
    bool found = false, looked = look_for_built(run, order, &found);
    bool over = found && run->checks; /* built or checked before: it is good */
    if (over) run->exit_code = 0;
    if (over || (looked && begin(run, order))) problem = PW_RAN;
    free(order->built.bytes);
    if (over) give_up(run, PW_RAN);
  }
  free(order);
  if (problem != PW_RAN) give_up(run, problem);
  return problem == PW_RAN;
}

bool pw_run_ask(pw_run *run, const pw_language *language, const pw_place *place) {
  const char *arguments[] = {place->tool->version, NULL};
  pw_limits limits = pw_limits_usual;
  limits.seconds = ASK;
  prepare(run, language, &limits);
  pw_order *order = calloc(1, sizeof *order);
  bool begun = false;
  if (order != NULL) {
    *order = (pw_order){.language = language, .tool = place->tool, .arguments = arguments, .limits = limits};
    memcpy(order->program, place->path, sizeof order->program);
    run->until = monotonic() + (int64_t)ASK * 1000 + GRACE;
    begun = begin(run, order);
  }
  free(order);
  if (!begun) give_up(run, PW_RAN_FAILED);
  return begun && pw_run_wait(run, ASK, -1);
}

double pw_run_longest(const pw_language *language, double seconds) {
  return seconds + (language->tools->build != NULL ? pw_limits_build.seconds : 0);
}

const char *pw_run_said(pw_run *run) {
  pw_output *said = run->error.size > 0 ? &run->error : &run->out;
  if (said->bytes == NULL) return "";
  while (said->size > 0 && strchr(" \r\n", said->bytes[said->size - 1]) != NULL) said->bytes[--said->size] = '\0';
  return said->bytes;
}

int pw_run_line(const pw_language *language, const char *text) {
  if (text == NULL) return 0;
  size_t size = strlen(language->source);
  const char *found = strstr(text, language->source);
  for (; found != NULL; found = strstr(found + size, language->source)) {
    int line = found[size] == ':' || found[size] == '(' ? (int)strtol(found + size + 1, NULL, 10) : 0;
    if (line > 0) return line;
  }
  found = strstr(text, "line ");
  return found != NULL ? (int)strtol(found + 5, NULL, 10) : 0;
}
