#include "built.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 256, MOST_BYTES = 64 * 1024 * 1024 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
typedef struct one {
  pw_output key, built;
} one;
static one kept[MOST]; /* the one that was needed latest is last */
static int count;
static size_t bytes;

static void forget(int index) {
  bytes -= kept[index].key.size + kept[index].built.size;
  free(kept[index].key.bytes);
  free(kept[index].built.bytes);
  memmove(&kept[index], &kept[index + 1], sizeof kept[0] * (size_t)(--count - index));
}

/* When the library is unloaded. */
__attribute__((destructor)) static void forget_all(void) {
  while (count > 0) forget(count - 1);
}

static void make_latest(int index) {
  one latest = kept[index];
  memmove(&kept[index], &kept[index + 1], sizeof kept[0] * (size_t)(count - 1 - index));
  kept[count - 1] = latest;
}

static int index_of(const pw_output *key) {
  for (int i = 0; i < count; i++) {
    if (kept[i].key.size == key->size && memcmp(kept[i].key.bytes, key->bytes, key->size) == 0) return i;
  }
  return -1;
}

bool pw_built_find(const pw_output *key, pw_output *built) {
  pthread_mutex_lock(&lock);
  int index = index_of(key);
  if (index >= 0) {
    *built = kept[index].built;
    built->bytes = malloc(built->size);
    if (built->bytes != NULL) memcpy(built->bytes, kept[index].built.bytes, built->size);
    make_latest(index);
  }
  pthread_mutex_unlock(&lock);
  return index >= 0 && built->bytes != NULL;
}

void pw_built_keep(pw_output *key, pw_output *built) {
  size_t size = key->size + built->size;
  pthread_mutex_lock(&lock);
  bool fits = size <= MOST_BYTES && index_of(key) < 0;
  while (fits && count > 0 && (count == MOST || bytes + size > MOST_BYTES)) forget(0);
  if (fits) {
    kept[count].key = *key;
    kept[count++].built = *built;
    bytes += size;
  } else {
    free(key->bytes);
    free(built->bytes);
  }
  pthread_mutex_unlock(&lock);
  memset(key, 0, sizeof *key);
  memset(built, 0, sizeof *built);
}
