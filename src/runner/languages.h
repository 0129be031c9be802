/* The languages that the runner knows: how each is checked and how its handler is called. */
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
  const char *version;                       /* the argument that makes the interpreter tell its version */
  bool limit_address_space;                  /* node reserves far more than it uses: its data is limited instead */
} pw_language;

/* By name; NULL for one that isn't known. */
const pw_language *pw_language_find(const char *name);

/* By the ending of a file's name ("orders.py"); NULL for one that isn't known. */
const pw_language *pw_language_of_file(const char *path);

/* The languages in the order in which a fresh database has their scripts; NULL after the last. */
const pw_language *pw_language_at(int index);

#endif
