/* Runs a script by the handler contract: in a process tree of its own that is bounded as a whole in time, memory,
 * processes, files and output, with an empty environment and a folder that goes with it.
 *
 * Each run has a process that watches it, the warden (warden.h), which ends with the run or with this process, whatever
 * happens first, and takes the script's whole tree along. What it has to say comes through one socket, so that many
 * runs may go on at once in one thread. Knows neither Lua nor HTTP nor SQLite. */
#ifndef PW_RUN_H
#define PW_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "languages.h"

enum { PW_PATH = 512 };

/* What the whole tree of a run may use. */
typedef struct pw_limits {
  double seconds;
  int64_t memory; /* bytes, of all its processes */
  int64_t files;  /* bytes, of all it writes to its folder */
  int64_t file;   /* bytes, of one of them */
  int64_t output; /* bytes, printed; and as many for its answer */
  int processes;  /* and threads, at once */
  bool isolated;  /* in namespaces of its own, where the system allows it */
} pw_limits;

extern const pw_limits pw_limits_usual; /* the service's: 120 s, 512 MB; 64 MB of files, 8 MB of output, 64 processes */
extern const pw_limits pw_limits_build; /* for what builds a script, where one is built: 120 s, 2 GB */

typedef enum pw_ran {
  PW_RAN,            /* the script ended by itself */
  PW_RAN_TIMED_OUT,  /* this one, and those below, were stopped */
  PW_RAN_TOO_MUCH,   /* it printed more than it may */
  PW_RAN_MEMORY,     /* its processes used more memory than they may */
  PW_RAN_PROCESSES,  /* they were more than they may be */
  PW_RAN_FILES,      /* they wrote more than they may */
  PW_RAN_CANCELLED,  /* by pw_run_cancel */
  PW_RAN_NO_PROGRAM, /* the interpreter isn't on this machine */
  PW_RAN_FAILED      /* the machine refused: no memory, no processes, no temporary folder */
} pw_ran;

/* A script's code, and what it is written in. */
typedef struct pw_code {
  const pw_language *language;
  char version[PW_VERSION]; /* the one that is asked for; "" for any */
  const char *source;
  size_t size;
} pw_code;

struct pw_place;

typedef struct pw_output {
  char *bytes; /* valid UTF-8 that ends with NUL, or NULL */
  size_t size, capacity;
} pw_output;

typedef struct pw_run {
  const pw_language *language;
  pw_limits limits;
  pid_t owner;   /* who started it: after a fork a child leaves it alone */
  pid_t warden;  /* 0 when there is none */
  int fd;        /* readable when there is something to take in; -1 when it never began; open until it is freed */
  bool isolated; /* in namespaces of its own */
  bool checks;   /* its handler isn't called */
  bool building; /* the script isn't built yet: what came of it, and its output, are the builder's */
  int64_t until; /* the warden is lost when it hasn't ended by then; monotonic milliseconds */
  char version[PW_VERSION]; /* that was asked for */
  char folder[PW_PATH];     /* on this machine's disk when it isn't; "" for none */
  pw_output incoming;
  pw_output key, built; /* what is built, and of what (built.h) */

  /* Once it is over: */
  bool over;
  pw_ran ran;
  int exit_code;        /* -1 when a signal ended it */
  double seconds;       /* how long it took */
  int64_t memory;       /* bytes: the most that was seen at once */
  pw_output out, error; /* what it printed */
  pw_output result;     /* what the caller wrote (languages.c) */
  const char *answer;   /* JSON, in `result`; NULL when there is none */
  const char *raised;   /* what was raised, in `result`; NULL for nothing */
  int line;             /* of the script, where it was raised; 0 where that isn't known */
  const char *logs;     /* the answer's log entries in `result`, each with NUL behind */
  int log_count;
} pw_run;

/* Starts to call the handler with `data` as JSON, or, where that is NULL, to check the code. Code of a language that is
 * built is built first, unless it was lately; that takes time and memory of its own (pw_limits_build). False when it
 * failed at once: then the run is over and `ran` says why. Fills `run` in every case; free it. */
bool pw_run_start(pw_run *run, const pw_code *code, const char *data, const pw_limits *limits);

/* Asks a program for its version, and waits for what it says. */
bool pw_run_ask(pw_run *run, const pw_language *language, const struct pw_place *place);

/* Takes in what has come, without waiting. True when the run is over. */
bool pw_run_step(pw_run *run);

/* Steps until the run is over or so many seconds have passed, or `stop` (a descriptor, or -1) is readable. True when it
 * is over. */
bool pw_run_wait(pw_run *run, double seconds, int stop);

/* Ends it, and waits until nothing of it is left. */
void pw_run_cancel(pw_run *run);
void pw_run_free(pw_run *run); /* cancels it first */

/* How long a run may take that has so many seconds, what builds it included. */
double pw_run_longest(const pw_language *language, double seconds);

/* What a checker or a compiler has said: the errors, else the output, its end trimmed; "" for nothing. */
const char *pw_run_said(pw_run *run);

/* The script's line that a checker names in what it printed; 0 when it names none. */
int pw_run_line(const pw_language *language, const char *text);

#endif
