-- A version that could not be deployed once was deployed, and somebody else's took its place before the next look: its
-- failure of long ago was told as one of now.
local cjson = require "cjson"
local sandbox = require "patchworks.sandbox"

local function version(fields)
  fields.id, fields.script_id, fields.version, fields.status = 7, 1, 7, "Inactive"
  fields.deployment_failed_at, fields.deployment_failure_reason = "2026-01-01T00:00:00Z", "long ago"
  return cjson.encode { data = fields }
end

describe("a version that was superseded while it was waited for", function()
  it("has not failed because it failed once", function()
    local server <close> = assert(sandbox.start())
    local client <close> = server:client()
    local function answer(operation, body, times)
      server:fail { operation = operation, how = "status", status = 200, body = body, times = times }
    end
    answer("get", version {})
    answer("deploy", "{}")
    answer("get", version { deploying = "true" })
    answer("get", version { deployed_at = "2026-11-24T08:00:00Z" }, 1000)
    local _, err = client.script_versions:deploy_and_wait(7, { timeout = 0.5, interval = 0.01 })
    assert.same({ "conflict", true }, { err.kind, err.overtaken })
  end)
end)
