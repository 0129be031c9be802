/* patchworks in a program that embeds Lua: what libpatchworks.a holds. docs/embedding.md shows how it is used.
 *
 * The archive holds the C core and all Lua modules of the client; no file is looked up at run time. The program links
 * Lua (5.4 or 5.5, the one that this archive was built for), libcurl and lua-cjson itself. lua-cjson is taken from
 * package.loaded, from package.preload, or, where a function `luaopen_cjson` is linked in, from there.
 *
 * A Lua state needs no more than the libraries base, package, coroutine, table, string and math. Each state may live in
 * a thread of its own. Nothing here sets a signal handler, ends the process, writes to a stream, changes the
 * environment or keeps anything outside of the Lua state, but that libcurl is set up once in a process. */
#ifndef PATCHWORKS_H
#define PATCHWORKS_H

#include <lua.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PATCHWORKS_VERSION "0.1.0"

#if defined(__GNUC__)
#define PATCHWORKS_API __attribute__((visibility("default")))
#else
#define PATCHWORKS_API
#endif

/* Loads the module `patchworks` and pushes it: what `require "patchworks"` gives. From then on a `require` of any of
 * its modules finds it too, such as `require "patchworks.errors"`, where the state has the library package.
 *
 *     luaL_requiref(L, "patchworks", luaopen_patchworks, 0);
 *
 * Raises when lua-cjson can't be had, and when memory is out. Returns 1. */
PATCHWORKS_API int luaopen_patchworks(lua_State *L);

/* Loads the C core alone and pushes it. For the Lua layer, or for one of the host's own beside it. */
PATCHWORKS_API int luaopen_patchworks_core(lua_State *L);

/* A loop in C
 *
 * Clients that are made with `loop = require "patchworks.loop.host"` don't wait by themselves: calls in tasks
 * (`patchworks.spawn`) suspend those, and go on when pw_pump is called. One descriptor stands for all such clients of
 * the state, and for their timers.
 *
 * These three may be called with any thread of the state; never from a hook, nor from two threads of the process at
 * once. */

/* The descriptor: readable, for poll(2), epoll or kqueue, when pw_pump has something to do. It stays the same until the
 * state is closed, and is the state's. -1 when memory or descriptors are out. */
PATCHWORKS_API int pw_fd(lua_State *L);

/* Milliseconds until pw_pump has to be called at the latest, though the descriptor is not readable; -1 for no such
 * time. A loop may leave this out: the descriptor is readable at that time, too. */
PATCHWORKS_API int pw_timeout(lua_State *L);

/* Moves all on without waiting: sends, receives, and resumes the tasks whose calls are done. Gives LUA_OK; or another
 * of Lua's codes, with the error on the top of the stack, when it could not, as when memory is out or the host's own
 * hook raised. It may be called again then. */
PATCHWORKS_API int pw_pump(lua_State *L);

#ifdef __cplusplus
}
#endif

#endif
