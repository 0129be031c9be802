-- Notices what changes in folders.
local scratch = require "spec.support.scratch"
local uv = require "luv"
local watch = require "patchworks.project.watch"

local root, watcher, told

local function write(name, text)
  local file <close> = assert(io.open(root .. "/" .. name, "wb"))
  file:write(text)
end

-- Runs the loop until a change was told, or until `seconds` are over; gives the names.
local function changed(seconds)
  local timer = uv.new_timer()
  local over = false
  uv.update_time() -- the loop's own clock stood still since it last ran
  timer:start(math.floor((seconds or 5) * 1000), 0, function() over = true end)
  while not told and not over do uv.run "once" end
  timer:close()
  local names = {}
  for i, path in ipairs(told or {}) do names[i] = path:sub(#root + 2) end
  told = nil
  return names
end

local function start(folders, trees)
  watcher = watch.new(folders, trees, function(paths)
    told = told or {}
    table.move(paths, 1, #paths, #told + 1, told)
  end)
  assert.same({}, changed(0.1))
end

before_each(function()
  root = uv.fs_realpath "/tmp" .. "/watch" .. uv.hrtime()
  told = nil
  for _, path in ipairs { "/scripts/x.py", "/cases/a/payload.txt" } do scratch.write(root .. path, "1") end
end)
after_each(function()
  if watcher then watcher:close() end
  watcher = nil
  uv.run "nowait"
  scratch.remove(root)
end)

describe("project.watch", function()
  it("tells a file that was written, replaced by renaming, made and removed, once each", function()
    start({ root .. "/scripts" }, {})
    write("scripts/x.py", "22")
    assert.same({ "scripts/x.py" }, changed())
    write("scripts/.x.py.swp", "333")
    write("scripts/x.new~", "333")
    os.rename(root .. "/scripts/x.new~", root .. "/scripts/x.py")
    assert.same({ "scripts/x.py" }, changed())
    write("scripts/y.py", "1")
    assert.same({ "scripts/y.py" }, changed())
    os.remove(root .. "/scripts/y.py")
    assert.same({ "scripts/y.py" }, changed())
    assert.same({}, changed(0.1))
  end)

  it("tells nothing of what is hidden, only read, or lies deeper", function()
    start({ root .. "/scripts" }, {})
    for _ in io.lines(root .. "/scripts/x.py") do end
    write("scripts/.hidden", "1")
    scratch.write(root .. "/scripts/deep/z.py", "1")
    assert.same({}, changed(0.15))
  end)

  it("follows a tree into folders that come later", function()
    start({}, { root .. "/cases" })
    scratch.write(root .. "/cases/b/c/payload.txt", "1")
    assert.same({ "cases/b/c/payload.txt" }, changed())
    write("cases/b/c/payload.txt", "22")
    assert.same({ "cases/b/c/payload.txt" }, changed())
    write("cases/a/payload.txt", "22")
    assert.same({ "cases/a/payload.txt" }, changed())
  end)

  it("waits for a folder that is away, as while a branch is switched", function()
    start({ root .. "/scripts" }, { root .. "/cases" })
    scratch.remove(root .. "/scripts")
    scratch.remove(root .. "/cases")
    local gone = changed()
    if #gone < 2 then table.move(changed(), 1, 1, #gone + 1, gone) end
    table.sort(gone)
    assert.same({ "cases/a/payload.txt", "scripts/x.py" }, gone)
    scratch.make(root .. "/scripts")
    assert.same({}, changed(0.1))
    write("scripts/x.py", "1")
    assert.same({ "scripts/x.py" }, changed())
    scratch.write(root .. "/cases/n/payload.txt", "1")
    assert.same({ "cases/n/payload.txt" }, changed())
  end)

  it("tells a change that came while other folders were taken up", function()
    start({ root .. "/scripts" }, {})
    write("scripts/x.py", "22")
    watcher:set({ root .. "/scripts" }, { root .. "/cases" })
    assert.same({ "scripts/x.py" }, changed())
  end)

  it("needs no processor while nothing happens", function()
    start({ root .. "/scripts" }, { root .. "/cases" })
    local before = uv.getrusage()
    assert.same({}, changed(1))
    local after = uv.getrusage()
    local function seconds(usage) return usage.utime.sec + usage.stime.sec + (usage.utime.usec + usage.stime.usec) / 1e6 end
    assert.is_true(seconds(after) - seconds(before) < 0.005)
  end)

  it("looks each second where the system has no watches left", function()
    local real = uv.new_fs_event
    uv.new_fs_event = function()
      return setmetatable({ start = function() return nil, "ENOSPC" end, is_closing = function() return true end }, { __index = {} })
    end
    finally(function() uv.new_fs_event = real end)
    start({ root .. "/scripts" }, {})
    assert.is_true(watcher.polled)
    write("scripts/x.py", "22")
    assert.same({ "scripts/x.py" }, changed(5))
  end)
end)
