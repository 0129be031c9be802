/* Checks the code of versions that are being deployed, one after the other, in a thread of its own. */
#ifndef PW_DEPLOYER_H
#define PW_DEPLOYER_H

#include "scripts.h"
#include "store.h"

typedef struct pw_deployer {
  pw_store *store;
  pw_scripts *scripts;
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t wake;
  bool started, closing, work;
} pw_deployer;

/* False when the thread can't be started. What was left unchecked by an earlier process is taken up. */
bool pw_deployer_open(pw_deployer *deployer, pw_store *store, pw_scripts *scripts);

/* There may be something to check. */
void pw_deployer_notify(pw_deployer *deployer);

/* The scripts must have been stopped. */
void pw_deployer_close(pw_deployer *deployer);

#endif
