/* What the files of the Lua binding share. Prototypes are grouped by the file that has them. */
#ifndef PW_BINDING_H
#define PW_BINDING_H

#include <lauxlib.h>
#include <lua.h>

#include "engine.h"

/* What a kind of userdata is known by: the address is the metatable's key in the registry, so that two copies of this
 * library in one state don't take each other's. */
typedef struct pw_lua_class {
  const char *name;
} pw_lua_class;

extern const pw_lua_class pw_lua_engine_class, pw_lua_transfer_class, pw_lua_headers_class;

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

/* lua_descriptor.c */
int pw_lua_descriptor_new(lua_State *L);
void pw_lua_descriptor_open(lua_State *L);

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

/* lua_chunk.c */
int pw_lua_chunk(lua_State *L);
void pw_lua_chunk_open(lua_State *L);

/* lua_shield.c */
void pw_lua_shield_open(lua_State *L); /* adds its functions to the table on top */

/* module.c */
/* Makes the class's metatable: `__name`, the methods as `__index`, `close` behind `__gc` and `__close`. */
void pw_lua_class_open(lua_State *L, const pw_lua_class *class, const luaL_Reg *methods, lua_CFunction close);
/* Pushes a zeroed userdata of the class. */
void *pw_lua_push(lua_State *L, const pw_lua_class *class, size_t size, int user_values);
/* The object at `index`, which is known to be one of ours. */
void *pw_lua_self(lua_State *L, int index);
/* The object at `index`; raises when it is none of the class. */
void *pw_lua_check(lua_State *L, int index, const pw_lua_class *class);
/* Raises what Lua raises when memory is out (LUA_ERRMEM). */
int pw_lua_no_memory(lua_State *L);
/* Gives nil and a sentence. */
int pw_lua_refuse(lua_State *L, const char *reason);

#endif
