/* The languages that the runner knows: which programs run or build their scripts, and how. */
#ifndef PW_LANGUAGES_H
#define PW_LANGUAGES_H

#include <stdbool.h>

enum { PW_LANGUAGE_ARGUMENTS = 6, PW_LANGUAGE_PRODUCTS = 3, PW_LANGUAGE_PLACES = 3, PW_VERSION = 16 };

/* A program that runs a language's scripts, or builds them. */
typedef struct pw_tool {
  const char *program;                       /* its name, found along the path */
  const char *places[PW_LANGUAGE_PLACES];    /* where its versions are, %s being the number: a name, or a whole path */
  const char *version;                       /* the argument that makes it tell its version */
  const char *check[PW_LANGUAGE_ARGUMENTS];  /* arguments that check the syntax, NULL-terminated */
  const char *invoke[PW_LANGUAGE_ARGUMENTS]; /* arguments that run the caller */
  /* Or, where scripts are built: a shell's scripts, whose $1 is the program and $2 the version that is asked for. */
  const char *build, *run;
  const char *products[PW_LANGUAGE_PRODUCTS]; /* the files that are kept of what was built */
} pw_tool;

typedef struct pw_language {
  const char *name;        /* as in `create_script` */
  const char *other_name;  /* or NULL */
  const char *title;       /* for people */
  const char *interpreter; /* what has to be installed */
  const char *source;      /* the file name that the code gets */
  const char *caller;      /* the file name of what calls the handler, and its code */
  const char *caller_code;
  const pw_tool *tools;     /* the first that is here is taken; one without a program ends them */
  bool limit_address_space; /* some reserve far more than they use: their data is limited instead */
} pw_language;

/* By name, behind which a version may stand ("php8.1"): `version` is then "8.1", else "". NULL for one that isn't
 * known. */
const pw_language *pw_language_find(const char *name, char version[PW_VERSION]);

/* By the ending of a file's name ("orders.py"); NULL for one that isn't known. */
const pw_language *pw_language_of_file(const char *path);

/* The languages in the order in which a fresh database has their scripts; NULL after the last. */
const pw_language *pw_language_at(int index);

#endif
