#include "warden.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "confine.h"
#include "folder.h"
#include "jail.h"
#include "tree.h"

/* How often the tree is looked at, in microseconds; and never for more than a twentieth of the time. */
enum { LOOK = 20000, SHARE = 20, PIECE = 16 * 1024 };

/* One process with what it starts: what builds, or what calls the handler. */
typedef struct phase {
  const char *program;
  const char *arguments[PW_LANGUAGE_ARGUMENTS + 2];
  const char *input; /* a file's name, or a path */
  const pw_limits *limits;
} phase;

typedef struct warden {
  const pw_order *order;
  phase phase;
  int socket;
  uid_t user;   /* the script's */
  int pipes[2]; /* what it prints, and its errors; -1 when they have ended */
  pid_t script;
  bool ended;
  int status;
  int64_t began, next_look; /* monotonic microseconds */
  pw_ran ran;
  int64_t printed, peak;
  char piece[sizeof(pw_report) + PIECE]; /* what waits to be sent */
  size_t size, sent;
} warden;

static int64_t monotonic(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Sends what waits, as far as there is room; all of it when it may wait. False when nobody is there any more. */
static bool send_piece(warden *w, bool wait) {
  while (w->sent < w->size) {
    ssize_t sent = send(w->socket, w->piece + w->sent, w->size - w->sent, wait ? 0 : MSG_DONTWAIT);
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return true;
    if (sent < 0 && errno != EINTR) return false;
    if (sent > 0) w->sent += (size_t)sent;
  }
  w->size = w->sent = 0;
  return true;
}

/* Makes a piece of what can be read now. False at the end. */
static bool read_piece(warden *w, int fd, pw_report_kind kind) {
  ssize_t got = read(fd, w->piece + sizeof(pw_report), PIECE);
  if (got <= 0) return got < 0 && (errno == EINTR || errno == EAGAIN);
  pw_report head = {.kind = (uint32_t)kind, .size = (uint32_t)got};
  memcpy(w->piece, &head, sizeof head);
  w->size = sizeof head + (size_t)got;
  w->sent = 0;
  return true;
}

static void report(warden *w, pw_report_kind kind, const void *bytes, size_t size) {
  pw_report head = {.kind = (uint32_t)kind, .size = (uint32_t)size};
  memcpy(w->piece, &head, sizeof head);
  memcpy(w->piece + sizeof head, bytes, size);
  w->size = sizeof head + size;
  w->sent = 0;
  send_piece(w, true);
}

_Noreturn static void become_interpreter(const warden *w, pid_t parent, const int out[2], const int error[2]) {
  char home[PW_PATH + 8], temporary[PW_PATH + 8];
  snprintf(home, sizeof home, "HOME=%s", w->order->folder);
  snprintf(temporary, sizeof temporary, "TMPDIR=%s", w->order->folder);
  char path[] = "PATH=/usr/local/bin:/usr/bin:/bin", language[] = "LANG=C.UTF-8";
  char *environment[] = {path, language, home, temporary, NULL};
  int input = -1;
  if (chdir(w->order->folder) == 0) input = open(w->phase.input, O_RDONLY);
  if (input >= 0 && dup2(input, 0) == 0 && dup2(out[1], 1) == 1 && dup2(error[1], 2) == 2) {
    close(input);
    if (pw_confine_script(w->order->language, w->phase.limits, w->user, parent)) {
      execve(w->phase.program, (char *const *)w->phase.arguments, environment);
    }
  }
  dprintf(2, "%s can't be started: %s\n", w->phase.program, strerror(errno));
  _exit(127);
}

static bool start(warden *w) {
  int out[2], error[2];
  if (pipe2(out, O_CLOEXEC) != 0 || pipe2(error, O_CLOEXEC) != 0) return false;
  w->user = pw_confine_give(w->order->folder, w->user);
  pid_t self = getpid();
  w->script = pw_confine_fork();
  if (w->script == 0) become_interpreter(w, self, out, error);
  close(out[1]);
  close(error[1]);
  w->pipes[0] = out[0];
  w->pipes[1] = error[0];
  for (int i = 0; i < 2; i++) fcntl(w->pipes[i], F_SETFL, O_NONBLOCK);
  return w->script > 0;
}

/* What the builder, or the interpreter, finds in its folder. */
static bool fill(const pw_order *order) {
  const pw_language *language = order->language;
  if (order->source == NULL) return true;
  return pw_folder_write(order->folder, language->source, order->source, order->source_size, 0644) &&
         pw_folder_write(order->folder, language->caller, language->caller_code, strlen(language->caller_code), 0644);
}

/* What was built, into an empty folder. */
static bool fill_built(const pw_order *order) {
  const char *at = order->built.bytes, *end = at + order->built.size;
  for (int i = 0; i < PW_LANGUAGE_PRODUCTS && order->tool->products[i] != NULL; i++) {
    int64_t size;
    if (end - at < (ptrdiff_t)sizeof size) return false;
    memcpy(&size, at, sizeof size);
    at += sizeof size;
    if (end - at < size || !pw_folder_write(order->folder, order->tool->products[i], at, (size_t)size, 0755))
      return false;
    at += size;
  }
  return true;
}

/* Those of its descendants that have ended, and the interpreter. */
static void reap(warden *w) {
  int status;
  for (pid_t pid = waitpid(-1, &status, WNOHANG); pid > 0; pid = waitpid(-1, &status, WNOHANG)) {
    if (pid != w->script) continue;
    w->ended = true;
    w->status = status;
  }
}

static void look(warden *w) {
  const pw_limits *limits = w->phase.limits;
  int64_t now = monotonic();
  if (now - w->began > (int64_t)(limits->seconds * 1e6)) w->ran = PW_RAN_TIMED_OUT;
  if (now < w->next_look || w->ran != PW_RAN) return;
  pw_tree tree;
  pw_tree_look(&tree, false);
  if (tree.memory > limits->memory) pw_tree_look(&tree, true);
  if (tree.memory > w->peak) w->peak = tree.memory;
  if (tree.memory > limits->memory) w->ran = PW_RAN_MEMORY;
  if (tree.count > limits->processes) w->ran = PW_RAN_PROCESSES;
  if (pw_folder_usage(w->order->folder) > limits->files) w->ran = PW_RAN_FILES;
  int64_t took = monotonic() - now;
  w->next_look = now + (took * SHARE > LOOK ? took * SHARE : LOOK);
}

/* Sends on what the script prints. `fds` are polled: the socket, and the pipes. False when nobody listens any more. */
static bool pass_on(warden *w, const struct pollfd fds[3]) {
  if (!send_piece(w, false)) return false;
  for (int i = 0; i < 2; i++) {
    if (w->size > 0 || w->pipes[i] < 0 || fds[i + 1].revents == 0) continue;
    if (!read_piece(w, w->pipes[i], i == 0 ? PW_REPORT_OUT : PW_REPORT_ERROR)) {
      close(w->pipes[i]);
      w->pipes[i] = -1;
      continue;
    }
    if (w->size > 0) w->printed += (int64_t)(w->size - sizeof(pw_report));
    if (w->printed > w->phase.limits->output) w->ran = PW_RAN_TOO_MUCH;
    if (!send_piece(w, false)) return false;
  }
  return true;
}

/* Until the interpreter has ended or has to: a child of its that holds the pipes open is not waited for. */
static bool follow(warden *w) {
  while (!w->ended && w->ran == PW_RAN) {
    struct pollfd fds[3] = {{.fd = w->socket, .events = (short)(POLLIN | (w->size > 0 ? POLLOUT : 0))},
                            {.fd = w->size > 0 ? -1 : w->pipes[0], .events = POLLIN},
                            {.fd = w->size > 0 ? -1 : w->pipes[1], .events = POLLIN}};
    bool quiet = w->pipes[0] < 0 && w->pipes[1] < 0;
    int ready = poll(fds, 3, quiet ? 1 : LOOK / 1000);
    if (ready > 0 && (fds[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0) return false;
    if (ready > 0 && !pass_on(w, fds)) return false;
    reap(w);
    look(w);
  }
  return true;
}

/* What it had printed when it ended. */
static void drain(warden *w) {
  send_piece(w, true);
  for (int i = 0; i < 2; i++) {
    while (w->pipes[i] >= 0 && w->printed <= w->phase.limits->output) {
      if (!read_piece(w, w->pipes[i], i == 0 ? PW_REPORT_OUT : PW_REPORT_ERROR) || w->size == 0) break;
      w->printed += (int64_t)(w->size - sizeof(pw_report));
      if (!send_piece(w, true)) return;
    }
  }
}

static void send_result(warden *w) {
  char path[PW_PATH + 8];
  struct stat about;
  snprintf(path, sizeof path, "%s/result", w->order->folder);
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return;
  if (fstat(fd, &about) == 0 && S_ISREG(about.st_mode)) {
    if (about.st_size > w->phase.limits->output) w->ran = PW_RAN_TOO_MUCH;
    while (w->ran == PW_RAN && read_piece(w, fd, PW_REPORT_RESULT) && w->size > 0 && send_piece(w, true)) continue;
  }
  close(fd);
}

/* Runs the phase to its end. False when that wasn't a good one, or nobody listens any more. */
static bool run_phase(warden *w) {
  w->began = monotonic();
  w->next_look = w->printed = w->peak = 0;
  w->ended = false;
  if (!start(w)) {
    w->ran = PW_RAN_FAILED;
    return false;
  }
  bool heard = follow(w);
  pw_tree_kill(w->script);
  if (!heard) w->ran = PW_RAN_CANCELLED;
  if (heard) drain(w);
  for (int i = 0; i < 2; i++) {
    if (w->pipes[i] >= 0) close(w->pipes[i]);
    w->pipes[i] = -1;
  }
  if (w->ran == PW_RAN && pw_folder_usage(w->order->folder) > w->phase.limits->files) w->ran = PW_RAN_FILES;
  return w->ran == PW_RAN;
}

/* Makes room for more behind what was built: mapped, see names.h. */
static bool make_room(pw_output *built, size_t more) {
  char *larger = mmap(NULL, built->size + more, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (larger == MAP_FAILED) return false;
  if (built->size > 0) {
    memcpy(larger, built->bytes, built->size);
    munmap(built->bytes, built->size);
  }
  built->bytes = larger;
  return true;
}

/* Adds one product, behind its size, to what was built. */
static bool take_product(pw_order *order, const char *name) {
  char path[PW_PATH + 32];
  struct stat about;
  snprintf(path, sizeof path, "%s/%s", order->folder, name);
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  int64_t size = fd >= 0 && fstat(fd, &about) == 0 && S_ISREG(about.st_mode) ? (int64_t)about.st_size : -1;
  pw_output *built = &order->built;
  bool ok = size >= 0 && size <= order->limits.files && make_room(built, sizeof size + (size_t)size);
  if (ok) {
    memcpy(built->bytes + built->size, &size, sizeof size);
    built->size += sizeof size;
  }
  for (int64_t done = 0; ok && done < size;) {
    ssize_t got = read(fd, built->bytes + built->size, (size_t)(size - done));
    ok = got > 0 || (got < 0 && errno == EINTR);
    if (got > 0) built->size += (size_t)got, done += got;
  }
  if (fd >= 0) close(fd);
  return ok;
}

static bool take_products(warden *w, pw_order *order) {
  for (int i = 0; i < PW_LANGUAGE_PRODUCTS && order->tool->products[i] != NULL; i++) {
    if (!take_product(order, order->tool->products[i])) return false;
  }
  for (size_t sent = 0; sent < order->built.size;) {
    size_t size = order->built.size - sent < PIECE ? order->built.size - sent : PIECE;
    report(w, PW_REPORT_BUILT, order->built.bytes + sent, size);
    sent += size;
  }
  report(w, PW_REPORT_BUILT_ALL, "", 0);
  return true;
}

static void set_shell(warden *w, const char *code, const pw_limits *limits) {
  w->phase = (phase){.program = "/bin/sh",
                     .arguments = {"sh", "-ec", code, "sh", w->order->program, w->order->version, NULL},
                     .input = "/dev/null",
                     .limits = limits};
}

/* True when the script is built, and its folder empty again. */
static bool build(warden *w, pw_order *order) {
  set_shell(w, order->tool->build, &pw_limits_build);
  if (!run_phase(w)) return false;
  if (!WIFEXITED(w->status) || WEXITSTATUS(w->status) != 0) return false;
  if (!take_products(w, order)) w->ran = PW_RAN_FAILED;
  pw_folder_empty(order->folder);
  if (order->isolated && !pw_jail_resize(&order->limits)) w->ran = PW_RAN_FAILED;
  return w->ran == PW_RAN;
}

static void watch(warden *w, pw_order *order) {
  bool is_built = order->source != NULL && order->tool->build != NULL;
  if (is_built && order->builds && !(fill(order) && build(w, order))) {
    if (w->began == 0) w->ran = PW_RAN_FAILED;
    return;
  }
  if (is_built && order->data == NULL) return; /* that was the check */
  bool filled = is_built ? fill_built(order) : fill(order);
  if (filled && order->data != NULL) {
    filled = pw_folder_write(order->folder, "data.json", order->data, strlen(order->data), 0644);
  }
  if (!filled) {
    w->ran = PW_RAN_FAILED;
    return;
  }
  if (is_built) {
    set_shell(w, order->tool->run, &order->limits);
  } else {
    w->phase = (phase){.program = order->program, .arguments = {order->tool->program}, .limits = &order->limits};
    for (int i = 0; i < PW_LANGUAGE_ARGUMENTS && order->arguments[i] != NULL; i++) {
      w->phase.arguments[i + 1] = order->arguments[i];
    }
  }
  w->phase.input = order->data != NULL ? "data.json" : "/dev/null";
  if (run_phase(w)) send_result(w);
}

/* Goes on as the first process of new namespaces; the one outside only waits for it. */
static void isolate(pw_order *order, int socket) {
  if (!pw_jail_enter()) _exit(1);
  pid_t inside = pw_confine_fork();
  if (inside != 0) {
    close(socket);
    while (inside > 0 && waitpid(inside, NULL, 0) < 0 && errno == EINTR) continue;
    _exit(0);
  }
  const pw_limits *largest = order->builds ? &pw_limits_build : &order->limits;
  if (!pw_jail_build(largest, order->program)) _exit(1);
}

_Noreturn void pw_warden_serve(pw_order *order, int socket, int lock) {
  pw_confine_warden(&socket, &lock);
  uid_t user = pw_confine_user(order->isolated ? NULL : order->program);
  if (order->isolated) isolate(order, socket);
  static warden self; /* of this process alone */
  warden *w = &self;
  *w = (warden){.order = order, .socket = socket, .user = user, .pipes = {-1, -1}};
  report(w, PW_REPORT_READY, "", 0);
  watch(w, order);
  if (!order->isolated) pw_folder_remove(order->folder);
  if (!order->isolated && w->user != geteuid()) pw_folder_remove_of(w->user);
  pw_ending ending = {.ran = (int32_t)w->ran,
                      .exit_code = w->ended && WIFEXITED(w->status) ? WEXITSTATUS(w->status) : -1,
                      .memory = w->peak,
                      .microseconds = monotonic() - w->began};
  report(w, PW_REPORT_END, &ending, sizeof ending);
  _exit(0);
}
