/* The languages that the sandbox runs: how each is checked and how its handler is called. */
#ifndef PW_LANGUAGES_H
#define PW_LANGUAGES_H

#include <stdbool.h>

enum { PW_LANGUAGE_ARGUMENTS = 6 };

typedef struct pw_language {
  const char *name;        /* as in `create_script` */
  const char *title;       /* for people */
  const char *interpreter; /* the program, found along the path */
  const char *source;      /* the file name that the code gets */
  const char *caller;      /* the file name of what calls the handler, and its code */
  const char *caller_code;
  const char *check[PW_LANGUAGE_ARGUMENTS];  /* arguments that check the syntax, NULL-terminated */
  const char *invoke[PW_LANGUAGE_ARGUMENTS]; /* arguments that run the caller */
  bool limit_address_space;                  /* node reserves far more than it uses: it has an option of its own */
} pw_language;

/* By name; NULL for one that the sandbox doesn't know. */
const pw_language *pw_language_find(const char *name);

/* The languages in the order in which a fresh database has their scripts; NULL after the last. */
const pw_language *pw_language_at(int index);

#endif
