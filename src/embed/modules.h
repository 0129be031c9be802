/* The Lua modules as text, put in at build time. */
#ifndef PW_MODULES_H
#define PW_MODULES_H

#include <stddef.h>

typedef struct pw_module {
  const char *name; /* "patchworks.call.send" */
  const char *text;
  size_t size;
} pw_module;

/* Ends with one whose name is NULL. */
extern const pw_module pw_modules[];

#endif
