#include "tools.h"

#include <ctype.h>
#include <glob.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ANSWERS = 64 };

/* What programs have said of themselves: asking takes a process. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
  char path[PW_PATH], versions[PW_VERSIONS];
  struct timespec changed;
} answers[ANSWERS];
static int answered;

/* The system's own folders before whatever the environment names. */
static char *folders_of_path(void) {
  static const char first[] = "/usr/local/bin:/usr/bin:/bin:";
  const char *environment = getenv("PATH");
  if (environment == NULL) environment = "";
  char *folders = malloc(sizeof first + strlen(environment));
  if (folders != NULL) sprintf(folders, "%s%s", first, environment);
  return folders;
}

static bool is_program(const char *path) {
  struct stat about;
  return stat(path, &about) == 0 && S_ISREG(about.st_mode) && access(path, X_OK) == 0;
}

static bool find_in_path(const char *name, char path[PW_PATH]) {
  bool found = false;
  char *folders = folders_of_path(), *rest = folders;
  while (!found && rest != NULL) {
    const char *folder = strsep(&rest, ":");
    if (*folder != '/') continue;
    int size = snprintf(path, PW_PATH, "%s/%s", folder, name);
    found = size < PW_PATH && is_program(path);
  }
  free(folders);
  return found;
}

/* PATCHWORKS_PHP and the like; NULL where it isn't set. */
static const char *named_by_owner(const pw_language *language, char variable[32]) {
  int size = snprintf(variable, 32, "PATCHWORKS_%s", language->name);
  for (int i = 0; i < size; i++) variable[i] = (char)toupper((unsigned char)variable[i]);
  const char *path = getenv(variable);
  return path != NULL && *path != '\0' ? path : NULL;
}

static bool ends_with(const char *text, const char *end) {
  size_t size = strlen(text), wanted = strlen(end);
  return size >= wanted && strcmp(text + size - wanted, end) == 0;
}

/* The usual program of a language's tools. */
static bool find_usual(const pw_language *language, pw_place *place) {
  char variable[32];
  const char *named = named_by_owner(language, variable);
  memset(place, 0, sizeof *place);
  for (place->tool = language->tools; place->tool->program != NULL; place->tool++) {
    bool last = place->tool[1].program == NULL;
    if (named == NULL) {
      if (find_in_path(place->tool->program, place->path)) return true;
    } else if (last || ends_with(named, place->tool->program)) {
      return *named == '/' && snprintf(place->path, PW_PATH, "%s", named) < PW_PATH && is_program(named);
    }
  }
  return false;
}

/* Of each line that begins with one, and of the first, the first number with dots. */
static void read_versions(const char *said, char versions[PW_VERSIONS]) {
  size_t size = 0;
  versions[0] = '\0';
  for (const char *line = said; line != NULL && *line != '\0';) {
    const char *digits = line;
    if (line == said) digits += strcspn(line, "0123456789");
    size_t length = strspn(digits, "0123456789.");
    if (length > 0 && size + length + 2 < PW_VERSIONS) {
      size += (size_t)snprintf(versions + size, PW_VERSIONS - size, "%s%.*s", size > 0 ? " " : "", (int)length, digits);
    }
    line = strchr(line, '\n');
    if (line != NULL) line++;
  }
}

static int answer_of(const char *path, const struct stat *about) {
  for (int i = 0; i < answered; i++) {
    if (strcmp(answers[i].path, path) == 0 &&
        memcmp(&answers[i].changed, &about->st_mtim, sizeof about->st_mtim) == 0) {
      return i;
    }
  }
  return -1;
}

static void ask(const pw_language *language, pw_place *place) {
  struct stat about;
  if (stat(place->path, &about) != 0) return;
  pthread_mutex_lock(&lock);
  int known = answer_of(place->path, &about);
  if (known >= 0) memcpy(place->versions, answers[known].versions, PW_VERSIONS);
  pthread_mutex_unlock(&lock);
  if (known >= 0) return;
  pw_run run;
  bool asked = pw_run_ask(&run, language, place);
  read_versions(run.out.bytes, place->versions);
  pw_run_free(&run);
  pthread_mutex_lock(&lock);
  if (asked && answered < ANSWERS && answer_of(place->path, &about) < 0) {
    memcpy(answers[answered].path, place->path, PW_PATH);
    memcpy(answers[answered].versions, place->versions, PW_VERSIONS);
    answers[answered++].changed = about.st_mtim;
  }
  pthread_mutex_unlock(&lock);
}

/* Whether one of the versions begins with the one asked for: 8 and 8.1 are in 8.1.2, 8.1 isn't in 8.10. */
static bool is_among(const char *versions, const char *version) {
  size_t size = strlen(version);
  for (const char *each = versions; each != NULL && *each != '\0';) {
    if (strncmp(each, version, size) == 0 && (each[size] == '.' || each[size] == ' ' || each[size] == '\0'))
      return true;
    each = strchr(each, ' ');
    if (each != NULL) each++;
  }
  return false;
}

static bool is_known(const pw_place places[], int count, const char *path) {
  struct stat one, other;
  for (int i = 0; i < count; i++) {
    if (stat(places[i].path, &one) == 0 && stat(path, &other) == 0 && one.st_dev == other.st_dev &&
        one.st_ino == other.st_ino) {
      return true;
    }
  }
  return false;
}

/* Adds what a pattern finds, its `*` being a number. */
static int add_matches(const pw_tool *tool, const char *pattern, pw_place places[PW_PLACES], int count) {
  glob_t matches;
  const char *star = strchr(pattern, '*');
  if (glob(pattern, 0, NULL, &matches) != 0) return count;
  for (size_t i = 0; i < matches.gl_pathc && count < PW_PLACES; i++) {
    const char *path = matches.gl_pathv[i];
    size_t digits = strlen(path) - strlen(pattern) + 1;
    if (digits == 0 || strspn(path + (star - pattern), "0123456789.") < digits || strlen(path) >= PW_PATH) continue;
    /* A version manager's launchers ask for a version themselves, each for as long as a shell takes. */
    if (strstr(path, "/shims/") != NULL || !is_program(path) || is_known(places, count, path)) continue;
    memset(&places[count], 0, sizeof places[count]);
    places[count].tool = tool;
    memcpy(places[count++].path, path, strlen(path) + 1);
  }
  globfree(&matches);
  return count;
}

static int add_versions(const pw_tool *tool, const char *place, pw_place places[PW_PLACES], int count) {
  char name[PW_PATH], pattern[PW_PATH];
  size_t before = strcspn(place, "%");
  snprintf(name, sizeof name, "%.*s*%s", (int)before, place, place + before + 2);
  if (*place == '/') return add_matches(tool, name, places, count);
  char *folders = folders_of_path(), *rest = folders;
  while (rest != NULL) {
    const char *folder = strsep(&rest, ":");
    if (*folder == '/' && snprintf(pattern, sizeof pattern, "%s/%s", folder, name) < PW_PATH) {
      count = add_matches(tool, pattern, places, count);
    }
  }
  free(folders);
  return count;
}

int pw_tools_list(const pw_language *language, pw_place places[PW_PLACES]) {
  int count = find_usual(language, &places[0]) ? 1 : 0;
  for (const pw_tool *tool = language->tools; tool->program != NULL; tool++) {
    pw_place also = {.tool = tool};
    if (count < PW_PLACES && find_in_path(tool->program, also.path) && !is_known(places, count, also.path)) {
      places[count++] = also;
    }
    for (int i = 0; i < PW_LANGUAGE_PLACES && tool->places[i] != NULL; i++) {
      count = add_versions(tool, tool->places[i], places, count);
    }
  }
  /* One that can't tell its version, as a launcher of what isn't installed, is none; each version is taken once. */
  int good = 0;
  for (int i = 0; i < count; i++) {
    ask(language, &places[i]);
    bool fresh = places[i].versions[0] != '\0';
    for (int j = 0; j < good; j++) fresh = fresh && strcmp(places[j].versions, places[i].versions) != 0;
    if (fresh) places[good++] = places[i];
  }
  return good;
}

bool pw_tools_find(const pw_language *language, const char *version, pw_place *place) {
  if (version == NULL || *version == '\0') return find_usual(language, place);
  pw_place places[PW_PLACES];
  int count = pw_tools_list(language, places);
  for (int i = 0; i < count; i++) {
    if (!is_among(places[i].versions, version)) continue;
    *place = places[i];
    return true;
  }
  return false;
}

char *pw_tools_missing(const pw_language *language, const char *version) {
  enum { SIZE = 2048 };
  char variable[32], *text = malloc(SIZE);
  pw_place places[PW_PLACES];
  if (text == NULL) return NULL;
  const char *named = named_by_owner(language, variable);
  int count = version != NULL && *version != '\0' ? pw_tools_list(language, places) : 0;
  if (count > 0) {
    int size = snprintf(text, SIZE, "there is no %s %s on this machine: install it, or take what is here (",
                        language->title, version);
    for (int i = 0; i < count; i++) {
      size += snprintf(text + size, (size_t)(SIZE - size), "%s%s", i > 0 ? ", " : "", places[i].versions);
    }
    snprintf(text + size, (size_t)(SIZE - size), ")");
  } else if (named != NULL) {
    snprintf(text, SIZE, "%s names %s, which is no program that can be run: give a whole path, or take it away",
             variable, named);
  } else {
    snprintf(text, SIZE, "there is no %s on this machine: install it to run %s scripts", language->interpreter,
             language->title);
  }
  return text;
}
