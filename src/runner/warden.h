/* The process that watches one run: it prepares the folder, starts the interpreter, sends on what the script prints,
 * holds the tree of its processes to the limits, and leaves nothing of it. It ends when the other end of its socket is
 * closed, and so never outlives whoever started it. */
#ifndef PW_WARDEN_H
#define PW_WARDEN_H

#include "run.h"

typedef struct pw_order {
  const pw_language *language;
  const pw_tool *tool;
  const char *version;          /* for what builds: the one that is asked for */
  const char *const *arguments; /* of the interpreter, NULL-terminated */
  const char *source, *data;    /* of the files that they are written to; NULL for none */
  size_t source_size;
  char program[PW_PATH], folder[PW_PATH];
  bool isolated;   /* in namespaces of its own; else in this folder */
  bool builds;     /* the script is to be built first */
  pw_output built; /* what was built before: of each product its size, eight bytes, and its bytes */
  pw_limits limits;
} pw_order;

/* What comes through the socket: a head, and so many bytes. */
typedef enum pw_report_kind {
  PW_REPORT_READY = 1,
  PW_REPORT_OUT,
  PW_REPORT_ERROR,
  PW_REPORT_RESULT,
  PW_REPORT_BUILT,     /* what was built */
  PW_REPORT_BUILT_ALL, /* that was all of it */
  PW_REPORT_END
} pw_report_kind;
typedef struct pw_report {
  uint32_t kind, size;
} pw_report;

/* The last thing that comes, behind PW_REPORT_END. */
typedef struct pw_ending {
  int32_t ran, exit_code;
  int64_t memory, microseconds;
} pw_ending;

/* Does all that in a process that was forked for it, and never returns; its first word is PW_REPORT_READY, or it ends
 * without one when it can't be isolated as ordered. `lock` is a descriptor that says as long as it
 * is open that the folder is in use; -1 for none. Nothing on its way allocates: see names.h. */
_Noreturn void pw_warden_serve(pw_order *order, int socket, int lock);

#endif
