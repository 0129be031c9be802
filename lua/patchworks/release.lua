--- What people do with versions, made of the eight operations and nothing else.
-- @module patchworks.release
local arguments = require "patchworks.arguments"
local errors = require "patchworks.errors"

local release = {}

local wait_names = { timeout = true, interval = true, max_interval = true, on_event = true, failed_before = true }

local function deployment_failed(version, response)
  return errors.new {
    kind = "deployment_failed",
    operation = "wait",
    message = version.deployment_failure_reason or "the service gives no reason",
    version = version,
    response = response,
  }
end

-- Waits until a version is no longer deploying, reading it at growing intervals. `failed_before` is the
-- deployment_failed_at that it had before this deployment: an old failure stays there until the next one.
local function wait(self, id, given)
  given = given or {}
  local clock = self.client.clock
  local began = clock.now()
  local timeout = arguments.check_seconds(given.timeout, "wait: timeout") or 300
  local interval = arguments.check_seconds(given.interval, "wait: interval") or 1
  local most = arguments.check_seconds(given.max_interval, "wait: max_interval") or 10
  while true do
    local left = began + timeout - clock.now()
    local version, response = self:get(id, { timeout = math.max(0.001, left), on_event = given.on_event })
    if not version then return nil, response end
    if not version.deploying then
      local failed = version.deployment_failed_at
      if failed and failed ~= given.failed_before then return nil, deployment_failed(version, response) end
      if version.status == "Deployed" then return version, response end
    end
    left = began + timeout - clock.now()
    if left < interval then
      return nil,
        errors.new {
          kind = "timeout",
          operation = "wait",
          message = ("the version was not deployed within %.3g s (it is %s)"):format(timeout, version.status or "?"),
          version = version,
          hint = "the service goes on with it: wait again, or raise `timeout`",
        }
    end
    clock.sleep(interval)
    interval = math.min(most, interval * 1.5)
  end
end

--- Adds the methods to the resource's class.
-- @tparam table class ScriptVersions
function release.extend(class)
  --- Waits until a version that is being deployed is live. 1 request a look; looks come at growing intervals.
  -- @tparam integer|string id
  -- @tparam ?table given `timeout` (300 s), `interval` (1 s) and `max_interval` (10 s) between looks, `failed_before`
  -- (the deployment_failed_at from before the deployment, so that an old failure is not taken for a new one)
  -- @treturn ?table version; or nil and an error, of kind "deployment_failed" with the service's reason
  function class:wait(id, given)
    arguments.check_names(given, wait_names, "wait")
    return wait(self, id, given)
  end
end

return release
