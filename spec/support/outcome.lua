-- busted's plain output, and behind it one line of its figures: `N passed, N failed, N skipped`.
return function(options)
  local busted = require "busted"
  local handler = require "busted.outputHandlers.plainTerminal"(options)
  local began

  local function file_start(element)
    began = os.clock()
    io.stdout:write(("%-40s "):format(element.name))
    return nil, true
  end

  local function file_end()
    io.stdout:write((" %.1f s of CPU\n"):format(os.clock() - began))
    return nil, true
  end

  local function exit()
    local passed, failed = handler.successesCount, handler.failuresCount + handler.errorsCount
    -- Nothing that ran is no success.
    if passed + failed == 0 then io.stdout:write "no spec ran\n" end
    io.stdout:write(("%d passed, %d failed, %d skipped\n"):format(passed, failed, handler.pendingsCount))
    io.stdout:flush()
    if passed + failed == 0 then os.exit(1, true) end
    return nil, true
  end

  busted.subscribe({ "file", "start" }, file_start)
  busted.subscribe({ "file", "end" }, file_end)
  busted.subscribe({ "exit" }, exit, { priority = 100 })
  return handler
end
