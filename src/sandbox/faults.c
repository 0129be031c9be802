#include "faults.h"

#include <stdlib.h>
#include <string.h>

#include "../runner/text.h"

void pw_faults_open(pw_faults *faults) {
  pthread_mutex_init(&faults->lock, NULL);
  faults->opened = true;
}

void pw_faults_close(pw_faults *faults) {
  if (!faults->opened) return;
  pw_faults_clear(faults);
  pthread_mutex_destroy(&faults->lock);
  memset(faults, 0, sizeof *faults);
}

static const char *const names[] = {"", "status", "drop_before", "drop_after", "truncate", "garbage", "slow"};

const char *pw_fault_how_name(pw_fault_how how) { return names[how]; }

pw_fault_how pw_fault_how_of(const char *name) {
  for (int how = PW_FAULT_STATUS; how <= PW_FAULT_SLOW; how++) {
    if (strcmp(names[how], name) == 0) return (pw_fault_how)how;
  }
  return PW_FAULT_NONE;
}

bool pw_faults_add(pw_faults *faults, const pw_fault *fault) {
  pw_fault *copy = malloc(sizeof *copy);
  if (copy == NULL) return false;
  *copy = *fault;
  copy->next = NULL;
  copy->body = fault->body != NULL ? pw_text_copy(fault->body, strlen(fault->body)) : NULL;
  if (fault->body != NULL && copy->body == NULL) {
    free(copy);
    return false;
  }
  pthread_mutex_lock(&faults->lock);
  pw_fault **end = &faults->first;
  while (*end != NULL) end = &(*end)->next;
  *end = copy;
  pthread_mutex_unlock(&faults->lock);
  return true;
}

void pw_faults_clear(pw_faults *faults) {
  pthread_mutex_lock(&faults->lock);
  while (faults->first != NULL) {
    pw_fault *fault = faults->first;
    faults->first = fault->next;
    free(fault->body);
    free(fault);
  }
  pthread_mutex_unlock(&faults->lock);
}

int64_t pw_faults_left(pw_faults *faults) {
  int64_t left = 0;
  pthread_mutex_lock(&faults->lock);
  for (const pw_fault *fault = faults->first; fault != NULL; fault = fault->next) {
    if (fault->times != INT64_MAX) left += fault->times;
  }
  pthread_mutex_unlock(&faults->lock);
  return left;
}

void pw_faults_set_latency(pw_faults *faults, double seconds) {
  pthread_mutex_lock(&faults->lock);
  faults->latency = seconds;
  pthread_mutex_unlock(&faults->lock);
}

double pw_faults_latency(pw_faults *faults) {
  pthread_mutex_lock(&faults->lock);
  double seconds = faults->latency;
  pthread_mutex_unlock(&faults->lock);
  return seconds;
}

static bool comes_now(pw_fault *fault, const char *operation) {
  if (fault->times <= 0) return false;
  if (strcmp(fault->operation, "*") != 0 && strcmp(fault->operation, operation) != 0) return false;
  return ++fault->seen % fault->every == 0;
}

pw_fault pw_faults_take(pw_faults *faults, const char *operation) {
  pw_fault taken = {.how = PW_FAULT_NONE};
  pthread_mutex_lock(&faults->lock);
  for (pw_fault *fault = faults->first; fault != NULL; fault = fault->next) {
    if (!comes_now(fault, operation)) continue;
    if (fault->times != INT64_MAX) fault->times--;
    taken = *fault;
    taken.next = NULL;
    if (fault->body != NULL) taken.body = pw_text_copy(fault->body, strlen(fault->body));
    break;
  }
  pthread_mutex_unlock(&faults->lock);
  return taken;
}

void pw_faults_each(pw_faults *faults, void (*each)(void *context, const pw_fault *fault), void *context) {
  pthread_mutex_lock(&faults->lock);
  for (const pw_fault *fault = faults->first; fault != NULL; fault = fault->next) {
    if (fault->times > 0) each(context, fault);
  }
  pthread_mutex_unlock(&faults->lock);
}
