#include "transfer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "text.h"

enum {
  MAX_HEADER_BYTES = 256 * 1024, /* a block of 20,000 headers is an attack or a loop, not an answer */
  KEPT_BODY_BYTES = 64 * 1024,   /* what an idle transfer holds on to */
  KEPT_HEADER_BYTES = 8 * 1024,
  /* Seconds. Common servers close an idle connection after 5 or more; a body that must go out once stays well below,
   * so that it hardly ever meets a connection that the server is just closing. */
  ONCE_MAX_IDLE = 2,
  REPEATABLE_MAX_IDLE = 118 /* libcurl's own default */
};

static size_t store(pw_transfer *transfer, pw_buffer *buffer, const char *bytes, size_t size) {
  switch (pw_buffer_append(buffer, bytes, size)) {
    case PW_APPENDED: return size;
    case PW_APPEND_FULL: transfer->full = buffer; break;
    case PW_APPEND_NO_MEMORY: transfer->failure = PW_FAILURE_MEMORY; break;
  }
  return size == 0 ? 1 : 0;
}

/* Where memory is out the transfer waits, once, for whoever can collect garbage; that is not done in here. */
static size_t on_body(char *bytes, size_t unit, size_t count, void *data) {
  pw_transfer *transfer = data;
  size_t size = unit * count;
  if (size == 0) return 0;
  size_t stored = store(transfer, &transfer->body, bytes, size);
  bool starved = stored != size && transfer->failure == PW_FAILURE_MEMORY;
  if (!starved || transfer->relieved) {
    if (!starved) transfer->relieved = false;
    return stored;
  }
  transfer->failure = PW_FAILURE_NONE;
  transfer->starved = true;
  return CURL_WRITEFUNC_PAUSE;
}

/* Whether a header line gives the answer another length than a line before it, or one that is no number: somebody on
 * the way may have seen another end of it. */
static bool breaks_length(const pw_transfer *transfer, pw_span line) {
  pw_span length, earlier;
  if (line.size == 0 || (line.bytes[0] | ' ') != 'c') return false; /* as most lines, at once */
  if (!pw_header_find(line, "content-length", &length)) return false;
  pw_span block = {transfer->headers.data, transfer->headers.length};
  if (!pw_header_find(block, "content-length", &earlier)) earlier = length;
  return !pw_length_agrees(length, earlier);
}

static size_t on_header(char *bytes, size_t unit, size_t count, void *data) {
  pw_transfer *transfer = data;
  size_t size = unit * count;
  /* A second status line follows an interim answer (100, 103): only the last answer's headers count. */
  if (size > 5 && memcmp(bytes, "HTTP/", 5) == 0) transfer->headers.length = 0;
  transfer->length_broken = breaks_length(transfer, (pw_span){bytes, size});
  if (transfer->length_broken) return size == 0 ? 1 : 0;
  return store(transfer, &transfer->headers, bytes, size);
}

static size_t on_read(char *into, size_t unit, size_t count, void *data) {
  pw_transfer *transfer = data;
  size_t room = unit * count;
  size_t left = transfer->request_size - transfer->request_offset;
  size_t size = left < room ? left : room;
  if (size == 0) return 0;
  memcpy(into, transfer->request_body + transfer->request_offset, size);
  transfer->request_offset += size;
  return size;
}

/* Only for requests that may be repeated: without a seek function libcurl can't send a body again, and gives
 * CURLE_SEND_FAIL_REWIND instead of a second POST. */
static int on_seek(void *data, curl_off_t offset, int origin) {
  pw_transfer *transfer = data;
  if (origin != SEEK_SET || offset < 0 || (size_t)offset > transfer->request_size) return CURL_SEEKFUNC_FAIL;
  transfer->request_offset = (size_t)offset;
  return CURL_SEEKFUNC_OK;
}

static bool sent_anything(const pw_transfer *transfer) {
  long bytes = 0;
  curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &bytes);
  return bytes > 0 || transfer->request_offset > 0;
}

static long small_fact(CURL *easy, CURLINFO id) {
  long value = 0;
  curl_easy_getinfo(easy, id, &value);
  return value;
}

/* Whether anything lies on a kept connection: an answer too many, which would be taken for this one, or its end. */
static bool lies_ready(const pw_transfer *transfer, int local_port) {
  /* A new one: TLS may have sent tickets. */
  if (small_fact(transfer->easy, CURLINFO_NUM_CONNECTS) != 0) return false;
  int socket = pw_wait_socket_at(transfer->wait, local_port);
  char byte;
  return socket >= 0 && recv(socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0;
}

/* libcurl calls this on a connection that is ready, right before a request goes out, and again when it decides by
 * itself to send the request a second time: the one place where that can be refused for a request without a body. */
static int on_start(void *data, char *peer, char *local, int peer_port, int local_port) {
  (void)peer, (void)local, (void)peer_port;
  pw_transfer *transfer = data;
  transfer->starts++;
  /* libcurl 7.88 takes a readable connection for one that lives. Nothing has been sent: another one does no harm. */
  if (transfer->starts == 1 && transfer->alone && lies_ready(transfer, local_port)) {
    transfer->stale = true;
    return CURL_PREREQFUNC_ABORT;
  }
  if (transfer->once && transfer->starts > 1 && sent_anything(transfer)) {
    transfer->resend_refused = true;
    return CURL_PREREQFUNC_ABORT;
  }
  return CURL_PREREQFUNC_OK;
}

static curl_socket_t on_open_socket(void *data, curlsocktype purpose, struct curl_sockaddr *address) {
  (void)purpose;
  int fd = pw_wait_open_socket(data, address->family, address->socktype, address->protocol);
  return fd >= 0 ? fd : CURL_SOCKET_BAD;
}

static int on_close_socket(void *data, curl_socket_t socket) {
  pw_wait_close_socket(data, (int)socket);
  return 0;
}

typedef struct option {
  CURLoption id;
  const char *name;
  const char *text;
} option;

static bool set_texts(CURL *easy, const pw_transfer_settings *settings, const char **refused) {
  const option options[] = {
    {CURLOPT_USERAGENT, "user_agent", settings->user_agent},
    {CURLOPT_CAINFO, "ca_file", settings->ca_file},
    {CURLOPT_CAPATH, "ca_path", settings->ca_path},
    {CURLOPT_PROXY, "proxy", settings->proxy},
    {CURLOPT_SSLCERT, "client_cert", settings->client_cert},
    {CURLOPT_SSLKEY, "client_key", settings->client_key},
    {CURLOPT_ACCEPT_ENCODING, "encodings", ""}, /* every one that libcurl can undo */
#if LIBCURL_VERSION_NUM >= 0x075500
    {CURLOPT_PROTOCOLS_STR, "protocols", "http,https"},
#endif
  };
  for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
    if (options[i].text == NULL) continue;
    if (curl_easy_setopt(easy, options[i].id, options[i].text) != CURLE_OK) {
      *refused = options[i].name;
      return false;
    }
  }
  if (settings->ca_pem == NULL) return true;
  *refused = "ca_pem";
  struct curl_blob blob = {(void *)settings->ca_pem, strlen(settings->ca_pem), CURL_BLOB_NOCOPY};
  return curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &blob) == CURLE_OK;
}

/* Without a proxy in sight libcurl need not look for one in the environment before each request: eight lookups each. */
static bool environment_has_proxy(void) {
  static const char *const names[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    if (getenv(names[i]) != NULL) return true;
  }
  return false;
}

static void set_numbers(CURL *easy, const pw_transfer_settings *settings) {
#if LIBCURL_VERSION_NUM < 0x075500
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
#if LIBCURL_VERSION_NUM >= 0x075700
  /* Whoever gives up doesn't wait for the thread that looks a name up; it ends by itself, in libcurl's own code. */
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 1L);
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
  curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)settings->max_response_bytes);
}

static void set_callbacks(pw_transfer *transfer, pw_wait *wait) {
  CURL *easy = transfer->easy;
  curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->message);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
  curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
  curl_easy_setopt(easy, CURLOPT_READDATA, transfer);
  curl_easy_setopt(easy, CURLOPT_SEEKDATA, transfer);
  curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_start);
  curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, wait);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close_socket);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, wait);
}

pw_transfer *pw_transfer_new(const pw_transfer_settings *settings, const char **refused) {
  *refused = NULL;
  pw_transfer *transfer = calloc(1, sizeof *transfer);
  if (transfer == NULL) return NULL;
  transfer->headers.limit = MAX_HEADER_BYTES;
  transfer->body.limit = settings->max_response_bytes;
  transfer->headers.allocator = transfer->body.allocator = settings->allocator;
  transfer->easy = curl_easy_init();
  if (transfer->easy == NULL || !set_texts(transfer->easy, settings, refused)) {
    pw_transfer_free(transfer);
    return NULL;
  }
  set_numbers(transfer->easy, settings);
  if (settings->proxy == NULL && !environment_has_proxy()) {
    curl_easy_setopt(transfer->easy, CURLOPT_PROXY, "");
    /* Only a proxy's is written by libcurl: the service's is a header of the request, which costs half as much. */
    curl_easy_setopt(transfer->easy, CURLOPT_USERAGENT, NULL);
  }
  transfer->wait = settings->wait;
  set_callbacks(transfer, settings->wait);
  return transfer;
}

/* Which of libcurl's request forms carries the method: a body makes it an upload by our read callback, never
 * POSTFIELDS, which libcurl would send again unasked when a kept-alive connection dies. */
static bool set_method(pw_transfer *transfer, const pw_request *request) {
  CURL *easy = transfer->easy;
  bool is_get = strcmp(request->method, "GET") == 0;
  bool is_post = strcmp(request->method, "POST") == 0;
  bool has_body = request->body != NULL || is_post;
  curl_easy_setopt(easy, has_body ? CURLOPT_POST : CURLOPT_HTTPGET, 1L);
  if (has_body) curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_size);
  curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, request->once ? NULL : on_seek);
  const char *custom = (is_get && !has_body) || is_post ? NULL : request->method;
  return curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, custom) == CURLE_OK;
}

bool pw_transfer_prepare(pw_transfer *transfer, const pw_request *request) {
  CURL *easy = transfer->easy;
  transfer->request_body = request->body;
  transfer->request_size = request->body_size;
  transfer->once = request->once;
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, request->headers);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, request->attempt_timeout);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, request->connect_timeout);
  curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)(request->once ? ONCE_MAX_IDLE : REPEATABLE_MAX_IDLE));
  /* Waiting for a connection that may turn out to be HTTP/2 beats opening another, but only TLS can offer it. */
  curl_easy_setopt(easy, CURLOPT_PIPEWAIT, strncmp(request->url, "https", 5) == 0 ? 1L : 0L);
  return set_method(transfer, request) && curl_easy_setopt(easy, CURLOPT_URL, request->url) == CURLE_OK;
}

static bool says(const pw_transfer *transfer, const char *words) { return strstr(transfer->message, words) != NULL; }

/* A connection that is lost in the handshake is the network's doing and passes; a refused certificate does not. */
static bool lost_in_handshake(const pw_transfer *transfer) {
  return says(transfer, "SSL_ERROR_SYSCALL") || says(transfer, "unexpected eof") || says(transfer, "reset by peer");
}

/* Three things have no code of their own in libcurl 7.88 and are told by its sentence. */
static pw_failure failure_of(const pw_transfer *transfer, CURLcode code) {
  switch (code) {
    case CURLE_OK: return PW_FAILURE_NONE;
    case CURLE_OUT_OF_MEMORY: return PW_FAILURE_MEMORY;
    case CURLE_OPERATION_TIMEDOUT: return PW_FAILURE_TIMEOUT;
    case CURLE_SSL_CONNECT_ERROR: return lost_in_handshake(transfer) ? PW_FAILURE_NETWORK : PW_FAILURE_TLS;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_USE_SSL_FAILED: return PW_FAILURE_TLS;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_FILESIZE_EXCEEDED:
    case CURLE_WRITE_ERROR: return PW_FAILURE_PROTOCOL;
    default:
      if (says(transfer, "alert certificate required")) return PW_FAILURE_TLS;
      return says(transfer, "Too large response headers") ? PW_FAILURE_PROTOCOL : PW_FAILURE_NETWORK;
  }
}

static int64_t fact(CURL *easy, CURLINFO id) {
  curl_off_t value = 0;
  curl_easy_getinfo(easy, id, &value);
  return (int64_t)value;
}

static void read_facts(pw_transfer *transfer) {
  CURL *easy = transfer->easy;
  pw_facts *facts = &transfer->facts;
  facts->resolved = fact(easy, CURLINFO_NAMELOOKUP_TIME_T);
  facts->connected = fact(easy, CURLINFO_CONNECT_TIME_T);
  facts->secured = fact(easy, CURLINFO_APPCONNECT_TIME_T);
  facts->requested = fact(easy, CURLINFO_PRETRANSFER_TIME_T);
  facts->answered = fact(easy, CURLINFO_STARTTRANSFER_TIME_T);
  facts->total = fact(easy, CURLINFO_TOTAL_TIME_T);
  facts->sent_bytes = small_fact(easy, CURLINFO_REQUEST_SIZE) + fact(easy, CURLINFO_SIZE_UPLOAD_T);
  facts->received_bytes = small_fact(easy, CURLINFO_HEADER_SIZE) + fact(easy, CURLINFO_SIZE_DOWNLOAD_T);
  facts->new_connections = small_fact(easy, CURLINFO_NUM_CONNECTS);
  switch (small_fact(easy, CURLINFO_HTTP_VERSION)) {
    case CURL_HTTP_VERSION_1_0: facts->http_version = 10; break;
    case CURL_HTTP_VERSION_1_1: facts->http_version = 11; break;
    case CURL_HTTP_VERSION_2_0: facts->http_version = 20; break;
    case CURL_HTTP_VERSION_3: facts->http_version = 30; break;
    default: facts->http_version = 0;
  }
}

/* libcurl counts what it says to a proxy before there is a connection that carries requests. */
bool pw_transfer_sent(const pw_transfer *transfer) {
  return transfer->sent || (transfer->active && transfer->starts > 0 && sent_anything(transfer));
}

/* One sentence, whoever noticed: libcurl by what is declared, or we by what came, which libcurl has other words for. */
static void tell_full(pw_transfer *transfer) {
  bool is_body = transfer->full == &transfer->body;
  transfer->failure = PW_FAILURE_PROTOCOL;
  snprintf(transfer->message, sizeof transfer->message, "the answer's %s over %zu bytes%s",
           is_body ? "body is" : "headers are", transfer->full->limit, is_body ? " (max_response_bytes)" : "");
}

void pw_transfer_finish(pw_transfer *transfer, CURLcode code) {
  transfer->status = small_fact(transfer->easy, CURLINFO_RESPONSE_CODE);
  transfer->sent = transfer->starts > 0 && sent_anything(transfer);
  read_facts(transfer);
  if (transfer->failure == PW_FAILURE_NONE) transfer->failure = failure_of(transfer, code);
  if (code == CURLE_FILESIZE_EXCEEDED) transfer->full = &transfer->body;
  if (transfer->full != NULL) tell_full(transfer);
  if (transfer->length_broken) {
    transfer->failure = PW_FAILURE_PROTOCOL;
    snprintf(transfer->message, sizeof transfer->message, "the answer has two lengths, or one that is no number");
  }
  /* What libcurl 7.88 calls out of memory is also a header line that is longer than it takes. */
  if (code == CURLE_OUT_OF_MEMORY && transfer->headers.length > 0) {
    transfer->failure = PW_FAILURE_PROTOCOL;
    snprintf(transfer->message, sizeof transfer->message, "the answer has a header that libcurl can't hold");
  }
  if (transfer->resend_refused || code == CURLE_SEND_FAIL_REWIND) {
    transfer->failure = PW_FAILURE_NETWORK;
    snprintf(transfer->message, sizeof transfer->message, "the connection ended before an answer came");
  }
  /* A server that demands a certificate says so only after TLS 1.3's client side is done and the request is on its
   * way; it has not read it. */
  if (transfer->failure == PW_FAILURE_TLS) transfer->sent = false;
  if (code != CURLE_OK && transfer->message[0] == 0) {
    snprintf(transfer->message, sizeof transfer->message, "%s", curl_easy_strerror(code));
  }
}

CURLcode pw_transfer_resume(pw_transfer *transfer) {
  transfer->starved = false;
  transfer->relieved = true;
  return curl_easy_pause(transfer->easy, CURLPAUSE_CONT);
}

void pw_transfer_reset(pw_transfer *transfer) {
  pw_buffer_clear(&transfer->headers, KEPT_HEADER_BYTES);
  pw_buffer_clear(&transfer->body, KEPT_BODY_BYTES);
  transfer->status = 0;
  transfer->failure = PW_FAILURE_NONE;
  transfer->sent = transfer->once = transfer->resend_refused = transfer->stale = false;
  transfer->starved = transfer->relieved = transfer->length_broken = false;
  transfer->message[0] = 0;
  transfer->full = NULL;
  transfer->request_body = NULL;
  transfer->request_size = transfer->request_offset = 0;
  transfer->starts = 0;
  /* libcurl keeps pointers, not copies, of the header list: it must not see the old one again. */
  curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, NULL);
}

void pw_transfer_free(pw_transfer *transfer) {
  if (transfer == NULL) return;
  if (transfer->easy != NULL) curl_easy_cleanup(transfer->easy);
  pw_buffer_free(&transfer->headers);
  pw_buffer_free(&transfer->body);
  free(transfer);
}
