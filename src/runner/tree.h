/* The tree of processes below this one. Where there is no /proc, only the groups of its children are known. */
#ifndef PW_TREE_H
#define PW_TREE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct pw_tree {
  int count;      /* processes below this one */
  int64_t memory; /* bytes that they hold together */
} pw_tree;

/* Looks. With `exact`, memory that several processes share is counted once; that takes longer. */
void pw_tree_look(pw_tree *tree, bool exact);

/* Ends all of them and takes their ends in; `group` is the first one's. */
void pw_tree_kill(pid_t group);

/* Ends all processes of this machine that were started with this variable in their environment ("NAME=value"). */
void pw_tree_kill_marked(const char *variable);

#endif
