/* The scripts that run: so many at once, the others wait; all end when the sandbox closes. */
#ifndef PW_SCRIPTS_H
#define PW_SCRIPTS_H

#include <pthread.h>

#include "../runner/run.h"

typedef struct pw_scripts {
  pthread_mutex_t lock;
  pthread_cond_t turn;
  int stop[2]; /* a pipe that is readable when the sandbox closes */
  int running, most;
  bool opened, closing;
} pw_scripts;

/* False when the machine has no descriptors left. */
bool pw_scripts_open(pw_scripts *scripts, int most);
void pw_scripts_stop(pw_scripts *scripts); /* those under way come back at once */
void pw_scripts_close(pw_scripts *scripts);

/* Waits for its turn and runs a script to its end (see pw_run_start); free `run` in every case. */
void pw_scripts_run(pw_scripts *scripts, pw_run *run, const pw_code *code, const char *data, double seconds);

/* Waits so many seconds. False when the sandbox closes. */
bool pw_scripts_sleep(pw_scripts *scripts, double seconds);

#endif
