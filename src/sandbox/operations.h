/* The eight operations and the login. Each leaves an answer. */
#ifndef PW_OPERATIONS_H
#define PW_OPERATIONS_H

#include "exchange.h"

void pw_operation_get(pw_exchange *exchange);
void pw_operation_delete(pw_exchange *exchange);
void pw_operation_upload(pw_exchange *exchange);
void pw_operation_deploy(pw_exchange *exchange);
void pw_operation_logs(pw_exchange *exchange);
void pw_operation_list(pw_exchange *exchange);
void pw_operation_create(pw_exchange *exchange);
void pw_operation_login(pw_exchange *exchange);

/* invocation.c */
void pw_operation_invoke(pw_exchange *exchange);

/* 40 random hexadecimal digits and a NUL; false when the system has no randomness. */
bool pw_token_random(char token[41]);

/* Makes a token that lives as long as the settings say; `token` holds 41 bytes. False when it can't be kept. */
bool pw_token_make(pw_server *server, char token[41]);

#endif
