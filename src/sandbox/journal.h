/* What the sandbox received: the last requests, whole. */
#ifndef PW_JOURNAL_H
#define PW_JOURNAL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PW_JOURNAL_SIZE = 100000, PW_JOURNAL_BODY = 64 * 1024, PW_JOURNAL_BYTES = 64 * 1024 * 1024 };

/* One request. But for its answer, never changed once it is in the journal; counted by those who hold it. */
typedef struct pw_entry {
  int holders;          /* under the journal's lock */
  bool kept;            /* in the journal still; under the lock */
  int64_t number;       /* counted from 1 */
  int64_t changed;      /* the journal's count of changes at its last; under the lock */
  size_t size;          /* bytes of all of it */
  int64_t at;           /* sandbox clock, microseconds */
  _Atomic int status;   /* 0 while nothing was answered; then, what follows is there */
  int64_t microseconds; /* that the answer took */
  char *answer;         /* its beginning; of malloc */
  size_t answer_size;
  const char *operation, *authorization; /* static */
  /* In `text`, one after the other, each with a NUL behind. */
  const char *method, *path, *query, *headers, *body;
  size_t headers_size; /* names and values, each with a NUL behind */
  size_t body_size;    /* at most PW_JOURNAL_BODY of it are kept */
  char text[];
} pw_entry;

typedef struct pw_journal {
  pthread_mutex_t lock;
  bool opened;
  pw_entry **entries; /* a ring */
  size_t first, count, capacity;
  size_t bytes;    /* of all entries */
  int64_t added;   /* ever: the number of the newest entry */
  int64_t changes; /* requests that came, and answers */
} pw_journal;

void pw_journal_open(pw_journal *journal);
void pw_journal_close(pw_journal *journal);

/* What an entry is made from. */
typedef struct pw_request_note {
  int64_t at;
  const char *operation, *authorization, *method, *path, *query;
  const char *headers;
  size_t headers_size;
  const char *body;
  size_t body_size;
} pw_request_note;

/* Notes a request that has come, and holds its entry; forgets the oldest when there are too many, or too many
 * bytes. NULL when memory is
 * out: then the request goes unnoted. */
pw_entry *pw_journal_add(pw_journal *journal, const pw_request_note *note);
void pw_journal_forget(pw_journal *journal);
size_t pw_journal_count(pw_journal *journal, const char *operation); /* NULL for all */

/* Notes what was answered. `entry` may be NULL. */
void pw_journal_answer(pw_journal *journal, pw_entry *entry, int status, const char *answer, size_t size,
                       int64_t microseconds);

/* Which entries are meant: NULL, 0 for any. */
typedef struct pw_journal_filter {
  const char *operation, *method, *path; /* the path's beginning */
  int status;
  int64_t after;   /* numbers above */
  int64_t changed; /* changed later */
} pw_journal_filter;

/* Counts those that fit; and holds the newest of them, up to `most`, oldest first, when `entries` isn't NULL.
 * `*changes` is the journal's count then. */
size_t pw_journal_select(pw_journal *journal, const pw_journal_filter *filter, pw_entry **entries, size_t most,
                         int64_t *changes);

/* Holds up to `most` entries, oldest first, and gives how many; each goes back by pw_journal_release. */
size_t pw_journal_hold(pw_journal *journal, pw_entry **entries, size_t most);
void pw_journal_release(pw_journal *journal, pw_entry *entry); /* NULL is fine */

#endif
