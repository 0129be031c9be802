/* Files that are served as they are: the Makefile makes static.c of those in src/sandbox/page. */
#ifndef PW_STATIC_H
#define PW_STATIC_H

#include <stddef.h>

typedef struct pw_static {
  const unsigned char *bytes;
  size_t size;
} pw_static;

extern const pw_static pw_static_page, pw_static_program, pw_static_style, pw_static_openapi;

#endif
