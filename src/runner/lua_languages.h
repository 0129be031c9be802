/* Lua's questions about what can be run here. */
#ifndef PW_LUA_LANGUAGES_H
#define PW_LUA_LANGUAGES_H

#include <lua.h>

/* Sets a field of the table on top; "" for NULL. */
void pw_lua_set_text(lua_State *L, const char *name, const char *text);

int pw_lua_languages(lua_State *L);
int pw_lua_find(lua_State *L);
int pw_lua_isolated(lua_State *L);

#endif
