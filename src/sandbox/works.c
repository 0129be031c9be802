#include "works.h"

#include <string.h>
#include <time.h>

enum { SECOND = 1000000 };

int64_t pw_works_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * SECOND + now.tv_nsec / 1000;
}

/* Waits for news, or until then. */
static void wait_until(pw_works *works, int64_t due) {
  struct timespec until = {.tv_sec = (time_t)(due / SECOND), .tv_nsec = (long)(due % SECOND) * 1000};
  pthread_cond_timedwait(&works->news, &works->lock, &until);
}

static void *watch(void *context) {
  pw_works *works = context;
  int64_t next = pw_works_now() + SECOND;
  pthread_mutex_lock(&works->lock);
  while (!works->closing || works->timed != NULL) {
    int64_t now = pw_works_now();
    pw_work *work = works->timed;
    bool due = work != NULL && (work->due <= now || works->closing);
    if (due) works->timed = work->next;
    if (!due && now < next) {
      wait_until(works, work != NULL && work->due < next ? work->due : next);
      continue;
    }
    pthread_mutex_unlock(&works->lock);
    if (due) works->run(work);
    if (now >= next) {
      works->each_second(works->context);
      next = now + SECOND;
    }
    pthread_mutex_lock(&works->lock);
  }
  pthread_mutex_unlock(&works->lock);
  return NULL;
}

static void *run_scripts(void *context) {
  pw_works *works = context;
  pthread_mutex_lock(&works->lock);
  while (!works->closing || works->scripts != NULL) {
    pw_work *work = works->scripts;
    if (work == NULL) {
      works->idle++;
      pthread_cond_wait(&works->script_news, &works->lock);
      works->idle--;
      continue;
    }
    works->scripts = work->next;
    if (works->scripts == NULL) works->last_script = &works->scripts;
    pthread_mutex_unlock(&works->lock);
    works->run(work);
    pthread_mutex_lock(&works->lock);
  }
  pthread_mutex_unlock(&works->lock);
  return NULL;
}

bool pw_works_open(pw_works *works, void (*run)(pw_work *work), void (*each_second)(void *context), void *context) {
  pthread_condattr_t attributes;
  works->run = run;
  works->each_second = each_second;
  works->context = context;
  works->last_script = &works->scripts;
  works->opened = true;
  pthread_mutex_init(&works->lock, NULL);
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&works->news, &attributes);
  pthread_condattr_destroy(&attributes);
  pthread_cond_init(&works->script_news, NULL);
  works->watching = pthread_create(&works->watch, NULL, watch, works) == 0;
  return works->watching;
}

bool pw_works_later(pw_works *works, pw_work *work, double seconds) {
  work->due = pw_works_now() + (int64_t)(seconds * SECOND);
  pthread_mutex_lock(&works->lock);
  bool open = !works->closing;
  if (open) {
    pw_work **place = &works->timed;
    while (*place != NULL && (*place)->due <= work->due) place = &(*place)->next;
    work->next = *place;
    *place = work;
    if (works->timed == work) pthread_cond_signal(&works->news);
  }
  pthread_mutex_unlock(&works->lock);
  return open;
}

bool pw_works_script(pw_works *works, pw_work *work) {
  pthread_mutex_lock(&works->lock);
  bool open = !works->closing;
  if (open && works->idle == 0 && works->started < PW_WORKS_MOST &&
      pthread_create(&works->runners[works->started], NULL, run_scripts, works) == 0) {
    works->started++;
  }
  open = open && works->started > 0;
  if (open) {
    work->next = NULL;
    *works->last_script = work;
    works->last_script = &work->next;
    pthread_cond_signal(&works->script_news);
  }
  pthread_mutex_unlock(&works->lock);
  return open;
}

void pw_works_stop(pw_works *works) {
  if (!works->opened) return;
  pthread_mutex_lock(&works->lock);
  works->closing = true;
  pthread_cond_broadcast(&works->news);
  pthread_cond_broadcast(&works->script_news);
  pthread_mutex_unlock(&works->lock);
  for (int i = 0; i < works->started; i++) pthread_join(works->runners[i], NULL);
  if (works->watching) pthread_join(works->watch, NULL);
}

void pw_works_close(pw_works *works) {
  if (!works->opened) return;
  pthread_cond_destroy(&works->news);
  pthread_cond_destroy(&works->script_news);
  pthread_mutex_destroy(&works->lock);
  memset(works, 0, sizeof *works);
}
