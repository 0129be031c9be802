/* The bridge to a private lua-cjson instance: its settings are ours, the host's own are neither used nor changed. */
#ifndef PW_JSON_H
#define PW_JSON_H

#include <lua.h>

/* Loads lua-cjson, makes an instance of it, finds out how it writes integers, and adds to the table on top of the
 * stack:
 *
 *   decode(text)  -> value, or nil and a sentence. Takes what RFC 8259 calls JSON, with numbers in a float's range. A
 *                    `null` field is absent, a `null` in an array is `null`; an integral number within 2^53 is an
 *                    integer. An integer that lua-cjson can't keep, which is one over 2^53, or over 2^63 where it
 *                    decodes to integers, comes as the string of its digits.
 *   encode(value) -> text, or nil and a sentence.
 *   null          what stands for JSON's null.
 *   exact_integer the largest integer that `encode` can write digit for digit.
 *
 * Raises when lua-cjson can't be loaded. */
void pw_json_open(lua_State *L);

#endif
