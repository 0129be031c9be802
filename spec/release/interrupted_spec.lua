-- A release that is cut off anywhere leaves a true account, and the next run finishes it.
local patchworks = require "patchworks"
local progresses = require "patchworks.release.progress"
local sandbox = require "patchworks.sandbox"

local fast = 0.02

local function source(word) return ("def handle(data): return {'payload': '%s'}\n"):format(word) end

local function given(word, expect)
  return { content = source(word), interval = fast, test = { payload = "x", expect = expect } }
end

-- A service where "one" is live, for a function that is given it and its versions.
local function with_service(fn)
  local server <close> = assert(sandbox.start { deploy_seconds = 0 })
  local client <close> = server:client()
  local versions = client.script_versions
  assert(versions:publish(1, { content = source "one", interval = fast }))
  server:forget_requests()
  fn(server, versions)
end

-- Publishes, and raises at the nth request's end: gives the account as it was kept, and whether it came so far.
local function cut(versions, options, n)
  local kept, count, account = nil, 0, nil
  options.record = function(progress)
    kept = {}
    for name, value in pairs(progress) do kept[name] = value end
    kept.pending = { table.unpack(progress.pending) }
  end
  options.on_event = function(event)
    account = event.progress or account
    if event.type ~= "attempt" then return end
    count = count + 1
    if count == n then error("interrupted!", 0) end -- Ctrl-C
  end
  local ok, problem = pcall(versions.publish, versions, 1, options)
  if ok then return nil end
  assert.equal("interrupted!", problem)
  return account, kept
end

local function live_of(versions)
  local live
  for version in versions:list(1, { filter = { is_deployed = true } }) do
    if not live or version.deployed_at > live.deployed_at then live = version end
  end
  return live
end

local function settle(versions)
  for version in versions:list(1) do
    while version.deploying do version:refresh() end
  end
end

describe("a publish that is cut off at any request", function()
  for _, case in ipairs { { "that succeeds", "two", 1, 8 }, { "that goes back", "other", 9, 3 } } do
    it(case[1] .. " leaves a true account, and the next run finishes", function()
      local n, cuts = case[3] - 1, 0 -- up to the test, both are the same
      repeat
        n = n + 1
        local finished
        with_service(function(server, versions)
          local account, kept = cut(versions, given("two", case[2]), n)
          if not account then
            finished = true
            return
          end
          cuts = cuts + 1
          local made = server:count "create" > 0
          assert.equal(made, account.creating == true or account.made == true, n .. ": " .. tostring(account))
          assert.is_truthy(tostring(account):find "publish of script 1 was cut off")
          local untouched = server:count "create" + server:count "deploy" == 0
          assert.equal(untouched, tostring(account):find "nothing was changed" ~= nil)
          -- What comes live afterwards was told, before and after the cut.
          local before = account.looked and account.live and account.live.id or 1
          settle(versions)
          local live = live_of(versions).id
          local told = live == before
          for _, version in ipairs(account.pending) do told = told or version.id == live end
          assert.is_true(told, ("%d: %d is live, and: %s"):format(n, live, tostring(account)))
          -- What was kept before the last request says at least as much.
          local known = {}
          for _, version in ipairs(patchworks.progress(kept).pending) do known[version.id] = true end
          for _, version in ipairs(account.pending) do assert.is_true(known[version.id]) end
          -- The next run.
          local done = assert(versions:publish(1, { content = source "two", interval = fast }))
          assert.equal(2, done.version.version)
          assert.equal(2, live_of(versions).version)
          assert.equal(2, versions:list(1):count())
        end)
      until finished
      assert.is_true(cuts >= case[4], "cut off " .. cuts .. " times")
    end)
  end
end)

describe("the account of a release", function()
  it("says what was made, what is live, and what may still come live", function()
    local account = progresses.new("publish", "42")
    account.step = "deploy"
    account:saw { id = 7, version = 3 }
    account:has({ id = 9, version = 4 }, true)
    account:begins { id = 9, version = 4 }
    assert.equal([[
publish of script 42 was cut off (deploy)
  made: v4 (script version 9)
  live at the last look: v3 (script version 7)
  may still come live: v4 (script version 9)]], tostring(account))
    account:ends { id = 9 }
    account:finish()
    assert.matches("is over\n  made: v4 %(script version 9%)\n  live at", tostring(account))
  end)

  it("is taken up from whatever was kept of it", function()
    assert.equal(tostring(progresses.new("publish", "42")), tostring(patchworks.progress {
      operation = "publish", script = "42", pending = { 7, {} }, live = "x",
    }))
    assert.error_matches(function() patchworks.progress() end, "progress: expected the account as it was kept, a table, got nil")
  end)
end)
