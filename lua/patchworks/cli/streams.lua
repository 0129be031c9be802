--- Which of the three standard streams this process was started with. Loaded before everything else: a descriptor that
-- is free is given to the next socket, and what is printed would then go over the wire.
-- @module patchworks.cli.streams
local streams = {
  --- Whether stdin, stdout, stderr were closed from the start.
  closed = {},
}

local bad_descriptor = 9 -- EBADF, on every system there is

for _, name in ipairs { "stdin", "stdout", "stderr" } do
  local _, _, number = io[name]:seek "cur"
  if number == bad_descriptor then streams.closed[name] = true end
end

-- The lowest free descriptors are the closed ones.
streams.placeholders = {}
for _ in pairs(streams.closed) do table.insert(streams.placeholders, io.open("/dev/null", "r+b")) end

return streams
