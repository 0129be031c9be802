--- Exit codes of the command line. No failure exits 0.
-- @module patchworks.cli.codes
local codes = {
  done = 0, -- done, or nothing to do
  failed = 1,
  usage = 2,
  rolled_back = 3, -- a deployment or smoke test failed; what was live before is live
  stuck = 4, -- that failed, and so did the way back
  unknown = 5, -- it may have been done: the answer was lost
  unauthorised = 6,
  changes = 7, -- `plan --detailed-exitcode`: there is something to publish
  interrupted = 130, -- and 129, 143: SIGHUP, SIGTERM; see patchworks.cli.patience
}

--- The code of an error of the client.
-- @tparam table err
-- @treturn integer
function codes.of(err)
  if type(err) ~= "table" then return codes.failed end
  if err.kind == "file" and not err.stage then return codes.usage end -- with a stage, a release had begun
  if err.rollback_error or (err.stage == "test" and not err.rolled_back) then return codes.stuck end
  if err.rolled_back then return codes.rolled_back end
  if err.outcome == "unknown" and not err.overtaken then return codes.unknown end
  if err.kind == "conflict" then return codes.failed end
  if err.stage or err.kind == "deployment_failed" then return codes.rolled_back end
  if err.kind == "unauthenticated" or err.kind == "forbidden" then return codes.unauthorised end
  return codes.failed
end

return codes
