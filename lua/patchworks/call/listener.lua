--- A caller's listener (`on_event`), called so that what it raises loses nothing: the first error is kept, the listener
-- is not called again, and the error is raised when what it listens to has ended, with what that came to.
-- @module patchworks.call.listener
local errors = require "patchworks.errors"

local Listener = { __name = "patchworks.listener" }

local listener = {}

-- Whether an error is Ctrl-C at the interpreter's own prompt, which ends whatever is under way.
local function is_interrupt(problem) return type(problem) == "string" and problem:find "interrupted!$" ~= nil end

--- Makes one.
-- @param fn what the caller gave; can be called
function listener.new(fn) return setmetatable({ fn = fn, raised = nil }, Listener) end

--- The listener for a method that makes several calls: the caller's for this one, or the client's; nil where there is
-- none.
-- @tparam table client
-- @tparam ?table options the caller's
function listener.of(client, options)
  local fn = options and options.on_event or client._settings.on_event
  return fn and listener.new(fn) or nil
end

--- Tells of an event.
function Listener:__call(event)
  if self.raised then return end
  local ok, problem = pcall(self.fn, event)
  if ok then return end
  if is_interrupt(problem) then error(problem, 0) end
  self.raised = { problem }
end

--- Gives what a method came to, or raises what the listener has raised, with that.
-- @tparam ?table self a listener, or nil where there is none
-- @tparam string operation
-- @param value the method's; nil when it failed
-- @param second the response, or the error
function listener.settle(self, operation, value, second, ...)
  if not (self and self.raised) then return value, second, ... end
  local failed = value == nil and errors.is_error(second)
  error(errors.new {
    kind = "listener",
    operation = operation,
    message = "`on_event` raised: " .. tostring(self.raised[1]),
    cause = self.raised[1],
    result = value,
    response = not failed and second or nil,
    problem = failed and second or nil,
    outcome = failed and second.outcome or "none",
  }, 0)
end

return listener
