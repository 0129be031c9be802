/* What the files of the Lua binding share. Prototypes are grouped by the file that has them. */
#ifndef PW_BINDING_H
#define PW_BINDING_H

#include <lauxlib.h>
#include <lua.h>

#include "engine.h"

#define PW_ENGINE "patchworks.engine"
#define PW_TRANSFER "patchworks.transfer"
#define PW_HEADERS "patchworks.headers"
#define PW_SCRATCH "patchworks.scratch"

/* The engine's userdata. User value 1: the transfers under way, by the address of their pw_transfer, which keeps them
 * alive: those addresses come again, so that the table hardly ever grows; 2: the strings that the engine's options
 * point to. */
typedef struct pw_lua_engine {
  pw_engine engine;
} pw_lua_engine;

/* A transfer's userdata. `transfer` is NULL before the start and from the end on. User value 1: the request's body,
 * then the answer's; 2: the request's headers, then the answer's header block; 3: the engine's userdata. */
typedef struct pw_lua_transfer {
  pw_transfer *transfer;
  pw_failure failure;
  long status;
  bool done, sent;
  pw_facts facts;
} pw_lua_transfer;

enum { PW_TRANSFER_BODY = 1, PW_TRANSFER_HEADERS = 2, PW_TRANSFER_ENGINE = 3 };
enum { PW_ENGINE_ANCHORS = 1, PW_ENGINE_STRINGS = 2 };

/* lua_engine.c */
int pw_lua_engine_new(lua_State *L);
int pw_lua_engine_wait(lua_State *L);
void pw_lua_engine_open(lua_State *L);

/* lua_transfer.c */
pw_lua_transfer *pw_lua_transfer_push(lua_State *L); /* pushes one that is not started */
/* Copies the end in; may raise, and may leave things on the stack. False when the transfer is not its any more. */
bool pw_lua_transfer_settle(lua_State *L, int index, const pw_transfer *transfer);
void pw_lua_transfer_open(lua_State *L);

/* lua_headers.c */
int pw_lua_headers_new(lua_State *L);
struct curl_slist *pw_lua_headers_check(lua_State *L, int index);
void pw_lua_headers_open(lua_State *L);
int pw_lua_header(lua_State *L);
int pw_lua_parse_headers(lua_State *L);

/* Makes a metatable with `__name`, the methods as `__index`, and `close` behind `__gc` and `__close` too; leaves
 * nothing on the stack. module.c */
void pw_lua_class(lua_State *L, const char *name, const luaL_Reg *methods, lua_CFunction close);

/* A byte buffer that the collector frees, pushed on the stack. module.c */
pw_buffer *pw_lua_scratch(lua_State *L);

#endif
