-- Bugs by which the account of a release isn't true. See bites.lua.
return {
  {
    bug = "a deployment that has failed stays in the account",
    module = "patchworks.release.wait",
    from = [[if deployed or failure.kind == "deployment_failed" then progress:ends(version) end]],
    to = "if deployed then progress:ends(version) end",
    promise = "the account is true",
    seed = 9,
  },
  {
    bug = "a create that was lost is no more in the account",
    module = "patchworks.release.publish",
    from = [[elseif failure.outcome ~= "unknown" then
        undo()]],
    to = [[else
        undo()]],
    promise = "the account is true",
    seed = 12,
  },
  {
    bug = "what can't be kept is begun all the same",
    module = "patchworks.release.job",
    from = "if not kept and not self.returning then",
    to = "if not kept and not step then",
    promise = "what changes something is kept first",
    seed = 157,
  },
  {
    bug = "a deployment is begun before it is in the account",
    module = "patchworks.release.wait",
    from = [[  local undo = progress:begins(version)
  local begun, refusal = job:begin(undo, step, { version = version, from = from })]],
    to = [[  local begun, refusal = job:begin(function() end, step, { version = version, from = from })
  local undo = progress:begins(version)]],
    promise = "what changes something is kept first",
    seed = 7,
  },
  {
    bug = "a way back that was lost from sight is told as nothing done",
    module = "patchworks.release.publish",
    from = "deployed = deploy_again(job, previous, now, fields) or tested",
    to = "deploy_again(job, previous, now, fields)",
    promise = "the account is true",
    seed = 991,
  },
}
