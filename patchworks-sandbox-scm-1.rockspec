rockspec_format = "3.0"
package = "patchworks-sandbox"
version = "scm-1"
source = { url = "git+https://github.com/patchworks-lua/patchworks.git" }
description = {
  summary = "The Patchworks service on one machine, for development and tests",
  detailed = "Runs in the process or as a command: real deployments, real scripts, failures on demand.",
  license = "MIT",
}
supported_platforms = { "unix" }
dependencies = { "lua >= 5.4" }
external_dependencies = { MICROHTTPD = { library = "microhttpd" }, SQLITE = { library = "sqlite3" } }
build = {
  type = "make",
  build_target = "sandbox",
  install_target = "install-sandbox",
  build_variables = { BUILD = "build/rock", CC = "$(CC)", CFLAGS = "$(CFLAGS)", LUA_CFLAGS = "-I$(LUA_INCDIR)", WERROR = "" },
  install_variables = {
    BUILD = "build/rock",
    SHARE = "$(LUADIR)",
    LIB = "$(LIBDIR)",
    BIN = "$(BINDIR)",
    LOOKS_IN = "",
    WERROR = "",
    LUA_CFLAGS = "-I$(LUA_INCDIR)",
  },
}
