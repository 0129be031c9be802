-- A cloned project must not decide whom TLS trusts where an owner's credential goes.
local lua = require "spec.support.lua"
local scratch = require "spec.support.scratch"
local shell = require "spec.support.shell"
local terminal = require "spec.support.terminal"
local tls = require "spec.support.tls"

local peers, folder

setup(function() peers = tls.start() end)
teardown(function() getmetatable(peers).__close(peers) end)

local function write(name, text)
  local file <close> = assert(io.open(folder .. "/" .. name, "wb"))
  file:write(text)
end

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

before_each(function()
  folder = scratch.folder()
  scratch.make(folder .. "/.git")
  write("ca.pem", read(peers.folder .. "/ca.pem"))
end)
after_each(function() scratch.remove(folder) end)

local function project(base_url, ca_file)
  write("patchworks.project.lua", ("return { environments = { production = { %s ca_file = %q } } }"):format(
    base_url and ("base_url = %q,"):format(base_url) or "", ca_file or "ca.pem"))
end

local function environment(more) return ("XDG_CONFIG_HOME=%s/config %s"):format(folder, more or "") end

local function run(words, more, input)
  return shell(nil, words, { folder = folder, environment = environment(more), input = input })
end

-- Nothing was sent, and what to do is said.
local function refused(words, more, input)
  local before = peers:answered()
  local code, out, err = run(words, more, input)
  assert.equal(2, code, out .. err)
  assert.matches("PATCHWORKS_CA_FILE=" .. folder .. "/ca.pem", err, 1, true)
  assert.equal(before, peers:answered())
  return err
end

describe("a project's ca_file", function()
  it("counts for no credential of the environment, though the owner has named the service", function()
    project(peers:url "good")
    local owner = ("PATCHWORKS_API_KEY=k PATCHWORKS_BASE_URL=%s"):format(peers:url "good")
    refused("show 7", owner)
    refused("show 7 --env production", "PATCHWORKS_API_KEY=k PATCHWORKS_BASE_URL=" .. peers:url "good" .. "/api/v1")
    refused("show 7 --base-url " .. peers:url "good", "PATCHWORKS_API_KEY=k")
    local code, _, err = run("show 7", ("%s PATCHWORKS_CA_FILE=%s/ca.pem"):format(owner, peers.folder))
    assert.equal(0, code, err)
  end)

  it("counts for nothing at the vendor's, be it at a login", function()
    project()
    refused("show 7", "PATCHWORKS_API_KEY=k")
    write("key", "k\n")
    refused("login", nil, folder .. "/key")
  end)

  it("gives way to the owner's", function()
    project(peers:url "good")
    write("ca.pem", "no certificates")
    local owner = ("PATCHWORKS_API_KEY=k PATCHWORKS_BASE_URL=%s PATCHWORKS_CA_FILE="):format(peers:url "good")
    assert.equal(0, (run("show 7", owner .. peers.folder .. "/ca.pem")))
    local code, out = run("show 7 --json", owner .. peers.folder .. "/other.pem")
    assert.same({ 1, "tls" }, { code, out:match '"kind":"(%w+)"' })
    local err = select(3, run("show 7", owner .. "/nowhere.pem"))
    assert.matches("PATCHWORKS_CA_FILE: can't read /nowhere.pem", err, 1, true)
  end)

  it("says nothing where there is no TLS", function()
    local server <close> = assert(require("patchworks.sandbox").start())
    project(server.url)
    assert.equal(0, (run("list 1", ("PATCHWORKS_API_KEY=%s PATCHWORKS_BASE_URL=%s"):format(server.key, server.url))))
  end)

  it("is no consent of a program's that types no key", function()
    project(peers:url "good")
    write("key", "k\n")
    refused("login --base-url " .. peers:url "good", nil, folder .. "/key")
    local input = folder .. "/key"
    local code, _, err = run("login --base-url " .. peers:url "good", "PATCHWORKS_CA_FILE=ca.pem", input)
    assert.equal(0, code, err)
    refused "show 7" -- the next one is the project's word again
  end)

  it("is trusted as it was compared, whatever the file holds by then", function()
    project(peers:url "good")
    local keys, origin = require "patchworks.project.keys", require "patchworks.call.origin"
    local function getenv(name) return name == "XDG_CONFIG_HOME" and folder .. "/config" or nil end
    assert(keys.store(origin.of(peers:url "good"), "a-key", getenv, read(peers.folder .. "/ca.pem")))
    local script = ([[
      local trust = require "patchworks.project.trust"
      local compare = trust.certificates or trust.ca_file
      local function compared(...)
        os.rename("ca.pem", "former.pem")
        os.rename("theirs.pem", "ca.pem")
        return ...
      end
      local function changed(...) return compared(compare(...)) end
      trust.certificates, trust.ca_file = changed, changed
      local client <close> = assert(require("patchworks.project").load()):client()
      print(client.script_versions:get(7))
    ]])
    write("changed.lua", script)
    write("theirs.pem", read(peers.folder .. "/other.pem"))
    local pipe <close> = io.popen(("cd %s && %s %s changed.lua 2>&1"):format(folder, environment(), lua))
    assert.matches("^script version 7 ", pipe:read "a")
  end)

  if not terminal.missing then
    it("is shown at a login, and counts with the key from then on, as long as it says the same", function()
      project(peers:url "good")
      local command = ("cd %s && %s"):format(folder, shell.command(nil, "login", { environment = environment() }))
      local answer = terminal.run(command, {
        { "wait", "by whoever has a certificate of " .. folder .. "/ca.pem", 5 },
        { "type", "a-key\r" },
        { "wait", "accepted by", 5 },
      })
      assert.equal(0, answer.code, answer.output)
      local code, _, err = run "show 7"
      assert.equal(0, code, err)
      -- Another project, with certificates of its own for the same service.
      write("ca.pem", read(peers.folder .. "/other.pem"))
      refused "show 7"
      assert.equal(0, (run "logout"))
    end)

    it("is named at a login by what its file is called, and that steers no terminal", function()
      local name = "ca\27[2K\r.pem"
      write(name, read(peers.folder .. "/other.pem"))
      project(peers:url "good", name)
      local command = ("cd %s && %s"):format(folder, shell.command(nil, "login", { environment = environment() }))
      local answer = terminal.run(command, {
        { "wait", "ca\\x1b[2K\\x0d.pem", 5 }, { "type", "x\3" }, { "wait", "interrupted", 5 },
      })
      assert.is_nil(answer.output:find "\27%[2K\r%.pem", answer.output)
    end)
  end
end)
