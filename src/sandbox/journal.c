#include "journal.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 256 };

void pw_journal_open(pw_journal *journal) {
  pthread_mutex_init(&journal->lock, NULL);
  journal->opened = true;
}

static void drop(pw_entry *entry) {
  if (--entry->holders > 0) return;
  free(entry->answer);
  free(entry);
}

/* The entry at this place of the ring, from the oldest on; there must be one. */
static pw_entry *at(const pw_journal *journal, size_t place) {
  size_t index = journal->first + place;
  return journal->entries[index < journal->capacity ? index : index - journal->capacity];
}

static void drop_oldest(pw_journal *journal) {
  journal->entries[journal->first]->kept = false;
  journal->bytes -= journal->entries[journal->first]->size;
  drop(journal->entries[journal->first]);
  journal->first = (journal->first + 1) % journal->capacity;
  journal->count--;
}

static void forget_locked(pw_journal *journal) {
  while (journal->count > 0) drop_oldest(journal);
  journal->first = journal->count = journal->bytes = 0;
}

void pw_journal_close(pw_journal *journal) {
  if (!journal->opened) return;
  forget_locked(journal);
  free((void *)journal->entries);
  pthread_mutex_destroy(&journal->lock);
  memset(journal, 0, sizeof *journal);
}

static const char *put(char **to, const char *bytes, size_t size) {
  char *start = *to;
  if (size > 0) memcpy(start, bytes, size);
  start[size] = '\0';
  *to = start + size + 1;
  return start;
}

static pw_entry *make(const pw_request_note *note) {
  size_t body = note->body_size < PW_JOURNAL_BODY ? note->body_size : PW_JOURNAL_BODY;
  size_t method = strlen(note->method), path = strlen(note->path), query = strlen(note->query);
  size_t all = sizeof(pw_entry) + method + path + query + note->headers_size + body + 5;
  pw_entry *entry = malloc(all);
  if (entry == NULL) return NULL;
  char *to = entry->text;
  *entry = (pw_entry){.holders = 1,
                      .size = all,
                      .at = note->at,
                      .operation = note->operation,
                      .authorization = note->authorization,
                      .headers_size = note->headers_size,
                      .body_size = body};
  entry->method = put(&to, note->method, method);
  entry->path = put(&to, note->path, path);
  entry->query = put(&to, note->query, query);
  entry->headers = put(&to, note->headers, note->headers_size);
  entry->body = put(&to, note->body, body);
  return entry;
}

/* Makes room for one more: grows, or lets the oldest go. */
static bool make_room(pw_journal *journal) {
  while (journal->bytes > PW_JOURNAL_BYTES && journal->count > 0) drop_oldest(journal);
  if (journal->count < journal->capacity) return true;
  if (journal->capacity >= PW_JOURNAL_SIZE) {
    drop_oldest(journal);
    return true;
  }
  size_t capacity = journal->capacity == 0 ? FIRST_CAPACITY : journal->capacity * 2;
  if (capacity > PW_JOURNAL_SIZE) capacity = PW_JOURNAL_SIZE;
  pw_entry **entries = (pw_entry **)malloc(capacity * sizeof(pw_entry *));
  if (entries == NULL) return false;
  for (size_t i = 0; i < journal->count; i++) entries[i] = at(journal, i);
  free((void *)journal->entries);
  journal->entries = entries;
  journal->capacity = capacity;
  journal->first = 0;
  return true;
}

pw_entry *pw_journal_add(pw_journal *journal, const pw_request_note *note) {
  pw_entry *entry = make(note);
  if (entry == NULL) return NULL;
  pthread_mutex_lock(&journal->lock);
  if (make_room(journal)) {
    journal->entries[(journal->first + journal->count++) % journal->capacity] = entry;
    entry->holders++;
    entry->kept = true;
    entry->number = ++journal->added;
    entry->changed = ++journal->changes;
    journal->bytes += entry->size;
  } else {
    free(entry);
    entry = NULL;
  }
  pthread_mutex_unlock(&journal->lock);
  return entry;
}

void pw_journal_answer(pw_journal *journal, pw_entry *entry, int status, const char *answer, size_t size,
                       int64_t microseconds) {
  if (entry == NULL) return;
  size_t kept = size < PW_JOURNAL_BODY ? size : PW_JOURNAL_BODY;
  char *copy = answer != NULL ? malloc(kept + 1) : NULL;
  if (copy != NULL) {
    memcpy(copy, answer, kept);
    copy[kept] = '\0';
  }
  pthread_mutex_lock(&journal->lock);
  entry->microseconds = microseconds;
  entry->answer = copy;
  entry->answer_size = copy != NULL ? kept : 0;
  entry->status = status;
  entry->size += entry->answer_size;
  entry->changed = ++journal->changes;
  if (entry->kept) journal->bytes += entry->answer_size;
  pthread_mutex_unlock(&journal->lock);
}

void pw_journal_forget(pw_journal *journal) {
  pthread_mutex_lock(&journal->lock);
  forget_locked(journal);
  pthread_mutex_unlock(&journal->lock);
}

size_t pw_journal_count(pw_journal *journal, const char *operation) {
  size_t count = 0;
  pthread_mutex_lock(&journal->lock);
  for (size_t i = 0; i < journal->count; i++) {
    if (operation == NULL || strcmp(at(journal, i)->operation, operation) == 0) count++;
  }
  pthread_mutex_unlock(&journal->lock);
  return count;
}

static bool fits(const pw_entry *entry, const pw_journal_filter *filter) {
  return (filter->operation == NULL || strcmp(entry->operation, filter->operation) == 0) &&
         (filter->method == NULL || strcmp(entry->method, filter->method) == 0) &&
         (filter->path == NULL || strncmp(entry->path, filter->path, strlen(filter->path)) == 0) &&
         (filter->status == 0 || entry->status == filter->status) && entry->number > filter->after &&
         entry->changed > filter->changed;
}

size_t pw_journal_select(pw_journal *journal, const pw_journal_filter *filter, pw_entry **entries, size_t most,
                         int64_t *changes) {
  size_t count = 0;
  pthread_mutex_lock(&journal->lock);
  *changes = journal->changes;
  bool news = journal->changes > filter->changed;
  for (size_t i = news ? journal->count : 0; i-- > 0 && (entries == NULL || count < most);) {
    pw_entry *entry = at(journal, i);
    if (!fits(entry, filter)) continue;
    count++;
    if (entries == NULL) continue;
    entry->holders++;
    entries[most - count] = entry;
  }
  if (entries != NULL && count < most)
    memmove((void *)entries, (void *)(entries + most - count), count * sizeof(pw_entry *));
  pthread_mutex_unlock(&journal->lock);
  return count;
}

size_t pw_journal_hold(pw_journal *journal, pw_entry **entries, size_t most) {
  pthread_mutex_lock(&journal->lock);
  size_t count = journal->count < most ? journal->count : most;
  for (size_t i = 0; i < count; i++) {
    entries[i] = at(journal, i);
    entries[i]->holders++;
  }
  pthread_mutex_unlock(&journal->lock);
  return count;
}

void pw_journal_release(pw_journal *journal, pw_entry *entry) {
  if (entry == NULL) return;
  pthread_mutex_lock(&journal->lock);
  drop(entry);
  pthread_mutex_unlock(&journal->lock);
}
