-- What a script's whole tree of processes may use, with namespaces where the system allows them, and without.
local cjson = require "cjson"
local lfs = require "lfs"
local runner = require "patchworks.runner"
local scratch = require "spec.support.scratch"
local uv = require "luv"
local wait_until = require "spec.support.wait_until"

-- Whether there is a process with such a string in a file of its in /proc.
local function lives(name, text)
  for pid in lfs.dir "/proc" do
    local file <close> = pid:find "^%d" and io.open(("/proc/%s/%s"):format(pid, name), "rb")
    if file and ("\0" .. (file:read "a" or "")):find("\0" .. text .. "\0", 1, true) then return true end
  end
  return false
end

-- Sleeps for a time of its own, by which it is found.
local sleepers = os.time()
local function sleeper()
  sleepers = sleepers + 1
  return tostring(sleepers), ("os.posix_spawnp('sleep', ['sleep', '%d'], os.environ, setsid=True)"):format(sleepers)
end

for _, isolated in ipairs { true, false } do
  local function start(source, given)
    given = given or {}
    given.language, given.source, given.isolated = given.language or "python", source, isolated
    return assert(runner.start(given))
  end
  local function run(source, given)
    local started <close> = start(source, given)
    assert.is_true(started:wait(60))
    return started:result()
  end

  describe("a script " .. (isolated and "in namespaces of its own" or "without namespaces"), function()
    it("ends with what it started, whatever session that is in, and though it goes on printing", function()
      local asleep, sleep = sleeper()
      local result = run(([[
import os, time
def handle(data):
  %s
  if os.fork() == 0:
    os.setsid()
    while True:
      time.sleep(0.01)
      os.write(1, b'x')
  return {'payload': 'done'}
]]):format(sleep))
      assert.equal("done", cjson.decode(result.answer).payload)
      assert.is_true(result.seconds < 30)
      assert.is_false(lives("cmdline", asleep))
    end)

    it("ends when whoever started it is killed", function()
      local asleep, sleep = sleeper()
      local path = scratch.write(os.tmpname(), ([[
        local run = require("patchworks.runner").start { language = "python", isolated = %s, source = %q }
        run:wait()
      ]]):format(isolated, "import os, time\ndef handle(data):\n  " .. sleep .. "\n  time.sleep(300)"))
      local pipe = io.popen(("echo $$; exec %s %s"):format(require "spec.support.lua", path))
      local pid = pipe:read "n"
      wait_until(function() return lives("cmdline", asleep) end)
      uv.kill(pid, "sigkill")
      pipe:close()
      wait_until(function() return not lives("cmdline", asleep) end)
      os.remove(path)
    end)

    it("has 512 MB of memory for all its processes", function()
      -- Asked of the system in one piece (MAP_POPULATE): page after page it takes ten times as long.
      local result = run [[
import mmap, os, time
def handle(data):
  os.fork()
  held = mmap.mmap(-1, 280 * 1000 * 1000, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x8000)
  time.sleep(60)
]]
      assert.equal("memory", result.error.kind)
      assert.is_true(result.memory_bytes > 512 * 1024 * 1024)
    end)

    -- What node writes to is counted; what it takes and writes nothing to is bounded by the system.
    it("has as much where the address space isn't bounded", function()
      local result = run(([[
module.exports = () => {
  const fill = "const all = []; for (;;) all.push(Buffer.alloc(2e7%s))"
  const large_pages = { GLIBC_TUNABLES: "glibc.malloc.hugetlb=1" } // small ones take four times as long
  throw require("child_process").spawnSync(process.execPath, ["-e", fill], { env: large_pages })
}]]):format(isolated and "" or ", 1"), { language = "javascript" })
      assert.is_not_nil(result.error)
      assert.is_true(result.memory_bytes < 1024 * 1024 * 1024, tostring(result.memory_bytes))
    end)

    it("has no memory that belongs to no process", function()
      local result = run [[
import os
def handle(data):
  held = []
  for i in range(60):
    held.append(os.memfd_create('hidden%d' % i))
    os.write(held[-1], b'x' * 15000000)
  return {'payload': 'hidden'}
]]
      assert.is_nil(result.answer)
      assert.is_truthy(result.error.kind == "raised" or result.error.kind == "memory")
    end)

    it("has no more than 64 processes", function()
      local result = run [[
import os, time
def handle(data):
  started = 0
  try:
    for i in range(400):
      os.posix_spawnp('sleep', ['sleep', '60'], os.environ)
      started += 1
  except OSError: pass
  time.sleep(0.2)
  return {'payload': str(started)}
]]
      local started = result.answer and tonumber(cjson.decode(result.answer).payload)
      assert.is_true(result.error and result.error.kind == "processes" or started < 64, result.answer)
    end)

    it("has 64 MB of files", function()
      local result = run [[
import time
def handle(data):
  block = b'x' * 15000000
  for i in range(5): open('file%d' % i, 'wb').write(block)
  time.sleep(1)
  return {'payload': 'all written'}
]]
      assert.is_true(result.error.kind == "files" or result.error.message:find "No space left", result.error.message)
    end)

    it("has one file of 16 MB at most, 8 MB of output, and answers of as many", function()
      assert.equal("raised", run("def handle(data):\n  big = open('big', 'wb')\n  big.seek(15 << 20)\n  big.write(b'x' * 2000000)").error.kind)
      assert.equal("output", run("def handle(data):\n  while True: print('x' * 100000)").error.kind)
      assert.equal("output", run("def handle(data): return {'payload': '\\0' * 1400000}").error.kind)
    end)

    it("sees none of this process's descriptors, variables and signals", function()
      local result = run [[
import os, signal
def handle(data):
  found = [f for f in os.listdir('/proc/self/fd') if int(f) > 2 and os.path.exists('/proc/self/fd/' + f)]
  return {'payload': ' '.join(found), 'names': sorted(os.environ), 'pipe': str(signal.getsignal(signal.SIGTERM))}
]]
      local answer = cjson.decode(result.answer)
      assert.equal("", answer.payload)
      assert.same({ "HOME", "LANG", "PATH", "TMPDIR" }, answer.names)
    end)

    it("leaves no file where everybody may write, and a deep folder to nobody", function()
      local result = run [[
import os
def handle(data):
  os.makedirs('/var/tmp/patchworks-left/deep', exist_ok=True)
  paths = ['/tmp/patchworks-left', '/dev/shm/patchworks-left', '/var/tmp/patchworks-left/deep/file']
  for path in paths:
    try: open(path, 'w').write('x')
    except OSError: pass # not everybody may write there on this machine
  folder = os.getcwd()
  for i in range(300):
    os.mkdir('deep-%d' % i)
    os.chdir('deep-%d' % i)
    open('file', 'w').close()
  os.chdir(folder)
  return {'payload': str(os.getuid()), 'folder': folder}
]]
      local answer = cjson.decode(result.answer)
      assert.is_nil(lfs.attributes(answer.folder))
      if not isolated and tonumber(answer.payload) == uv.getuid() then
        for _, place in ipairs { "/tmp", "/dev/shm", "/var/tmp" } do scratch.remove(place .. "/patchworks-left") end
        return pending "only root can give a script a user of its own"
      end
      for _, place in ipairs { "/tmp", "/dev/shm", "/var/tmp" } do assert.is_nil(lfs.attributes(place .. "/patchworks-left")) end
    end)
  end)
end

describe("an isolated script", function()
  it("sees its folder, not this machine's files", function()
    local run <close> = runner.start {
      language = "python",
      source = "import os\ndef handle(data): return {'payload': os.getcwd(), 'root': os.listdir('/'), 'etc': os.path.exists('/etc/passwd')}",
    }
    run:wait(60)
    local result = run:result()
    if not result.isolated then return pending "this system allows no namespaces" end
    local answer = cjson.decode(result.answer)
    assert.equal("/script", answer.payload)
    assert.is_false(answer.etc)
    for _, name in ipairs(answer.root) do assert.is_false(name == "root" or name == "home" or name == "work") end
  end)
end)

describe("leftovers", function()
  it("are swept: a folder that nobody watches, and its processes", function()
    local folder = "/tmp/patchworks-run-left" .. os.time()
    scratch.make(folder .. "/a/b")
    os.execute(("HOME=%s setsid sleep 300 &"):format(folder))
    wait_until(function() return lives("environ", "HOME=" .. folder) end)
    runner.sweep()
    assert.is_table(lfs.attributes(folder)) -- too young: somebody may be about to watch it
    runner.sweep(0)
    assert.is_nil(lfs.attributes(folder))
    assert.is_false(lives("environ", "HOME=" .. folder))
  end)
end)
