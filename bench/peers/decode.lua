-- lua-cjson alone: FILE KEY COUNT decodes the file's text so often, and a hundred times before, as the others do.
local cjson = require "cjson"
local file <close> = assert(io.open(arg[1], "rb"))
local text = file:read "a"
for _ = 1, 100 + arg[3] do cjson.decode(text) end
print(0)
