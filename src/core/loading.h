/* Finding modules where a host may have taken `require` away. */
#ifndef PW_LOADING_H
#define PW_LOADING_H

#include <lua.h>

/* Pushes the module: from package.loaded, from package.preload, from `own` when that isn't NULL, or by the state's
 * `require`; then it is in package.loaded. Raises when nobody has it. */
void pw_loading_require(lua_State *L, const char *name, lua_CFunction own);

#endif
