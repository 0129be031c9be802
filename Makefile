# make            the client's core and the sandbox, into build/
# make core       the client's core alone: needs neither libmicrohttpd nor SQLite
# make env        prints what makes a shell find them: eval "$(make -s env)"
# make docs       the reference by object, into build/reference, and internals of all modules below it (needs ldoc)
# make install    into PREFIX (/usr/local), below DESTDIR; the command then runs from anywhere
# make uninstall  takes all of it away
# make SANITIZE=address,undefined BUILD=build/asan   with sanitizers
PREFIX ?= /usr/local
BUILD ?= build
CC ?= cc
WERROR ?= -Werror
LUA_VERSION := 5.4

PKG_CONFIG ?= pkg-config
LUA_PC := $(firstword $(foreach name,lua5.4 lua-5.4 lua54 lua,$(shell $(PKG_CONFIG) --exists $(name) 2>/dev/null && echo $(name))))
LUA_CFLAGS ?= $(shell $(PKG_CONFIG) --cflags $(LUA_PC) 2>/dev/null)
CURL_CFLAGS ?= $(shell $(PKG_CONFIG) --cflags libcurl 2>/dev/null)
CURL_LIBS ?= $(shell $(PKG_CONFIG) --libs libcurl 2>/dev/null || echo -lcurl)
HTTPD_CFLAGS ?= $(shell $(PKG_CONFIG) --cflags libmicrohttpd sqlite3 2>/dev/null)
HTTPD_LIBS ?= $(shell $(PKG_CONFIG) --libs libmicrohttpd sqlite3 2>/dev/null || echo -lmicrohttpd -lsqlite3)

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion $(WERROR)
OPTIMISE ?= -O2 -g
ALL_CFLAGS := -std=c11 -D_GNU_SOURCE -fPIC -fvisibility=hidden $(OPTIMISE) $(WARNINGS) $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer)
SHARED := -shared
ifeq ($(shell uname -s),Darwin)
SHARED := -bundle -undefined dynamic_lookup
endif

CORE_SOURCES := $(wildcard src/core/*.c)
# The runner without its Lua face is the sandbox's too.
RUNNER_SOURCES := $(wildcard src/runner/*.c)
SANDBOX_SOURCES := $(wildcard src/sandbox/*.c) $(filter-out src/runner/lua_%.c,$(RUNNER_SOURCES))
CORE_OBJECTS := $(CORE_SOURCES:%.c=$(BUILD)/%.o)
RUNNER_OBJECTS := $(RUNNER_SOURCES:%.c=$(BUILD)/%.o)
STATIC := page:index.html program:page.js style:page.css openapi:openapi.json
SANDBOX_OBJECTS := $(SANDBOX_SOURCES:%.c=$(BUILD)/%.o) $(BUILD)/static.o
CORE := $(BUILD)/patchworks/core.so
RUNNER := $(BUILD)/patchworks/runner.so
SANDBOX := $(BUILD)/patchworks/sandbox/server.so

all: core sandbox
core: $(CORE) $(RUNNER)
sandbox: $(SANDBOX)

# A thread that still looks a name up when a state closes runs libcurl's code: that must stay mapped.
KEPT := -Wl,-z,nodelete
ifeq ($(shell uname -s),Darwin)
KEPT :=
endif

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

-include $(CORE_OBJECTS:.o=.d) $(RUNNER_OBJECTS:.o=.d) $(SANDBOX_OBJECTS:.o=.d)

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

install: install-client install-sandbox

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
	rm -f "$(BIN)/patchworks"
	@for folder in "$(SHARE)" "$(LIB)" "$(BIN)"; do rmdir -p "$$folder" 2>/dev/null || true; done

docs: core
	@mkdir -p $(BUILD)/reference
	@LUA_PATH="$(CURDIR)/lua/?.lua;$(CURDIR)/lua/?/init.lua;;" LUA_CPATH="$(abspath $(BUILD))/?.so;;" \
		lua5.4 scripts/reference.lua $(BUILD)/reference
	@ldoc --fatalwarnings --dir $(BUILD)/reference/internals . >/dev/null

clean:
	rm -rf $(BUILD)

.PHONY: all core sandbox env docs install install-client install-sandbox uninstall clean
