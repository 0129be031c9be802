# make            the client's core and the sandbox, into build/
# make core       the client's core alone: needs neither libmicrohttpd nor SQLite
# make embed      libpatchworks.a and patchworks.lua, for programs that embed Lua (docs/embedding.md)
# make env        prints what makes a shell find them: eval "$(make -s env)"
# make docs       the reference by object, into build/reference, and internals of all modules below it (needs ldoc)
# make install    into PREFIX (/usr/local), below DESTDIR; the command then runs from anywhere
# make uninstall  takes all of it away
# make LUA=5.5 BUILD=build/5.5   for another Lua
# make SANITIZE=address,undefined BUILD=build/asan   with sanitizers
PREFIX ?= /usr/local
BUILD ?= build
CC ?= cc
WERROR ?= -Werror
VERSION := $(shell sed -n 's/.*PATCHWORKS_VERSION "\(.*\)"/\1/p' include/patchworks.h)
# A LUA in the environment may be an interpreter's path: that is none of this.
LUA_VERSION := $(if $(filter 5.%,$(LUA)),$(LUA),5.4)

PKG_CONFIG ?= pkg-config
LUA_NAMES := lua$(LUA_VERSION) lua-$(LUA_VERSION) lua$(subst .,,$(LUA_VERSION)) lua
LUA_PC := $(firstword $(foreach name,$(LUA_NAMES),$(shell $(PKG_CONFIG) --exists "$(name) >= $(LUA_VERSION)" 2>/dev/null && echo $(name))))
LUA_CFLAGS ?= $(shell $(PKG_CONFIG) --cflags $(LUA_PC) 2>/dev/null)
CURL_CFLAGS ?= $(shell $(PKG_CONFIG) --cflags libcurl 2>/dev/null)
CURL_LIBS ?= $(shell $(PKG_CONFIG) --libs libcurl 2>/dev/null || echo -lcurl)
HTTPD_CFLAGS ?= $(shell $(PKG_CONFIG) --cflags libmicrohttpd sqlite3 2>/dev/null)
HTTPD_LIBS ?= $(shell $(PKG_CONFIG) --libs libmicrohttpd sqlite3 2>/dev/null || echo -lmicrohttpd -lsqlite3)

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion $(WERROR)
OPTIMISE ?= -O2 -g
# Errors of a Lua that was built as C++ are exceptions, and pass through.
ALL_CFLAGS := -std=c11 -fexceptions -D_GNU_SOURCE -Iinclude -fPIC -fvisibility=hidden $(OPTIMISE) $(WARNINGS) $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer)
SHARED := -shared
# A thread that still looks a name up when a state closes runs libcurl's code: that must stay mapped.
KEPT := -Wl,-z,nodelete
LOCALIZE := objcopy --localize-hidden
ifeq ($(shell uname -s),Darwin)
SHARED := -bundle -undefined dynamic_lookup
KEPT :=
LOCALIZE := : # ld -r has done it
endif

CORE_SOURCES := $(wildcard src/core/*.c)
# The runner without its Lua face is the sandbox's too.
RUNNER_SOURCES := $(wildcard src/runner/*.c)
SANDBOX_SOURCES := $(wildcard src/sandbox/*.c) $(filter-out src/runner/lua_%.c,$(RUNNER_SOURCES))
CORE_OBJECTS := $(CORE_SOURCES:%.c=$(BUILD)/%.o)
RUNNER_OBJECTS := $(RUNNER_SOURCES:%.c=$(BUILD)/%.o) $(BUILD)/callers.o
CALLERS := caller_python:caller.py check_python:check.py caller_javascript:caller.js caller_php:caller.php \
  caller_ruby:caller.rb caller_csharp:caller.cs build_dotnet:build-dotnet.sh build_mono:build-mono.sh \
  caller_go:caller.go build_go:build-go.sh caller_rust:caller.rs build_rust:build-rust.sh
STATIC := page:index.html program:page.js style:page.css openapi:openapi.json
SANDBOX_OBJECTS := $(SANDBOX_SOURCES:%.c=$(BUILD)/%.o) $(BUILD)/static.o $(BUILD)/callers.o
CORE := $(BUILD)/patchworks/core.so
RUNNER := $(BUILD)/patchworks/runner.so
SANDBOX := $(BUILD)/patchworks/sandbox/server.so

all: core sandbox
core: $(CORE) $(RUNNER)
sandbox: $(SANDBOX)

$(CORE): $(CORE_OBJECTS)
	@mkdir -p $(@D)
	$(CC) $(SHARED) $(KEPT) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(CURL_LIBS) -lm -pthread

$(RUNNER): $(RUNNER_OBJECTS)
	@mkdir -p $(@D)
	$(CC) $(SHARED) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ -pthread

$(SANDBOX): $(SANDBOX_OBJECTS)
	@mkdir -p $(@D)
	$(CC) $(SHARED) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(HTTPD_LIBS) -pthread

$(BUILD)/src/core/%.o: src/core/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(CPPFLAGS) $(CFLAGS) $(LUA_CFLAGS) $(CURL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/src/runner/%.o: src/runner/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(CPPFLAGS) $(CFLAGS) $(LUA_CFLAGS) -MMD -MP -c -o $@ $<

# What calls scripts' handlers, in arrays.
$(BUILD)/callers.c: $(wildcard src/runner/callers/*) Makefile
	@mkdir -p $(@D)
	@{ echo '#include "callers.h"'; for pair in $(CALLERS); do \
	  echo "const char pw_$${pair%%:*}[] = {"; \
	  od -An -v -td1 "src/runner/callers/$${pair##*:}" | sed 's/  *\(-*[0-9][0-9]*\)/\1,/g'; \
	  echo "0};"; done; } > $@.new && mv $@.new $@

$(BUILD)/callers.o: $(BUILD)/callers.c src/runner/callers.h
	$(CC) $(ALL_CFLAGS) $(CPPFLAGS) $(CFLAGS) -Isrc/runner -c -o $@ $<

# What the sandbox serves as it is, in arrays.
$(BUILD)/static.c: $(wildcard src/sandbox/page/*) Makefile
	@mkdir -p $(@D)
	@{ echo '#include "static.h"'; for pair in $(STATIC); do name=$${pair%%:*}; \
	  echo "static const unsigned char $$name[] = {"; \
	  od -An -v -tu1 "src/sandbox/page/$${pair##*:}" | sed 's/  *\([0-9][0-9]*\)/\1,/g'; \
	  echo "};"; echo "const pw_static pw_static_$$name = {$$name, sizeof $$name};"; done; } > $@.new && mv $@.new $@

$(BUILD)/static.o: $(BUILD)/static.c src/sandbox/static.h
	$(CC) $(ALL_CFLAGS) $(CPPFLAGS) $(CFLAGS) -Isrc/sandbox -c -o $@ $<

$(BUILD)/src/sandbox/%.o: src/sandbox/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(CPPFLAGS) $(CFLAGS) $(LUA_CFLAGS) $(HTTPD_CFLAGS) -MMD -MP -c -o $@ $<

# For programs that embed Lua: all of the client's modules but the command line's, which is a program itself.
EMBED_LUA := $(filter-out patchworks/sandbox% patchworks/runner% patchworks/cli/%,$(shell cd lua && find patchworks -name "*.lua" | sort))
EMBED_OBJECTS := $(CORE_OBJECTS) $(patsubst %.c,$(BUILD)/%.o,$(wildcard src/embed/*.c)) $(BUILD)/embed/modules.o
ARCHIVE := $(BUILD)/embed/libpatchworks.a
ONE_FILE := $(BUILD)/embed/patchworks.lua

embed: $(ARCHIVE) $(ONE_FILE) $(BUILD)/embed/patchworks.pc

$(BUILD)/embed/modules.c: scripts/embed Makefile $(EMBED_LUA:%=lua/%)
	@mkdir -p $(@D)
	scripts/embed c $(EMBED_LUA) >$@.part && mv $@.part $@

$(ONE_FILE): scripts/embed Makefile $(EMBED_LUA:%=lua/%)
	@mkdir -p $(@D)
	scripts/embed lua $(EMBED_LUA) >$@.part && mv $@.part $@

$(BUILD)/embed/modules.o: $(BUILD)/embed/modules.c
	$(CC) $(ALL_CFLAGS) -Wno-overlength-strings $(CPPFLAGS) $(CFLAGS) -Isrc/embed -c -o $@ $<

$(BUILD)/src/embed/%.o: src/embed/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(CPPFLAGS) $(CFLAGS) $(LUA_CFLAGS) -MMD -MP -c -o $@ $<

# One object, in which only what patchworks.h declares has a name outside.
$(ARCHIVE): $(EMBED_OBJECTS)
	$(LD) -r -o $(BUILD)/embed/patchworks.o $^
	$(LOCALIZE) $(BUILD)/embed/patchworks.o
	rm -f $@
	$(AR) rcs $@ $(BUILD)/embed/patchworks.o

$(BUILD)/embed/patchworks.pc: Makefile
	@mkdir -p $(@D)
	@printf '%s\n' 'prefix=$${pcfiledir}/../..' 'libdir=$${prefix}/lib' 'includedir=$${prefix}/include' '' 'Name: patchworks' \
	  'Description: Script versions on the Patchworks integration platform, for programs that embed Lua $(LUA_VERSION)' \
	  'Version: $(VERSION)' 'Requires: $(LUA_PC) libcurl' 'Libs: -L$${libdir} -lpatchworks -lm -pthread' \
	  'Cflags: -I$${includedir}' >$@

# Programs that embed Lua: the examples, and those of the specs. lua-cjson is linked in where there is such a library.
LUA_LIBS ?= $(shell $(PKG_CONFIG) --libs $(LUA_PC) 2>/dev/null)
LUA_CXX_LIBS ?= $(shell $(PKG_CONFIG) --libs lua$(LUA_VERSION)-c++ 2>/dev/null)
CJSON_LIBS ?= $(wildcard $(shell $(CC) -print-file-name=liblua$(LUA_VERSION)-cjson.so.0))
HOST_SOURCES := $(wildcard examples/host/*.c spec/hosts/*.c) $(if $(LUA_CXX_LIBS),$(wildcard examples/host/*.cpp))
HOST_LIBS = $(ARCHIVE) $(CJSON_LIBS) $(CURL_LIBS) -lm -pthread
SANITIZING := $(if $(SANITIZE),-fsanitize=$(SANITIZE))
# What the specs have of their own is built sooner than it could be made fast.
UNHURRIED := -O0

hosts: $(addprefix $(BUILD)/hosts/,$(basename $(notdir $(HOST_SOURCES))))

$(BUILD)/hosts/%: examples/host/%.c $(ARCHIVE)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(CFLAGS) $(LUA_CFLAGS) -o $@ $< $(HOST_LIBS) $(LUA_LIBS)

$(BUILD)/hosts/%: spec/hosts/%.c $(ARCHIVE)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(UNHURRIED) $(CFLAGS) $(LUA_CFLAGS) -o $@ $< $(HOST_LIBS) $(LUA_LIBS)

$(BUILD)/hosts/%: examples/host/%.cpp $(ARCHIVE)
	@mkdir -p $(@D)
	$(CXX) -std=c++17 -Iinclude $(OPTIMISE) -Wall -Wextra $(WERROR) $(SANITIZING) $(LUA_CFLAGS) -o $@ $< $(HOST_LIBS) $(LUA_CXX_LIBS)

# The core's parts by themselves: programs of spec/core that check them.
parts: $(patsubst spec/core/%.c,$(BUILD)/parts/%,$(wildcard spec/core/*.c))

$(BUILD)/parts/%: spec/core/%.c spec/core/checks.h $(CORE_OBJECTS)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(UNHURRIED) $(CFLAGS) $(LDFLAGS) $(LUA_CFLAGS) -o $@ $< $(CORE_OBJECTS) $(CURL_LIBS) $(LUA_LIBS) -lm -pthread

# What the specs need beside the library.
specs: $(BUILD)/spec/fork.so $(BUILD)/spec/pty.so

$(BUILD)/spec/%.so: spec/support/%.c
	@mkdir -p $(@D)
	$(CC) $(SHARED) $(ALL_CFLAGS) $(CFLAGS) $(LDFLAGS) $(LUA_CFLAGS) -o $@ $<

-include $(EMBED_OBJECTS:.o=.d) $(CORE_OBJECTS:.o=.d) $(RUNNER_OBJECTS:.o=.d) $(SANDBOX_OBJECTS:.o=.d)

env:
	@echo 'export LUA_PATH="$(CURDIR)/lua/?.lua;$(CURDIR)/lua/?/init.lua;;"'
	@echo 'export LUA_CPATH="$(abspath $(BUILD))/?.so;;"'
	@echo 'export PATH="$(CURDIR)/bin:$$PATH"'

SHARE ?= $(DESTDIR)$(PREFIX)/share/lua/$(LUA_VERSION)
LIB ?= $(DESTDIR)$(PREFIX)/lib/lua/$(LUA_VERSION)
BIN ?= $(DESTDIR)$(PREFIX)/bin
SANDBOX_LUA := $(shell cd lua && find patchworks/sandbox.lua patchworks/sandbox -name "*.lua")
CLIENT_LUA := $(filter-out $(SANDBOX_LUA),$(shell cd lua && find patchworks -name "*.lua" | sort))

# Where the installed command finds its modules, whatever the environment says; a rock's wrapper does that by itself.
LOOKS_IN ?= $(abspath $(PREFIX))
define FINDS_MODULES
package.path = "$(LOOKS_IN)/share/lua/$(LUA_VERSION)/?.lua;$(LOOKS_IN)/share/lua/$(LUA_VERSION)/?/init.lua;" .. package.path
package.cpath = "$(LOOKS_IN)/lib/lua/$(LUA_VERSION)/?.so;" .. package.cpath
endef
export FINDS_MODULES

install: install-client install-sandbox install-embed

# For programs that embed Lua, in the places where pkg-config and CMake look.
ROOT := $(DESTDIR)$(PREFIX)
install-embed: embed
	install -D -m 644 $(ARCHIVE) "$(ROOT)/lib/libpatchworks.a"
	install -D -m 644 include/patchworks.h "$(ROOT)/include/patchworks.h"
	install -D -m 644 $(BUILD)/embed/patchworks.pc "$(ROOT)/lib/pkgconfig/patchworks.pc"
	install -D -m 644 src/embed/patchworks-config.cmake "$(ROOT)/lib/cmake/patchworks/patchworks-config.cmake"
	install -D -m 644 $(ONE_FILE) "$(ROOT)/share/patchworks/patchworks.lua"

# The client's rock, and the sandbox's.
install-client: core
	@for file in $(CLIENT_LUA); do install -D -m 644 "lua/$$file" "$(SHARE)/$$file" || exit 1; done
	install -D -m 755 $(CORE) "$(LIB)/patchworks/core.so"
	install -D -m 755 $(RUNNER) "$(LIB)/patchworks/runner.so"
	install -d "$(BIN)"
	{ head -n 2 bin/patchworks; $(if $(LOOKS_IN),echo "$$FINDS_MODULES";) tail -n +3 bin/patchworks; } >"$(BIN)/patchworks"
	chmod 755 "$(BIN)/patchworks"

install-sandbox: sandbox
	@for file in $(SANDBOX_LUA); do install -D -m 644 "lua/$$file" "$(SHARE)/$$file" || exit 1; done
	install -D -m 755 $(SANDBOX) "$(LIB)/patchworks/sandbox/server.so"

uninstall:
	rm -rf "$(SHARE)/patchworks" "$(LIB)/patchworks"
	rm -rf "$(ROOT)/share/patchworks" "$(ROOT)/lib/cmake/patchworks"
	rm -f "$(BIN)/patchworks" "$(ROOT)/lib/libpatchworks.a" "$(ROOT)/include/patchworks.h" "$(ROOT)/lib/pkgconfig/patchworks.pc"
	@for folder in "$(SHARE)" "$(LIB)" "$(BIN)" "$(ROOT)/share" "$(ROOT)/include" "$(ROOT)/lib/pkgconfig" "$(ROOT)/lib/cmake"; do rmdir -p "$$folder" 2>/dev/null || true; done

docs: core
	@mkdir -p $(BUILD)/reference
	@LUA_PATH="$(CURDIR)/lua/?.lua;$(CURDIR)/lua/?/init.lua;;" LUA_CPATH="$(abspath $(BUILD))/?.so;;" \
		lua5.4 scripts/reference.lua $(BUILD)/reference
	@ldoc --fatalwarnings --dir $(BUILD)/reference/internals . >/dev/null

clean:
	rm -rf $(BUILD)

.PHONY: all core sandbox embed hosts parts specs env docs install install-client install-sandbox install-embed uninstall clean
