/* What goes over the wire for one exchange, and what comes of it. `exchanges PART` prints what is not so. */
#include "peer.h"

static bool heard(const peer *self, const char *words) { return strstr(self->heard, words) != NULL; }

/* The request that goes out, and the facts of its exchange. */
static void check_request(const char *method, const char *body, bool once, const char *line, const char *length) {
  peer service;
  pw_engine engine;
  listen_as(&service);
  open_engine(&engine, false);
  struct curl_slist *headers = curl_slist_append(NULL, "X-Spec: yes");
  headers = curl_slist_append(headers, "User-Agent: mine");
  pw_request request = {.method = method, .url = service.url, .headers = headers, .body = body, .once = once};
  request.body_size = body != NULL ? strlen(body) : 0;
  CHECK(begin(&engine, &request) != NULL);
  await_request(&engine, &service);
  CHECK(strncmp(service.heard, line, strlen(line)) == 0 && heard(&service, "\r\nX-Spec: yes\r\n"));
  CHECK(heard(&service, "\r\nUser-Agent: mine\r\n") && heard(&service, "\r\nAccept-Encoding: "));
  CHECK(length != NULL ? heard(&service, length) : !heard(&service, "Content-Length"));
  CHECK(!heard(&service, "Transfer-Encoding"));
  size_t asked = service.size;
  if (body != NULL && strlen(body) > 0) CHECK(strcmp(service.heard + asked - strlen(body), body) == 0);
  say(&service, OK_ANSWER, strlen(OK_ANSWER));
  pw_transfer *transfer = await_end(&engine);
  const pw_facts *facts = &transfer->facts;
  CHECK(transfer->failure == PW_FAILURE_NONE && transfer->status == 200 && transfer->sent);
  CHECK(transfer->body.length == 2 && memcmp(transfer->body.data, "{}", 2) == 0);
  CHECK(transfer->headers.length == service.said - 2 &&
        memcmp(transfer->headers.data, OK_ANSWER, service.said - 2) == 0);
  CHECK(facts->sent_bytes == (int64_t)asked && facts->received_bytes == (int64_t)service.said);
  CHECK(facts->new_connections == 1 && facts->http_version == 11 && facts->secured == 0);
  CHECK(0 < facts->connected && facts->resolved <= facts->connected && facts->connected <= facts->requested);
  CHECK(facts->requested <= facts->answered && facts->answered <= facts->total);
  CHECK(pw_engine_take(&engine) == NULL);
  pw_engine_release(&engine, transfer);
  pw_engine_close(&engine);
  curl_slist_free_all(headers);
  leave(&service);
}

static void check_requests(void) {
  check_request("GET", NULL, false, "GET /x HTTP/1.1\r\n", NULL);
  check_request("GET", "body", false, "GET /x HTTP/1.1\r\n", "\r\nContent-Length: 4\r\n");
  check_request("POST", "body", true, "POST /x HTTP/1.1\r\n", "\r\nContent-Length: 4\r\n");
  check_request("POST", NULL, true, "POST /x HTTP/1.1\r\n", "\r\nContent-Length: 0\r\n");
  check_request("PUT", "a body", false, "PUT /x HTTP/1.1\r\n", "\r\nContent-Length: 6\r\n");
  check_request("DELETE", NULL, false, "DELETE /x HTTP/1.1\r\n", NULL);
}

/* What comes of an answer: the failure, the status, and a word of the sentence. */
static void expect(const char *answer, pw_failure failure, long status, const char *words) {
  peer service;
  pw_engine engine;
  listen_as(&service);
  open_engine(&engine, false);
  begin(&engine, &(pw_request){.method = "GET", .url = service.url, .once = true});
  await_request(&engine, &service);
  if (answer != NULL) say(&service, answer, strlen(answer));
  hang_up(&service);
  pw_transfer *transfer = await_end(&engine);
  CHECK(transfer != NULL && transfer->failure == failure && (failure != PW_FAILURE_NONE || transfer->status == status));
  CHECK(transfer->sent && (failure != PW_FAILURE_NONE || transfer->facts.http_version == (answer[7] == '0' ? 10 : 11)));
  if (failure != PW_FAILURE_NONE) CHECK(strstr(transfer->message, words) != NULL);
  if (failures > 0)
    fprintf(stderr, "  %.60s: %d %ld %s\n", answer, (int)transfer->failure, transfer->status, transfer->message);
  pw_engine_release(&engine, transfer);
  pw_engine_close(&engine);
  leave(&service);
}

static char *repeated(const char *before, const char *each, int count) {
  char *text = malloc(strlen(before) + strlen(each) * (size_t)count + 3);
  if (text == NULL) abort();
  char *at = text + sprintf(text, "%s", before);
  while (count-- > 0) at += sprintf(at, "%s", each);
  strcpy(at, "\r\n");
  return text;
}

static void check_answers(void) {
  expect(OK_ANSWER, PW_FAILURE_NONE, 200, "");
  expect("HTTP/1.0 404 Gone\r\n\r\nx", PW_FAILURE_NONE, 404, "");
  expect("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}", PW_FAILURE_NONE, 200, "");
  expect("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}", PW_FAILURE_PROTOCOL, 0, "two lengths");
  expect("HTTP/1.1 200 OK\r\nContent-Length: 2x\r\n\r\n{}", PW_FAILURE_PROTOCOL, 0, "no number");
  expect("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", PW_FAILURE_PROTOCOL, 0,
         "over 1000 bytes (max_response_bytes)");
  expect("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{}", PW_FAILURE_NETWORK, 0, "");
  expect("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", PW_FAILURE_PROTOCOL, 0, "");
  expect("hello\r\n\r\n", PW_FAILURE_PROTOCOL, 0, "");
  expect(NULL, PW_FAILURE_NETWORK, 0, "");
  /* Interim answers, of which nothing stays; their lengths don't count. */
  expect("HTTP/1.1 103 Early\r\nContent-Length: 7\r\n\r\n" OK_ANSWER, PW_FAILURE_NONE, 200, "");
  char *body = repeated("HTTP/1.1 200 OK\r\n\r\n", "x", 998);
  expect(body, PW_FAILURE_NONE, 200, "");
  free(body);
  /* The same words where the length was not declared. */
  const char *too_long = "the answer's body is over 1000 bytes (max_response_bytes)";
  body = repeated("HTTP/1.1 200 OK\r\n\r\n", "x", 999);
  expect(body, PW_FAILURE_PROTOCOL, 0, too_long);
  free(body);
  body = repeated("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n", "x", 1001);
  expect(body, PW_FAILURE_PROTOCOL, 0, too_long);
  free(body);
}

/* Headers in sum: what fits, and what is one byte more. */
static void check_header_bound(void) {
  enum { MOST = 256 * 1024, LINE = 64 };
  static const char line[] = "X-Long: 4567890123456789012345678901234567890123456789012345678\r\n"; /* 65 bytes */
  peer service;
  pw_engine engine;
  listen_as(&service);
  open_engine(&engine, false);
  pw_transfer *transfer = get(&engine, &service);
  await_request(&engine, &service);
  int small = 65536;
  setsockopt(service.connection, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
  say(&service, "HTTP/1.1 200 OK\r\n", 17);
  size_t said = 17, highest = 0;
  while (engine.done.first == NULL && said < 2 * MOST) {
    say(&service, line, sizeof line - 1);
    said += sizeof line - 1;
    step(&engine, 0);
    if (transfer->headers.length > highest) highest = transfer->headers.length;
  }
  transfer = pw_engine_take(&engine);
  CHECK(transfer != NULL && transfer->failure == PW_FAILURE_PROTOCOL && highest > MOST - 2 * LINE && highest <= MOST);
  pw_engine_release(&engine, transfer);
  pw_engine_close(&engine);
  leave(&service);
}

/* What ends before anything is sent. */
static void refuse(const char *url, long connect_timeout, pw_failure failure) {
  pw_engine engine;
  open_engine(&engine, false);
  begin(&engine, &(pw_request){.method = "POST",
                               .url = url,
                               .body = "{}",
                               .body_size = 2,
                               .once = true,
                               .connect_timeout = connect_timeout});
  pw_transfer *transfer = await_end(&engine);
  CHECK(transfer != NULL && transfer->failure == failure && !transfer->sent && transfer->message[0] != 0);
  if (failures > 0) fprintf(stderr, "  %s: %d %s\n", url, (int)transfer->failure, transfer->message);
  pw_engine_release(&engine, transfer);
  pw_engine_close(&engine);
}

static void check_refusals(void) {
  refuse("http://127.0.0.1:1/", 0, PW_FAILURE_NETWORK);
  refuse("ftp://127.0.0.1/", 0, PW_FAILURE_PROTOCOL);
  refuse("http://127.0.0.1:99999999/", 0, PW_FAILURE_PROTOCOL);
  peer service;
  pw_engine engine;
  listen_as(&service);
  char url[80];
  snprintf(url, sizeof url, "https://127.0.0.1:%d/", service.port);
  refuse(url, 40, PW_FAILURE_TIMEOUT);
  hears(&service);
  hang_up(&service);
  /* TLS that is answered in plain words, and TLS that is cut off. */
  for (int cut = 0; cut < 2; cut++) {
    open_engine(&engine, false);
    begin(&engine, &(pw_request){.method = "GET", .url = url});
    for (int i = 0; i < 4000 && service.size == 0; i++) {
      step(&engine, 5);
      hears(&service);
    }
    if (!cut) say(&service, OK_ANSWER, strlen(OK_ANSWER));
    hang_up(&service);
    pw_transfer *transfer = await_end(&engine);
    CHECK(transfer->failure == (cut ? PW_FAILURE_NETWORK : PW_FAILURE_TLS) && !transfer->sent);
    pw_engine_release(&engine, transfer);
    pw_engine_close(&engine);
  }
  /* Sent, and never answered. */
  open_engine(&engine, false);
  begin(&engine, &(pw_request){.method = "GET", .url = service.url, .attempt_timeout = 60});
  await_request(&engine, &service);
  pw_transfer *transfer = await_end(&engine);
  CHECK(transfer->failure == PW_FAILURE_TIMEOUT && transfer->sent && transfer->facts.total >= 55000);
  pw_engine_release(&engine, transfer);
  pw_engine_close(&engine);
  leave(&service);
}

/* A kept connection that ends with the request on its way: what may go twice goes again, what goes once does not. */
static void check_once(bool once, const char *method, const char *body) {
  peer service;
  pw_engine engine;
  listen_as(&service);
  open_engine(&engine, false);
  pw_request request = {.method = method, .url = service.url, .body = body, .once = once};
  request.body_size = body != NULL ? strlen(body) : 0;
  pw_engine_release(&engine, exchange(&engine, &service, &request, OK_ANSWER));
  begin(&engine, &request);
  await_request(&engine, &service);
  hang_up(&service);
  int connections = service.connections;
  for (int i = 0; i < 400 && engine.done.first == NULL && service.size == 0; i++) {
    step(&engine, 5);
    hears(&service);
  }
  CHECK(service.connections - connections <= 1 && (service.size > 0) == !once);
  if (!once) {
    await_request(&engine, &service);
    if (body != NULL) CHECK(strcmp(service.heard + service.size - strlen(body), body) == 0);
    say(&service, OK_ANSWER, strlen(OK_ANSWER));
  }
  pw_transfer *transfer = await_end(&engine);
  CHECK(transfer->failure == (once ? PW_FAILURE_NETWORK : PW_FAILURE_NONE) && transfer->sent);
  if (once) CHECK(strcmp(transfer->message, "the connection ended before an answer came") == 0);
  pw_engine_release(&engine, transfer);
  /* Nothing of it is left for the next one. */
  if (once) hang_up(&service);
  request.once = false;
  transfer = exchange(&engine, &service, &request, OK_ANSWER);
  CHECK(transfer->failure == PW_FAILURE_NONE && transfer->status == 200 && transfer->body.length == 2);
  pw_engine_release(&engine, transfer);
  pw_engine_close(&engine);
  leave(&service);
}

static void check_repeats(void) {
  check_once(true, "GET", NULL);
  check_once(true, "POST", "body");
  check_once(false, "GET", NULL);
  check_once(false, "PUT", "a body");
}

int main(int count, char **words) {
  static const char *const names[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) unsetenv(names[i]);
  static const part parts[] = {
      {"requests", check_requests}, {"answers", check_answers}, {"header_bound", check_header_bound},
      {"refusals", check_refusals}, {"repeats", check_repeats}, {NULL, NULL},
  };
  return check_parts(parts, count, words);
}
