/* A file that is data but written in Lua, evaluated in a state of its own: no library, bounded memory and time. Whoever
 * wrote it, it reaches nothing and ends soon. What it returns is copied out, as plain tables. */
#include <stdlib.h>
#include <time.h>

#include "binding.h"
#include "text.h"

static const pw_lua_class chunk_class = {"patchworks.chunk"};

enum {
  MOST_BYTES = 8 * 1024 * 1024,
  MOST_STEPS = 2 * 1000 * 1000,
  STEPS_A_LOOK = 100, /* a step that copies all of the memory needs about a millisecond */
  MOST_DEPTH = 32
};

static const double most_seconds = 0.5; /* of the processor */

typedef struct pw_chunk {
  lua_State *state;
  size_t bytes;
  unsigned long steps;
  clock_t began;
} pw_chunk;

static void *allocate(void *context, void *block, size_t old_size, size_t new_size) {
  pw_chunk *chunk = context;
  size_t had = block != NULL ? old_size : 0; /* without a block `old_size` is the kind of the object */
  if (new_size == 0) {
    free(block);
    chunk->bytes -= had;
    return NULL;
  }
  if (new_size > had && new_size - had > MOST_BYTES - chunk->bytes) return NULL;
  void *moved = realloc(block, new_size);
  if (moved != NULL) chunk->bytes += new_size - had;
  return moved;
}

static pw_chunk *chunk_of(lua_State *C) {
  void *context;
  lua_getallocf(C, &context);
  return context;
}

static void count_steps(lua_State *C, lua_Debug *event) {
  (void)event;
  pw_chunk *chunk = chunk_of(C);
  chunk->steps += STEPS_A_LOOK;
  double seconds = (double)(clock() - chunk->began) / CLOCKS_PER_SEC;
  if (chunk->steps <= MOST_STEPS && seconds <= most_seconds) return;
  luaL_where(C, 0);
  lua_pushliteral(C, "it does not end; this file should only hold data");
  lua_concat(C, 2);
  lua_error(C);
}

/* Where a name is looked up that the file has not made itself. */
static int undefined(lua_State *C) {
  return luaL_error(C, "`%s` is not there: this file holds data, and no library is in reach",
                    luaL_tolstring(C, 2, NULL));
}

/* Given the source (a pw_span) and its name as light userdata, leaves what the file returns. */
static int evaluate(lua_State *C) {
  const pw_span *source = lua_touserdata(C, 1);
  const char *name = lua_touserdata(C, 2);
  lua_settop(C, 0);
  if (luaL_loadbufferx(C, source->bytes, source->size, name, "t") != LUA_OK) return lua_error(C);
  lua_newtable(C);
  lua_createtable(C, 0, 1);
  lua_pushcfunction(C, undefined);
  lua_setfield(C, -2, "__index");
  lua_setmetatable(C, -2);
  lua_setupvalue(C, 1, 1); /* its globals */
  lua_sethook(C, count_steps, LUA_MASKCOUNT, STEPS_A_LOOK);
  lua_call(C, 0, 1);
  return 1;
}

static int chunk_close(lua_State *L) {
  pw_chunk *chunk = pw_lua_check(L, 1, &chunk_class);
  if (chunk->state != NULL) lua_close(chunk->state);
  chunk->state = NULL;
  return 0;
}

/* Pushes onto L a copy of what is on top of C. False when it is no data; then nothing is pushed. Raises in L when its
 * memory ends, which leaves C to be closed by the collector. */
static bool copy(lua_State *L, lua_State *C, int depth) {
  if (depth > MOST_DEPTH || !lua_checkstack(C, 4)) return false;
  luaL_checkstack(L, 4, "not enough memory");
  size_t size;
  switch (lua_type(C, -1)) {
    case LUA_TBOOLEAN: lua_pushboolean(L, lua_toboolean(C, -1)); return true;
    case LUA_TSTRING: {
      const char *bytes = lua_tolstring(C, -1, &size);
      lua_pushlstring(L, bytes, size);
      return true;
    }
    case LUA_TNUMBER:
      if (lua_isinteger(C, -1)) {
        lua_pushinteger(L, lua_tointeger(C, -1));
      } else {
        lua_pushnumber(L, lua_tonumber(C, -1));
      }
      return true;
    case LUA_TTABLE: break;
    default: return false;
  }
  lua_newtable(L);
  lua_pushnil(C);
  while (lua_next(C, -2) != 0) {
    lua_pushvalue(C, -2);
    if (!copy(L, C, depth + 1)) return false;
    lua_pop(C, 1);
    if (!copy(L, C, depth + 1)) return false;
    lua_pop(C, 1);
    lua_rawset(L, -3);
  }
  return true;
}

static lua_State *new_state(pw_chunk *chunk) {
#if LUA_VERSION_NUM >= 505
  return lua_newstate(allocate, chunk, luaL_makeseed(NULL));
#else
  return lua_newstate(allocate, chunk);
#endif
}

/* chunk(source, name) -> what the text returns (a table, a string, a number, a boolean; never nil), or nil and a
 * sentence. `name` stands in front of a line's number in such a sentence. Binary chunks are refused. */
int pw_lua_chunk(lua_State *L) {
  pw_span source;
  source.bytes = luaL_checklstring(L, 1, &source.size);
  const char *name = lua_pushfstring(L, "@%s", luaL_checkstring(L, 2));
  pw_chunk *chunk = pw_lua_push(L, &chunk_class, sizeof *chunk, 0);
  chunk->began = clock();
  lua_State *C = chunk->state = new_state(chunk);
  if (C == NULL) return pw_lua_refuse(L, "not enough memory");
  lua_pushcfunction(C, evaluate);
  lua_pushlightuserdata(C, &source);
  lua_pushlightuserdata(C, (void *)name);
  int status = lua_pcall(C, 2, 1, 0);
  lua_sethook(C, NULL, 0, 0);
  if (status == LUA_ERRMEM)
    return pw_lua_refuse(L, "it needs more than 8 MiB of memory; this file should only hold data");
  if (status != LUA_OK)
    return pw_lua_refuse(L, lua_type(C, -1) == LUA_TSTRING ? lua_tostring(C, -1) : "it raises an error");
  if (lua_isnil(C, -1)) return pw_lua_refuse(L, "it returns nothing");
  if (!copy(L, C, 0))
    return pw_lua_refuse(L, "it returns what is no data, such as a function, or a table within itself");
  lua_pushcfunction(L, chunk_close);
  lua_pushvalue(L, 4);
  lua_call(L, 1, 0);
  return 1;
}

void pw_lua_chunk_open(lua_State *L) {
  static const luaL_Reg methods[] = {{NULL, NULL}};
  pw_lua_class_open(L, &chunk_class, methods, chunk_close);
}
