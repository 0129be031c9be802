/* What binds a process before it becomes the interpreter. */
#ifndef PW_CONFINE_H
#define PW_CONFINE_H

#include "warden.h"

/* For the warden: a session of its own, no descriptor but these two, usual signals, and whatever its descendants leave
 * becomes its child. */
void pw_confine_warden(int *socket, int *lock);

/* Forks the warden without what libraries of the program that started it have registered for forks: libuv closes
 * descriptors by numbers that are somebody else's by now. */
pid_t pw_confine_fork(void);

/* A user that nobody else is, when this process may give one away and `program` (NULL for any) may be run by it; else
 * this one. */
uid_t pw_confine_user(const char *program);

/* Gives the folder to that user, or to one with a small number where the system has no large ones. Whose it is then. */
uid_t pw_confine_give(const char *folder, uid_t user);

/* For the interpreter's process: limits, that user, no way to more rights, and an end with its warden. False when it
 * can't be bound. */
bool pw_confine_script(const pw_language *language, const pw_limits *limits, uid_t user, pid_t warden);

#endif
