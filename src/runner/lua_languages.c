#include "lua_languages.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "tools.h"

void pw_lua_set_text(lua_State *L, const char *name, const char *text) {
  lua_pushstring(L, text != NULL ? text : "");
  lua_setfield(L, -2, name);
}

/* The first of what it says that it is. */
static void set_version(lua_State *L, const pw_place *place) {
  size_t size = strcspn(place->versions, " ");
  lua_pushlstring(L, place->versions, size);
  lua_setfield(L, -2, "version");
}

int pw_lua_languages(lua_State *L) {
  lua_newtable(L);
  for (int i = 0; pw_language_at(i) != NULL; i++) {
    const pw_language *language = pw_language_at(i);
    pw_place places[PW_PLACES], usual;
    lua_createtable(L, 0, 7);
    pw_lua_set_text(L, "name", language->name);
    pw_lua_set_text(L, "title", language->title);
    pw_lua_set_text(L, "ending", strrchr(language->source, '.'));
    pw_lua_set_text(L, "needs", language->interpreter);
    int count = pw_tools_list(language, places);
    if (pw_tools_find(language, "", &usual)) pw_lua_set_text(L, "program", usual.path);
    if (usual.path[0] != '\0' && count > 0 && strcmp(places[0].path, usual.path) == 0) set_version(L, &places[0]);
    lua_createtable(L, count, 0);
    for (int j = 0; j < count; j++) {
      lua_createtable(L, 0, 2);
      pw_lua_set_text(L, "program", places[j].path);
      set_version(L, &places[j]);
      lua_rawseti(L, -2, j + 1);
    }
    lua_setfield(L, -2, "all");
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

int pw_lua_find(lua_State *L) {
  char version[PW_VERSION];
  pw_place place;
  const pw_language *language = pw_language_find(luaL_checkstring(L, 1), version);
  if (language == NULL) return luaL_error(L, "no language is called %s; see runner.languages()", lua_tostring(L, 1));
  if (pw_tools_find(language, version, &place)) {
    lua_pushstring(L, place.path);
    return 1;
  }
  char *missing = pw_tools_missing(language, version);
  lua_pushnil(L);
  lua_pushstring(L, missing != NULL ? missing : "out of memory");
  free(missing);
  return 2;
}

int pw_lua_isolated(lua_State *L) {
  for (int i = 0; pw_language_at(i) != NULL; i++) {
    pw_place place;
    if (!pw_tools_find(pw_language_at(i), "", &place)) continue;
    pw_run run;
    pw_run_ask(&run, pw_language_at(i), &place);
    lua_pushboolean(L, run.isolated);
    pw_run_free(&run);
    return 1;
  }
  return 0;
}
