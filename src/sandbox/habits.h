/* What the service does in a way that isn't known: switches, so that clients can be tried with each. */
#ifndef PW_HABITS_H
#define PW_HABITS_H

#include <sqlite3.h>
#include <stdbool.h>

typedef struct pw_habits {
  bool invoke_deploys;   /* invoking what isn't deployed builds and deploys it first; else it is refused */
  bool one_deployed;     /* what is deployed makes the script's others Inactive; else several may be deployed */
  bool redeploy_nothing; /* deploying what is deployed changes nothing; else it is deployed anew */
  bool crlf;             /* line ends of a content become CRLF */
  bool trim;             /* a content loses the blanks at its ends */
  bool logs_newest_first;
  int create_status;  /* 200 or 201 */
  char deploying[32]; /* what the field holds during a deployment */
  char idle[32];      /* and else; "" for null */
} pw_habits;

/* Appends them as a JSON object. */
void pw_habits_append(const pw_habits *habits, sqlite3_str *out);

/* Lets SQL read two of them: habit('deploying'), habit('idle'). They must outlive the database. */
bool pw_habits_register(const pw_habits *habits, sqlite3 *db);

#endif
