/* Many transfers on one curl multi handle. Knows curl, not Lua.
 *
 * An engine waits in one of two ways, chosen when it is opened: with poll(2) on its sockets, or, for a
 * host's loop, through one descriptor that carries every socket and the timers (see wait.h). It is not thread-safe:
 * one thread at a time. libcurl's global state is set up once per process, by whichever engine comes first. */
#ifndef PW_ENGINE_H
#define PW_ENGINE_H

#include <sys/types.h>

#include "queue.h"
#include "transfer.h"
#include "wait.h"

typedef struct pw_engine_options {
  pw_transfer_settings transfer; /* its strings must outlive the engine */
  long max_connections;          /* at least 1 */
  bool hosted;                   /* one descriptor for a host's loop */
  pw_allocator allocator;        /* for answers; `allocate` NULL for realloc(3) */
} pw_engine_options;

/* Since the engine was opened. */
typedef struct pw_engine_counts {
  int64_t started, finished, connections; /* transfers, transfers, connections opened */
  int64_t multiplexed;                    /* transfers that went over HTTP/2 or 3 */
  int64_t sent_bytes, received_bytes;
} pw_engine_counts;

/* An engine belongs to the process that opened it. */
typedef struct pw_engine {
  CURLM *multi; /* NULL when closed */
  pw_engine_options options;
  pid_t owner;
  int wakeup[2]; /* libcurl's own sockets, as far as they are known; else -1 */
  pw_wait wait;
  pw_queue active;            /* on the multi handle */
  pw_queue done;              /* finished, in that order, waiting to be taken */
  pw_queue idle;              /* ready for another exchange */
  int64_t curl_due, wake_due; /* hosted: monotonic microseconds at which to act; -1 for never */
  bool broken;                /* the multi handle failed and waits to be replaced; nothing is under way */
  bool several_processors;
  bool answers_soon; /* the last wait was a short one */
  bool starting;     /* in pw_engine_start, which sees to the timer itself */
  pw_engine_counts counts;
} pw_engine;

/* Opens an engine in zeroed memory, which must stay where it is until it is closed. On failure returns false, says why
 * in `*reason` (a static string; NULL: out of memory), and leaves nothing open. */
bool pw_engine_open(pw_engine *engine, const pw_engine_options *options, const char **reason);

/* Cancels everything and closes. Safe to call twice, and on zeroed memory. In a child process, after a fork, it closes
 * the inherited descriptors and nothing else: the connections are still the parent's. */
void pw_engine_close(pw_engine *engine);

/* Whether this process opened the engine. A child process may close it, cancel its transfers, and do nothing else. */
bool pw_engine_is_own(const pw_engine *engine);

/* The bytes that answers take, under way or kept for the next ones. */
size_t pw_engine_held(const pw_engine *engine);

/* Makes sure that a transfer is there for the next start, and returns it: until it is taken or cancelled, no other
 * exchange has the same address. NULL with `*reason` set when there is none (`*reason` NULL: out of memory). */
pw_transfer *pw_engine_reserve(pw_engine *engine, const char **reason);

/* Starts an exchange on the reserved transfer. On a kept connection the request goes out at once. False with `*reason`
 * set as above; the transfer is freed then. */
bool pw_engine_start(pw_engine *engine, const pw_request *request, const char **reason);

/* Waits up to `milliseconds` for something to happen and moves every transfer on. Comes back early when a transfer
 * is done or a signal came. Returns false with `*reason` set when the system can't wait. */
bool pw_engine_step(pw_engine *engine, int milliseconds, const char **reason);

/* Whether a transfer waits for memory; after every start and step it must be asked for, memory be made, and the
 * transfers be resumed. One that finds none even then ends as PW_FAILURE_MEMORY. */
bool pw_engine_starves(const pw_engine *engine);
void pw_engine_resume(pw_engine *engine);

/* How many of `milliseconds` (at least 0) a wait for this engine may last before it has to be stepped. */
int pw_engine_patience(const pw_engine *engine, int milliseconds);

/* Takes the next finished transfer, in the order of finishing; NULL when there is none. */
pw_transfer *pw_engine_take(pw_engine *engine);

/* Gives a taken transfer back for another use. */
void pw_engine_release(pw_engine *engine, pw_transfer *transfer);

/* Ends a transfer that is under way or finished; it goes back for another use. */
void pw_engine_cancel(pw_engine *engine, pw_transfer *transfer);

/* Hosted: makes the descriptor readable in `microseconds`, besides whatever else does; negative for never. */
void pw_engine_wake_in(pw_engine *engine, int64_t microseconds);

/* Waits up to `milliseconds` until one of the open engines has something to do; moves none of them on. `waits` is room
 * for `count` pointers. Comes back early when a signal came, and now and then for nothing. Returns false with `*reason`
 * set when it can't wait. */
bool pw_engine_wait_any(pw_engine *const *engines, pw_wait **waits, size_t count, int milliseconds,
                        const char **reason);

#endif
