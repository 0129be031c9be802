rockspec_format = "3.0"
package = "patchworks"
version = "scm-1"
source = { url = "git+https://github.com/patchworks-lua/patchworks.git" }
description = {
  summary = "Deploy, invoke and watch script versions on the Patchworks integration platform",
  detailed = "A client with a C core on libcurl and lua-cjson: never sends a thing twice, and says what is known when an answer is lost.",
  license = "MIT",
}
supported_platforms = { "unix" }
dependencies = {
  "lua >= 5.4", "lua-cjson >= 2.1.0", "argparse >= 0.7.1", "luafilesystem >= 1.8", "luv >= 1.44",
}
-- By the library, not by the header: that lies in a folder of the architecture on some systems.
external_dependencies = { CURL = { library = "curl" } }
build = {
  type = "make",
  build_target = "core",
  install_target = "install-client",
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
