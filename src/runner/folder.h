/* The folder of a run: made, filled, measured, and removed with all that is in it, however deep. */
#ifndef PW_FOLDER_H
#define PW_FOLDER_H

#include "run.h"

enum { PW_FOLDER_YOUNG = 60 }; /* seconds */

/* Makes one in the system's temporary folder and gives a descriptor that locks it; -1 when that failed. */
int pw_folder_make(char path[PW_PATH]);

/* Writes a file that isn't there yet. False when that failed. */
bool pw_folder_write(const char *folder, const char *name, const char *bytes, size_t size, mode_t mode);

int64_t pw_folder_usage(const char *folder); /* bytes on the disk */
void pw_folder_empty(const char *folder);    /* of all that is in it */
void pw_folder_remove(const char *folder);

/* Removes what this user has in the folders where everybody may write. */
void pw_folder_remove_of(uid_t user);

/* Removes what runs have left that nobody watches any more, and ends their processes. Folders younger than `age`
 * seconds stay: somebody may be about to watch them. */
void pw_folder_sweep(int age);

#endif
