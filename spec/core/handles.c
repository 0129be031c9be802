/* What a handle of libcurl's is set to, from one exchange to the next, and what it keeps. `handles PART` prints what is
 * not so. */
#include <dlfcn.h>
#include <sys/syscall.h>
#include <time.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "peer.h"

/* libcurl's handles, counted: all that were made are freed. */
static int handles;

CURL *curl_easy_init(void) {
  CURL *(*real)(void) = NULL;
  *(void **)&real = dlsym(RTLD_NEXT, "curl_easy_init");
  handles++;
  return real();
}

void curl_easy_cleanup(CURL *easy) {
  void (*real)(CURL *) = NULL;
  *(void **)&real = dlsym(RTLD_NEXT, "curl_easy_cleanup");
  handles--;
  real(easy);
}

/* The system's clocks, which can be stopped and put ahead: libcurl's too. */
static struct timespec stopped;

__attribute__((visibility("default"))) int clock_gettime(clockid_t id, struct timespec *now) {
  int result = (int)syscall(SYS_clock_gettime, id, now);
  if (id != CLOCK_REALTIME && stopped.tv_sec > 0) *now = stopped;
  return result;
}

/* Settings that libcurl refuses are named; a proxy is the environment's, the setting's, or none. */
static void check_settings(void) {
  char *long_text = calloc(1, 9 * 1000 * 1000);
  if (long_text == NULL) abort();
  memset(long_text, 'x', 9 * 1000 * 1000 - 1);
  const char *refused = NULL;
  CHECK(pw_transfer_new(&(pw_transfer_settings){.user_agent = long_text}, &refused) == NULL);
  CHECK(refused != NULL && strcmp(refused, "user_agent") == 0);
  CHECK(pw_transfer_new(&(pw_transfer_settings){.ca_file = long_text}, &refused) == NULL);
  CHECK(refused != NULL && strcmp(refused, "ca_file") == 0);
  free(long_text);
  peer proxy;
  listen_as(&proxy);
  char place[64];
  snprintf(place, sizeof place, "http://127.0.0.1:%d", proxy.port);
  static const char *const names[] = {"http_proxy", "all_proxy", "ALL_PROXY", NULL};
  for (int i = 0; i < 4; i++) {
    pw_engine engine;
    if (names[i] != NULL) setenv(names[i], place, 1);
    open_engine(&engine, false);
    engine.options.transfer.proxy = names[i] == NULL ? place : NULL;
    pw_transfer *transfer =
        exchange(&engine, &proxy, &(pw_request){.method = "GET", .url = "http://service.invalid/y"}, OK_ANSWER);
    CHECK(transfer->failure == PW_FAILURE_NONE);
    hang_up(&proxy);
    pw_engine_release(&engine, transfer);
    pw_engine_close(&engine);
    if (names[i] != NULL) unsetenv(names[i]);
  }
  leave(&proxy);
}

/* A proxy that refuses: what it was told is not the service's, the second time either. */
static void check_proxy(void) {
  peer proxy;
  pw_engine engine;
  listen_as(&proxy);
  open_engine(&engine, false);
  char place[64];
  snprintf(place, sizeof place, "http://127.0.0.1:%d", proxy.port);
  engine.options.transfer.proxy = place;
  const char *url[] = {"https://service.invalid/", "http://service.invalid/", "https://service.invalid/"};
  for (int i = 0; i < 3; i++) {
    pw_transfer *transfer = exchange(&engine, &proxy, &(pw_request){.method = "GET", .url = url[i], .once = true},
                                     i == 1 ? OK_ANSWER : "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n");
    CHECK(transfer->sent == (i == 1) && transfer->failure == (i == 1 ? PW_FAILURE_NONE : PW_FAILURE_NETWORK));
    CHECK((i == 1) == (strncmp(proxy.heard, "GET ", 4) == 0) && (i == 1 || strncmp(proxy.heard, "CONNECT ", 8) == 0));
    pw_engine_release(&engine, transfer);
    hang_up(&proxy);
  }
  pw_engine_close(&engine);
  leave(&proxy);
}

/* What libcurl's codes stand for, and a sentence where it has said none. */
static void check_codes(void) {
  static const struct {
    CURLcode code;
    pw_failure failure;
  } cases[] = {
      {CURLE_PEER_FAILED_VERIFICATION, PW_FAILURE_TLS}, {CURLE_SSL_CERTPROBLEM, PW_FAILURE_TLS},
      {CURLE_SSL_CACERT_BADFILE, PW_FAILURE_TLS},       {CURLE_SSL_CONNECT_ERROR, PW_FAILURE_TLS},
      {CURLE_OUT_OF_MEMORY, PW_FAILURE_MEMORY},         {CURLE_OPERATION_TIMEDOUT, PW_FAILURE_TIMEOUT},
      {CURLE_GOT_NOTHING, PW_FAILURE_NETWORK},          {CURLE_RECV_ERROR, PW_FAILURE_NETWORK},
      {CURLE_WEIRD_SERVER_REPLY, PW_FAILURE_PROTOCOL},  {CURLE_WRITE_ERROR, PW_FAILURE_PROTOCOL},
  };
  const char *refused = NULL;
  pw_transfer *transfer = pw_transfer_new(&(pw_transfer_settings){.user_agent = "spec"}, &refused);
  if (transfer == NULL) abort();
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    pw_transfer_finish(transfer, cases[i].code);
    CHECK(transfer->failure == cases[i].failure && strcmp(transfer->message, curl_easy_strerror(cases[i].code)) == 0);
    pw_transfer_reset(transfer);
    CHECK(transfer->failure == PW_FAILURE_NONE && transfer->message[0] == 0 && !transfer->sent);
  }
  pw_transfer_free(transfer);
  pw_transfer_free(NULL);
  CHECK(handles == 0);
#ifdef __GLIBC__ /* all of their memory goes back */
  size_t before = mallinfo2().uordblks;
  for (int i = 0; i < 100; i++)
    pw_transfer_free(pw_transfer_new(&(pw_transfer_settings){.user_agent = "spec"}, &refused));
  CHECK(mallinfo2().uordblks < before + 50 * sizeof *transfer);
#endif
}

/* Whether an exchange, so many seconds after the one before, has a connection of its own. */
static bool connects(pw_engine *engine, peer *self, bool once, time_t later) {
  stopped.tv_sec += later;
  begin(engine, &(pw_request){.method = "GET", .url = self->url, .once = once});
  for (int i = 0; i < 4000 && !hears(self); i++) {
    step(engine, 5);
    int another = accept4(self->listener, NULL, NULL, SOCK_NONBLOCK);
    if (another < 0) continue;
    hang_up(self);
    self->connection = another;
    self->connections++;
  }
  say(self, OK_ANSWER, strlen(OK_ANSWER));
  pw_transfer *transfer = await_end(engine);
  CHECK(transfer != NULL && transfer->failure == PW_FAILURE_NONE);
  bool connected = transfer->facts.new_connections > 0;
  pw_engine_release(engine, transfer);
  return connected;
}

/* What goes out once meets no connection that a server may just be closing. */
static void check_idle(void) {
  peer service;
  pw_engine engine;
  listen_as(&service);
  open_engine(&engine, false);
  clock_gettime(CLOCK_MONOTONIC, &stopped);
  CHECK(connects(&engine, &service, true, 0) && !connects(&engine, &service, true, 2));
  CHECK(connects(&engine, &service, true, 3) && !connects(&engine, &service, false, 118));
  CHECK(connects(&engine, &service, false, 119) && service.connections == 3);
  stopped = (struct timespec){0};
  pw_engine_close(&engine);
  leave(&service);
}

/* What an idle transfer holds on to: of a body 64 KiB, of headers 8. */
static void check_kept(void) {
  static const struct {
    int line, lines, body;
    size_t held;
  } cases[] = {{100, 70, 60000, 64 + 8}, {100, 90, 60000, 64}, {100, 70, 70000, 8}, {100, 90, 70000, 0}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    peer service;
    pw_engine engine;
    listen_as(&service);
    open_engine(&engine, false);
    engine.options.transfer.max_response_bytes = 0;
    char *answer = malloc((size_t)(cases[i].line + 20) * (size_t)cases[i].lines + (size_t)cases[i].body + 100);
    if (answer == NULL) abort();
    char *at = answer + sprintf(answer, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n", cases[i].body);
    for (int line = 0; line < cases[i].lines; line++) at += sprintf(at, "X: %0*d\r\n", cases[i].line - 5, line);
    at += sprintf(at, "\r\n%0*d", cases[i].body, 7);
    get(&engine, &service);
    await_request(&engine, &service);
    say(&service, answer, (size_t)(at - answer));
    pw_transfer *transfer = await_end(&engine);
    CHECK(transfer->failure == PW_FAILURE_NONE && transfer->body.length == (size_t)cases[i].body);
    pw_engine_release(&engine, transfer);
    CHECK(pw_engine_held(&engine) == cases[i].held * 1024);
    pw_engine_close(&engine);
    leave(&service);
    free(answer);
  }
}

int main(int count, char **words) {
  static const char *const names[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) unsetenv(names[i]);
  static const part parts[] = {
      {"settings", check_settings}, {"proxy", check_proxy}, {"codes", check_codes},
      {"idle", check_idle},         {"kept", check_kept},   {NULL, NULL},
  };
  return check_parts(parts, count, words);
}
