--- `patchworks sandbox`: the whole service on this machine.
-- @module patchworks.cli.sandbox
return function(words, codes)
  local options, index = {}, 1
  while index <= #words do
    local name, value = words[index], words[index + 1]
    if name == "--port" and math.tointeger(value) then
      options.port = math.tointeger(value)
    elseif name == "--data" and value then
      options.data = value
    else
      local usage = "patchworks sandbox: can't use %s\nusage: patchworks sandbox [--port PORT] [--data FILE]\n"
      io.stderr:write(usage:format(name))
      return codes.usage
    end
    index = index + 2
  end
  local ok, problem = require("patchworks.sandbox").run(options)
  if ok then return codes.done end
  io.stderr:write("patchworks ", problem, "\n")
  return codes.failed
end
