/* The handler's data, from what Lua has. */
#ifndef PW_LUA_DATA_H
#define PW_LUA_DATA_H

#include <lua.h>

/* Pushes `{"payload": .., "variables": .., "meta": .., "flow": ..}` in JSON, from the fields of the table at `index`:
 * the payload is a string; the others are JSON texts, or tables of strings, numbers, booleans and such tables. Raises
 * for anything else. */
void pw_lua_data(lua_State *L, int index);

#endif
