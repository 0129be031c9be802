/* Latency and failures on demand. */
#ifndef PW_FAULTS_H
#define PW_FAULTS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum pw_fault_how {
  PW_FAULT_NONE,
  PW_FAULT_STATUS,      /* nothing is done; this status is answered */
  PW_FAULT_DROP_BEFORE, /* nothing is done; the connection closes */
  PW_FAULT_DROP_AFTER,  /* done; the connection closes without an answer */
  PW_FAULT_TRUNCATE,    /* done; half of the answer, then the connection closes */
  PW_FAULT_GARBAGE,     /* done; 200 with a body that is no JSON */
  PW_FAULT_SLOW         /* done; the answer comes late */
} pw_fault_how;

typedef struct pw_fault {
  pw_fault_how how;
  char operation[32];  /* or "*" */
  int64_t times;       /* how often yet; INT64_MAX for always */
  int64_t every, seen; /* each nth request only */
  int status;
  char retry_after[64]; /* "" for none */
  double seconds;
  char *body; /* NULL for the usual one */
  struct pw_fault *next;
} pw_fault;

typedef struct pw_faults {
  pthread_mutex_t lock;
  bool opened;
  double latency; /* seconds before each answer */
  pw_fault *first;
} pw_faults;

void pw_faults_open(pw_faults *faults);
void pw_faults_close(pw_faults *faults);

/* How a fault is called in Lua; PW_FAULT_NONE for a name that is none. */
pw_fault_how pw_fault_how_of(const char *name);

/* Adds a copy behind the others. False when memory is out. */
bool pw_faults_add(pw_faults *faults, const pw_fault *fault);
void pw_faults_clear(pw_faults *faults);
int64_t pw_faults_left(pw_faults *faults); /* those that have not come yet; endless ones not counted */
void pw_faults_set_latency(pw_faults *faults, double seconds);
double pw_faults_latency(pw_faults *faults);

/* Calls `each` with every fault that is left, in their order, with the lock held. */
void pw_faults_each(pw_faults *faults, void (*each)(void *context, const pw_fault *fault), void *context);
const char *pw_fault_how_name(pw_fault_how how);

/* What is to happen to this request: a copy whose body is the caller's to free. `how` is PW_FAULT_NONE for nothing. */
pw_fault pw_faults_take(pw_faults *faults, const char *operation);

#endif
