#include "deployer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../runner/text.h"
#include "../runner/tools.h"

enum { REASON_SIZE = 2000, CHECK_SECONDS = 30 };

static void trim(char *text) {
  size_t size = strlen(text);
  while (size > 0 && strchr(" \t\r\n", text[size - 1]) != NULL) text[--size] = '\0';
  char *start = text + strspn(text, " \t\r\n");
  memmove(text, start, strlen(start) + 1);
}

/* What the service says of code that it can't deploy; empty when it can. */
static void reason_of(pw_ran ran, const pw_language *language, pw_run *run, char reason[REASON_SIZE]) {
  reason[0] = '\0';
  switch (ran) {
    case PW_RAN:
      if (run->exit_code == 0) return;
      snprintf(reason, REASON_SIZE, "%s%s", run->error.bytes != NULL ? run->error.bytes : "",
               run->out.bytes != NULL ? run->out.bytes : "");
      break;
    case PW_RAN_NO_PROGRAM: {
      char *missing = pw_tools_missing(language, run->version);
      snprintf(reason, REASON_SIZE, "The sandbox can't deploy it: %s.", missing != NULL ? missing : "out of memory");
      free(missing);
      break;
    }
    case PW_RAN_TIMED_OUT:
      snprintf(reason, REASON_SIZE, "Checking the code took more than %d s.",
               run->building ? (int)pw_limits_build.seconds : CHECK_SECONDS);
      break;
    default: snprintf(reason, REASON_SIZE, "The sandbox could not run %s.", language->interpreter); break;
  }
  pw_text_make_utf8(reason, strlen(reason)); /* it may have been cut inside of a character */
  trim(reason);
  if (reason[0] == '\0') snprintf(reason, REASON_SIZE, "The code is not valid %s.", language->title);
}

/* False when what came of it can't be kept now. */
static bool check(pw_deployer *deployer, int64_t id, const char *name, const char *content) {
  char reason[REASON_SIZE] = "The sandbox ran out of memory.";
  pw_code code = {.language = NULL};
  code.language = pw_language_find(name, code.version);
  char *source = pw_text_from_json(content, &code.size);
  code.source = source;
  pw_ran ran = PW_RAN_FAILED;
  if (source != NULL && code.language != NULL) {
    pw_run run;
    pw_scripts_run(deployer->scripts, &run, &code, NULL, CHECK_SECONDS);
    ran = run.ran;
    reason_of(ran, code.language, &run, reason);
    pw_run_free(&run);
  }
  free(source);
  pthread_mutex_lock(&deployer->lock);
  bool closing = deployer->closing;
  pthread_mutex_unlock(&deployer->lock);
  if (closing) return true; /* cut short: the next process checks it */
  return pw_store_checked(deployer->store, id, reason[0] != '\0' ? reason : NULL, ran == PW_RAN);
}

static bool wait_for_work(pw_deployer *deployer) {
  pthread_mutex_lock(&deployer->lock);
  while (!deployer->work && !deployer->closing) pthread_cond_wait(&deployer->wake, &deployer->lock);
  deployer->work = false;
  bool closing = deployer->closing;
  pthread_mutex_unlock(&deployer->lock);
  return !closing;
}

/* A full disk has room again when somebody makes some: a look each second is enough. */
static void rest(pw_deployer *deployer) {
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += 1;
  pthread_mutex_lock(&deployer->lock);
  while (!deployer->closing && pthread_cond_timedwait(&deployer->wake, &deployer->lock, &until) == 0) continue;
  pthread_mutex_unlock(&deployer->lock);
}

static void *work(void *context) {
  pw_deployer *deployer = context;
  while (wait_for_work(deployer)) {
    int64_t id;
    char *language = NULL, *content = NULL;
    pw_found found = pw_store_next_check(deployer->store, &id, &language, &content);
    if (found == PW_FOUND) {
      bool kept = check(deployer, id, language, content);
      if (!kept) rest(deployer);
      pw_deployer_notify(deployer); /* there may be another, or the same */
    }
    free(language);
    free(content);
  }
  return NULL;
}

bool pw_deployer_open(pw_deployer *deployer, pw_store *store, pw_scripts *scripts) {
  deployer->store = store;
  deployer->scripts = scripts;
  deployer->work = true;
  pthread_mutex_init(&deployer->lock, NULL);
  pthread_cond_init(&deployer->wake, NULL);
  deployer->started = pthread_create(&deployer->thread, NULL, work, deployer) == 0;
  return deployer->started;
}

void pw_deployer_notify(pw_deployer *deployer) {
  pthread_mutex_lock(&deployer->lock);
  deployer->work = true;
  pthread_cond_signal(&deployer->wake);
  pthread_mutex_unlock(&deployer->lock);
}

void pw_deployer_close(pw_deployer *deployer) {
  if (deployer->store == NULL) return;
  pthread_mutex_lock(&deployer->lock);
  deployer->closing = true;
  pthread_cond_signal(&deployer->wake);
  pthread_mutex_unlock(&deployer->lock);
  if (deployer->started) pthread_join(deployer->thread, NULL);
  pthread_cond_destroy(&deployer->wake);
  pthread_mutex_destroy(&deployer->lock);
  memset(deployer, 0, sizeof *deployer);
}
