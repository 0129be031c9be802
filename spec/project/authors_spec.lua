-- Two authors, two folders, one account: nobody's work is lost unseen.
local authors = require "spec.project.authors"
local library = require "spec.simulation.library"
local scratch = require "spec.support.scratch"

-- scripts/check runs ten thousand.
local count = math.tointeger(os.getenv "PATCHWORKS_HISTORIES") or 300

describe("two authors", function()
  local folder

  setup(function()
    local pipe = io.popen "mktemp -d -p /dev/shm 2>/dev/null || mktemp -d"
    folder = pipe:read "l"
    pipe:close()
  end)
  teardown(function() scratch.remove(folder) end)

  it("lose no work unseen, in any of many histories", function()
    local universe, at_once = library.load(), 0
    for seed = 1, count do
      local lie, facts = authors.play(universe, seed, folder)
      assert(not lie, lie)
      at_once = at_once + facts.at_once
    end
    assert.is_true(at_once > count / 4)
  end)

  -- The judge sees what it is there for.
  for what, change in pairs {
    ["publishing over what somebody else made live"] = {
      module = "patchworks.project.publish",
      from = "if not version or not remembered or live.is_known(entry, version) then return true end",
      to = "do return true end",
    },
    ["pulling over what was changed here"] = {
      module = "patchworks.project.pull", from = 'look.state == "missing" or', to = 'look.state ~= "same" or',
    },
    ["throwing away what is replaced"] = {
      module = "patchworks.project.pull", from = "local done, reason = written.whole(free, text)", to = "local done, reason = true, nil",
    },
  } do
    it("would be seen " .. what, function()
      local universe = library.load { change }
      for seed = 1, 300 do
        if authors.play(universe, seed, folder) then return end
      end
      error("no history shows it", 0)
    end)
  end
end)
