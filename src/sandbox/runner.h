/* Runs a version's code in a child process of its own group: bounded in time, memory and output, with an empty
 * environment and a temporary folder that goes with it. */
#ifndef PW_RUNNER_H
#define PW_RUNNER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "languages.h"

typedef struct pw_runner {
  pthread_mutex_t lock;
  bool closing; /* children still running are killed */
} pw_runner;

typedef enum pw_ran {
  PW_RAN,            /* the child ended by itself */
  PW_RAN_TIMED_OUT,  /* and was killed */
  PW_RAN_TOO_MUCH,   /* it wrote more than it may, and was killed */
  PW_RAN_NO_PROGRAM, /* the interpreter isn't on this machine */
  PW_RAN_FAILED      /* the machine refused: no memory, no processes, no temporary folder */
} pw_ran;

typedef struct pw_output {
  char *bytes; /* valid UTF-8 that ends with NUL, or NULL */
  size_t size, capacity;
} pw_output;

typedef struct pw_run {
  pw_output out, error; /* what it printed */
  char *result;         /* what the caller wrote to result.json, or NULL */
  int exit_code;        /* -1 when a signal ended it */
} pw_run;

void pw_runner_open(pw_runner *runner);
void pw_runner_stop(pw_runner *runner); /* runs under way come back at once */
void pw_runner_close(pw_runner *runner);

/* Checks the syntax (`data` NULL), or calls the handler with `data` as JSON. `run` is filled in every case; free it. */
pw_ran pw_runner_run(pw_runner *runner, const pw_language *language, const char *source, size_t size, const char *data,
                     double seconds, pw_run *run);
void pw_run_free(pw_run *run);

#endif
