/* Finds the programs that run or build scripts: of any version, or of the one that is asked for. */
#ifndef PW_TOOLS_H
#define PW_TOOLS_H

#include "run.h"

enum { PW_VERSIONS = 64, PW_PLACES = 16 };

typedef struct pw_place {
  const pw_tool *tool;
  char path[PW_PATH];
  char versions[PW_VERSIONS]; /* what it says that it is, blanks between several; "" where it wasn't asked */
} pw_place;

/* The program for a language: the one that PATCHWORKS_PHP and the like name, else the usual one along the path; with a
 * version, one whose version begins with it. False when there is none. */
bool pw_tools_find(const pw_language *language, const char *version, pw_place *place);

/* All that are here, each asked for its version once, the usual one first; how many. */
int pw_tools_list(const pw_language *language, pw_place places[PW_PLACES]);

/* A sentence that says what isn't here and what to do, for the caller to free; NULL when memory is out. */
char *pw_tools_missing(const pw_language *language, const char *version);

#endif
