/* Namespaces of its own for a run, where the system allows them: the script sees its folder, which lies in memory, its
 * interpreter and the system's libraries; all its processes end with the first. Linux alone has them. */
#ifndef PW_JAIL_H
#define PW_JAIL_H

#include "warden.h"

#define PW_JAIL_FOLDER "/script"

/* Enters new namespaces; the next process that is forked is the first in them. False when that isn't allowed. */
bool pw_jail_enter(void);

/* For that process: builds what the script sees and goes there. `program` becomes where the interpreter is then. False
 * when something isn't allowed: then this process is of no more use. */
bool pw_jail_build(const pw_limits *limits, char program[PW_PATH]);

/* For that process, later: lets the folder take other limits' files. False when that isn't allowed. */
bool pw_jail_resize(const pw_limits *limits);

#endif
