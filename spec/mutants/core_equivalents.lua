-- Mutants of src/core that change nothing that anybody could see: see equivalents.lua.
local room = "room that nobody needs"

local list = {
  ["src/core/buffer.c"] = {
    { "size_t capacity = buffer->capacity > 0 ? buffer->capacity : FIRST_CAPACITY;", "`1` for `0`", "a capacity is 0, or 1024 and more" },
    { "if (capacity > SIZE_MAX / 2) return needed;", "`3` for `2`", "a capacity is a power of two: none is between the two bounds" },
    { "if (capacity > SIZE_MAX / 2) return needed;", "`>=` for `>`", "a capacity is a power of two, which the bound isn't" },
    { "if (size > 0) return realloc(buffer->data, size);", "`1` for `0`", "a size is 0, or 1024 and more" },
    { "if (size > 0) return realloc(buffer->data, size);", "`>=` for `>`", "what is resized to 0 is freed by glibc" },
  },
  ["src/core/clock.c"] = {
    { "if (seconds > 3600) seconds = 3600;", "`>=` for `>`", "they are the same then" },
  },
  ["src/core/json_text.c"] = {
    { "uint64_t found = 0;", "`1` for `0`", "then the slow reading decides, which says the same" },
    { "return word;", "returns nothing", "inlined, the word is where the result is looked for" },
  },
  ["src/core/engine.c"] = {
    { "if (engine->curl_due < 0 || engine->curl_due > pw_clock_now()) return;", "`&&` for `||`",
      "libcurl that is asked too early does nothing, and names its time anew" },
    { "engine->starting = true;", "`false` for `true`", "the timer is set twice" },
    { "engine->starting = true;", "left out", "the timer is set twice" },
    { "return 0;", "`1` for `0`", "libcurl heeds -1 alone" },
  },
  ["src/core/json.c"] = {
    { "lua_pcall(L, 1, 0, 0);", "`1` for `0`", "pw_json_open drops it with all the rest" },
    { "lua_pop(L, 1);", "left out", "where a setting is missing; pw_json_open drops it with all the rest" },
  },
  ["src/core/loading.c"] = {
    { "lua_pushboolean(L, 1);", "`2` for `1`", "it is true" },
  },
  ["src/core/lua_chunk.c"] = {
    { "STEPS_A_LOOK = 100, /* a step that copies all of the memory needs about a millisecond */", "`101` for `100`",
      "it looks as often as makes no difference" },
    { "if (new_size > had && new_size - had > MOST_BYTES - chunk->bytes) return NULL;", "`>=` for `>`", "a byte of eight millions" },
    { "return moved;", "returns nothing", "the pointer is where the result is looked for" },
    { "if (chunk->steps <= MOST_STEPS && seconds <= most_seconds) return;", "`<` for `<=`", "a hundred steps of two millions, or a tick" },
    { "lua_createtable(C, 0, 1);", "any", room },
    { "return 0;", "any", "the object is closed by the core and the collector alone, which ask for no result" },
    { "if (depth > MOST_DEPTH || !lua_checkstack(C, 4)) return false;", "`5` for `4`", room },
    { 'luaL_checkstack(L, 4, "not enough memory");', "`5` for `4`", room },
    { "pw_chunk *chunk = pw_lua_push(L, &chunk_class, sizeof *chunk, 0);", "`1` for `0`", room },
    { "lua_sethook(C, NULL, 0, 0);", "any", "nothing of the file runs any more" },
  },
  ["src/core/lua_descriptor.c"] = {
    { "pw_wait *wait = pw_lua_push(L, &descriptor_class, sizeof *wait, 0);", "`1` for `0`", room },
    { "lua_Number seconds = luaL_optnumber(L, 2, -1);", "`2` for `1`", "any that is negative is none" },
    { "pw_wait_arm(wait, seconds >= 0 ? (int64_t)((seconds < 3600 ? seconds : 3600) * 1e6) : -1);", "`2` for `1`",
      "any that is negative is none", after = ": -" },
    { "pw_wait_arm(wait, seconds >= 0 ? (int64_t)((seconds < 3600 ? seconds : 3600) * 1e6) : -1);", "`3601` for `3600`",
      "who comes an hour later looks again" },
    { "pw_wait_arm(wait, seconds >= 0 ? (int64_t)((seconds < 3600 ? seconds : 3600) * 1e6) : -1);", "`<=` for `<`",
      "they are the same then" },
    { "pw_event events[16];", "`17` for `16`", room },
  },
  ["src/core/lua_engine.c"] = {
    { "if (!(seconds > 0.001)) return 1;", "`>=` for `>`", "a thousandth is 1 either way" },
  },
  ["src/core/lua_shield.c"] = {
    { "int arguments = lua_gettop(L), results = 0;", "`1` for `0`", "lua_resume sets it" },
    { 'if (!lua_checkstack(thread, arguments + 1)) return luaL_error(L, "stack overflow");', "`2` for `1`", room },
    { "lua_sethook(thread, NULL, 0, 0); /* a new one inherits its maker's */", "`1` for `0`", "without a function there is no hook" },
    { 'if (!lua_checkstack(L, results + 2)) return luaL_error(L, "stack overflow");', "`3` for `2`", room },
    { "lua_createtable(L, MOST_KEPT, 0);", "`1` for `0`", room },
    { "lua_xmove(thread, L, 1);", "`2` for `1`", "the error is on top, and the thread is not used again" },
  },
  ["src/core/lua_transfer.c"] = {
    { 'lua_pushlstring(L, transfer->headers.length > 0 ? transfer->headers.data : "", transfer->headers.length);',
      "`1` for `0`", "a header block is longer, or empty" },
    { 'lua_pushlstring(L, transfer->headers.length > 0 ? transfer->headers.data : "", transfer->headers.length);',
      "`>=` for `>`", "of no bytes none is read" },
    { "lua_createtable(L, 0, 6);", "`7` for `6`", room },
    { "lua_createtable(L, 0, 2);", "`3` for `2`", room },
  },
  ["src/core/module.c"] = {
    { "lua_createtable(L, 0, 6);", "any", room },
    { "lua_createtable(L, 0, 5);", "any", room },
    { "if (self == NULL || lua_rawlen(L, index) < sizeof *self || self->class != class) {", "`<=` for `<`",
      "eight bytes of somebody else's don't hold that address, and of ours all are longer" },
    { "return NULL;", "returns nothing", "the error before it doesn't come back" },
    { "return lua_error(L);", "returns nothing", "it doesn't come back" },
    { "char *into = luaL_buffinitsize(L, &buffer, 3 * size);", "`4` for `3`", room },
    { "size_t size = 0;", "`1` for `0`", "what ends an empty string is no digit" },
    { "size_t size, room = 0;", "`1` for `0`", room },
    { "for (lua_Integer i = 1; string_at(L, i, &size) != NULL; i++) room += 3 * size + 1;", "`2` for `1`", room, after = "size + " },
    { "for (lua_Integer i = 1; string_at(L, i, &size) != NULL; i++) room += 3 * size + 1;", "`4` for `3`", room },
    { "return 0;", "returns nothing", "0 is where the result is looked for" },
    { "if (getentropy(&bits, sizeof bits) != 0) bits = (uint64_t)pw_clock_now() * 6364136223846793005u;",
      "`6364136223846793006` for `6364136223846793005`", "any large number scatters the clock's" },
  },
  ["src/core/transfer.c"] = {
    { "curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 1L);", "`2` for `1`", "libcurl asks whether it is 0" },
    { "curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);", "`2` for `1`", "libcurl asks whether it is 0" },
    { "curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);", "`2` for `1`", "libcurl asks whether it is 0" },
    { "curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);", "`2` for `1`", "libcurl asks whether it is 0" },
    { "curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);", "`2` for `1`", "libcurl asks whether it is 0" },
    { "if (getenv(names[i]) != NULL) return true;", "`==` for `!=`", "then libcurl looks, and finds the same" },
    { "if (code == CURLE_OUT_OF_MEMORY && transfer->headers.length > 0) {", "`1` for `0`", "a status line is longer" },
  },
  ["src/core/wait.c"] = {
    { "*wait = (pw_wait){.fd = -1, .timer = -1};", "`2` for `1`", "any that is negative is none" },
    { "wait->timer = -1;", "`2` for `1`", "any that is negative is none" },
    { "errno = reason;", "left out", "closing what is open leaves errno alone" },
    { "if (wait->timer < 0 || !watch_in_one(wait, wait->timer, true, false)) {", "`true` for `false`", "a timer can't be written to" },
  },
}

return list
