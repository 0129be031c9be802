/* One request and its answer. */
#ifndef PW_EXCHANGE_H
#define PW_EXCHANGE_H

#include "server.h"

enum { PW_EXCHANGE_HEADERS = 6, PW_BODY_LIMIT = 8 * 1024 * 1024 };

typedef enum pw_stage {
  PW_STAGE_ADMIT,  /* who is it, may it, can its body be read */
  PW_STAGE_HANDLE, /* do what it asks for */
  PW_STAGE_LATE,   /* answered; the answer waits */
  PW_STAGE_DONE
} pw_stage;

typedef struct pw_exchange {
  pw_work work; /* while it waits; first, so that either is found from the other */
  pw_server *server;
  struct MHD_Connection *connection;
  char *uri;                /* raw, as it came; owned */
  const char *path, *query; /* in `uri`, still encoded; `query` is "" when there is none */
  const char *method;
  char *body; /* owned; ends with NUL */
  size_t size, capacity;
  pw_entry *entry;                               /* in the journal; or NULL */
  pw_connection *held;                           /* its connection; or NULL */
  int64_t began;                                 /* monotonic microseconds */
  double again;                                  /* seconds, set by a handler that has no answer yet */
  void (*handler)(struct pw_exchange *exchange); /* set where it is admitted */
  const char *operation, *authorization;         /* for the journal */
  int64_t subject;                               /* the id in the path */
  char name[64];                                 /* or the name, in the admin's */
  pw_fault fault;
  sqlite3_str *answer;
  const char *type; /* of the answer; NULL for JSON, or HTML */
  const char *header_names[PW_EXCHANGE_HEADERS];
  char header_values[PW_EXCHANGE_HEADERS][320];

  int status; /* of the answer; 0 while there is none */
  pw_stage stage;
  bool started, answered;  /* its head is here; its answer is, after it was put off */
  bool too_large, crowded; /* its body is; all bodies together are */
  bool slow;               /* the handler may take long */
  bool administrator;      /* came with a token */
  bool html;
} pw_exchange;

/* Lets its answer go, and what it owns. */
void pw_exchange_close(pw_exchange *exchange);

/* Whether both are the same, in a time that tells nothing of where they differ. */
bool pw_exchange_same(const char *given, const char *secret);

/* A request's header, or NULL. */
const char *pw_exchange_header(const pw_exchange *exchange, const char *name);

/* Adds a header to the answer; `name` is static. */
void pw_exchange_add(pw_exchange *exchange, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Appends a JSON string; what isn't UTF-8 becomes question marks. */
void pw_exchange_string(sqlite3_str *out, const char *bytes, size_t size);

/* Starts a success: returns where its JSON goes. */
sqlite3_str *pw_exchange_answer(pw_exchange *exchange, int status);

/* Answers with an error as Laravel does: `{"message": ..}`, or a page for those who don't ask for JSON. */
void pw_exchange_refuse(pw_exchange *exchange, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Answers 500, and says what is wrong with the disk. */
void pw_exchange_fail(pw_exchange *exchange);

/* Answers 422 with a sentence about one field. */
void pw_exchange_invalid(pw_exchange *exchange, const char *field, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
