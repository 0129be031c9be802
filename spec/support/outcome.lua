-- busted's plain output, and behind it one line of its figures: `N passed, N failed, N skipped`. What a file of specs
-- leaves behind is told, and counts as failed.
local leftovers = require "spec.support.leftovers"

-- Seconds of CPU that this process and the children that it has waited for have had; without /proc, its own.
local function cpu()
  local file <close> = io.open("/proc/self/stat", "rb")
  local user, system, of_children, system_of_children =
    (file and file:read "a" or ""):match "%) %a [-%d]+ [-%d]+ [-%d]+ [-%d]+ [-%d]+ %d+ %d+ %d+ %d+ %d+ (%d+) (%d+) (%d+) (%d+)"
  return user and (user + system + of_children + system_of_children) / 100 or os.clock()
end

return function(options)
  local busted = require "busted"
  local handler = require "busted.outputHandlers.plainTerminal"(options)
  local began, spent, before
  local left = {}
  leftovers.begin()

  local seed
  local function suite_start(_, _, _, given)
    seed = given
    return nil, true
  end

  local function file_start(element)
    began, spent, before = busted.monotime(), cpu(), leftovers.look()
    io.stdout:write(("%-40s "):format(element.name))
    return nil, true
  end

  local function file_end(element)
    local warm = package.loaded["spec.support.warm"]
    if warm then warm.stop() end
    io.stdout:write((" %.1f s, %.1f s of CPU\n"):format(busted.monotime() - began, cpu() - spent))
    local list = leftovers.since(before)
    if #list > 0 then left[#left + 1] = element.name .. " left " .. table.concat(list, ", ") end
    return nil, true
  end

  local function exit()
    local passed, failed = handler.successesCount, handler.failuresCount + handler.errorsCount
    -- What brings a random order back.
    if seed then io.stdout:write(("the order was that of --seed=%d\n"):format(seed)) end
    for _, line in ipairs(left) do io.stdout:write(line, "\n") end
    failed = failed + #left
    leftovers.finish()
    -- Nothing that ran is no success.
    if passed + failed == 0 then io.stdout:write "no spec ran\n" end
    io.stdout:write(("%d passed, %d failed, %d skipped\n"):format(passed, failed, handler.pendingsCount))
    io.stdout:flush()
    if passed + failed == 0 or #left > 0 then os.exit(1, true) end
    return nil, true
  end

  busted.subscribe({ "suite", "start" }, suite_start)
  busted.subscribe({ "file", "start" }, file_start)
  busted.subscribe({ "file", "end" }, file_end)
  busted.subscribe({ "exit" }, exit, { priority = 100 })
  return handler
end
