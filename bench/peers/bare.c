/* The floor: libcurl alone, one easy handle, the same headers as the client's, every answer thrown away.
 *   bare URL KEY COUNT   prints the seconds that COUNT gets took */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static size_t drop(char *bytes, size_t unit, size_t count, void *data) {
  (void)bytes, (void)data;
  return unit * count;
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(int count, char **words) {
  if (count != 4) return 2;
  char key[256];
  snprintf(key, sizeof key, "Authorization: %s", words[2]);
  CURL *easy = curl_easy_init();
  struct curl_slist *headers = curl_slist_append(NULL, key);
  headers = curl_slist_append(headers, "Accept: application/json");
  headers = curl_slist_append(headers, "Content-Type: application/json");
  curl_easy_setopt(easy, CURLOPT_URL, words[1]);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, drop);
  curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "bare libcurl");
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 30000L);
  for (int i = 0; i < 100; i++) {
    if (curl_easy_perform(easy) != CURLE_OK) return 1;
  }
  double began = now();
  for (int i = atoi(words[3]); i > 0; i--) {
    if (curl_easy_perform(easy) != CURLE_OK) return 1;
  }
  printf("%.6f\n", now() - began);
  curl_slist_free_all(headers);
  curl_easy_cleanup(easy);
  return 0;
}
