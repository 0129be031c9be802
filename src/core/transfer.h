/* One HTTP exchange on one easy handle. Knows curl, not Lua.
 *
 * A transfer is made once and used for many exchanges, one after the other: libcurl's handle is set up for good when
 * it is made, and each exchange sets only what differs. curl's callbacks do nothing but append to buffers and return
 * a failure code. */
#ifndef PW_TRANSFER_H
#define PW_TRANSFER_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

#include "buffer.h"
#include "wait.h"

/* Why an exchange brought no answer. */
typedef enum pw_failure {
  PW_FAILURE_NONE,
  PW_FAILURE_NETWORK,   /* not resolved, not connected, connection lost */
  PW_FAILURE_TLS,       /* the peers did not agree on a secure channel, or a certificate was not good */
  PW_FAILURE_TIMEOUT,   /* `attempt_timeout` or `connect_timeout` passed */
  PW_FAILURE_PROTOCOL,  /* not what HTTP or our bounds allow */
  PW_FAILURE_CANCELLED, /* ended by us */
  PW_FAILURE_MEMORY     /* an allocation failed */
} pw_failure;

/* What is the same for every exchange. The strings must outlive the transfers made with them; NULL means libcurl's
 * default. */
typedef struct pw_transfer_settings {
  pw_wait *wait;                 /* whose sockets the exchanges use; outlives the multi handle */
  const pw_allocator *allocator; /* for answers; NULL for realloc(3); outlives the transfers */
  size_t max_response_bytes;     /* of the body, declared and decompressed; 0 for no bound */
  const char *user_agent;
  const char *ca_file; /* PEM bundle */
  const char *ca_pem;  /* the same as text, in its place */
  const char *ca_path; /* directory of hashed PEM files */
  const char *proxy;   /* URL; NULL leaves libcurl's environment variables in force */
  const char *client_cert;
  const char *client_key;
} pw_transfer_settings;

/* One exchange. Everything is borrowed and must stay until the exchange is done or cancelled. */
typedef struct pw_request {
  const char *method;               /* "GET", "POST", .. */
  const char *url;                  /* absolute, encoded */
  const struct curl_slist *headers; /* checked lines */
  const char *body;                 /* NULL for none */
  size_t body_size;
  bool once;            /* never let a byte of this go out a second time */
  long attempt_timeout; /* milliseconds for the whole exchange, at least 1 */
  long connect_timeout; /* milliseconds until connected, at least 1 */
} pw_request;

/* The figures of a finished exchange. Times are microseconds since its start. */
typedef struct pw_facts {
  int64_t resolved, connected, secured, requested, answered, total;
  int64_t sent_bytes, received_bytes; /* bodies and headers, as they went over the wire */
  long new_connections;               /* 0 when a kept-alive one served */
  long http_version;                  /* 10, 11, 20, 30; 0 when unknown */
} pw_facts;

typedef struct pw_transfer {
  CURL *easy;
  pw_buffer headers; /* the final answer's header block, raw */
  pw_buffer body;    /* the answer's body, decompressed */
  long status;       /* of the final answer; 0 when there is none */
  pw_failure failure;
  const pw_buffer *full;         /* of the two the one that the answer had no room in; NULL for none */
  bool sent;                     /* at least one byte of the request may have reached the service */
  char message[CURL_ERROR_SIZE]; /* what went wrong, in a sentence without the URL's secrets */
  pw_facts facts;

  const char *request_body; /* borrowed from the request */
  size_t request_size, request_offset;
  bool once, resend_refused;
  pw_wait *wait;      /* of the engine */
  bool alone;         /* nobody shares its connection: nothing is due on it before the request */
  bool stale;         /* a kept connection was refused, on which something lay: to be added again */
  bool starved;       /* paused: there was no memory for what came */
  bool relieved;      /* went on after that, and nothing could be stored since */
  bool length_broken; /* its Content-Length is no length */
  int starts;         /* how often libcurl began to send this request */

  bool active;                         /* the engine's: on the multi handle */
  struct pw_transfer *next, *previous; /* the engine's lists */
} pw_transfer;

/* Makes a transfer; NULL when memory is out or libcurl refuses a setting, which `*refused` then names. */
pw_transfer *pw_transfer_new(const pw_transfer_settings *settings, const char **refused);

/* Prepares the handle for one exchange. False when memory is out. */
bool pw_transfer_prepare(pw_transfer *transfer, const pw_request *request);

/* Reads off the handle how the exchange ended, with libcurl's code for it. */
void pw_transfer_finish(pw_transfer *transfer, CURLcode code);

/* Lets a starved transfer go on; other than CURLE_OK when that ended it. */
CURLcode pw_transfer_resume(pw_transfer *transfer);

/* Whether a byte of the request may have reached the service, of an exchange under way or finished. */
bool pw_transfer_sent(const pw_transfer *transfer);

/* Forgets the exchange, so that the transfer can be used for another. Nothing borrowed is kept. */
void pw_transfer_reset(pw_transfer *transfer);

/* Frees everything. NULL is fine. The handle must not be on a multi handle. */
void pw_transfer_free(pw_transfer *transfer);

#endif
