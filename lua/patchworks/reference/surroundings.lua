--- The public objects around a call: tasks, what releases give, hosts' loops.
-- @module patchworks.reference.surroundings
local method = require("patchworks.call.methods").method

local tasks = {
  name = "tasks",
  class = "patchworks.tasks",
  says = "A group of tasks: what the function that `patchworks.run` calls is given. A task is a coroutine; a call "
    .. "inside one "
    .. "suspends that one alone. It fails when its function raises, or gives nil and an error.",
  order = { "spawn", "cancel", "cancel_all" },
  methods = {
    method {
      name = "spawn",
      says = "Starts a function as a task of the group. It runs at once, up to its first wait.",
      takes = { { "fn", "function", "the task" }, { "...", "any", "its arguments" } },
      gives = "patchworks.task",
      example = [[patchworks.run(function(tasks) tasks:spawn(function() print(versions:get(7)) end) end)]],
    },
    method {
      name = "cancel",
      says = "Ends a task of the group: what it waits for is closed. It is not counted as a failure.",
      takes = { { "task", "table", "one of the group", type = "patchworks.task" } },
      gives = "boolean",
      given = "whether it was ended",
      example = [[patchworks.run(function(tasks) tasks:cancel(tasks:spawn(patchworks.sleep, 60)) end)]],
    },
    method {
      name = "cancel_all",
      says = "Ends all tasks of the group.",
      example = [[patchworks.run(function(tasks)
  tasks:spawn(patchworks.sleep, 60)
  tasks:cancel_all()
end)]],
    },
  },
}

local task = {
  name = "task",
  class = "patchworks.task",
  says = "What `tasks:spawn` and `patchworks.spawn` give.",
  order = { "join", "cancel" },
  methods = {
    method {
      name = "join",
      says = "Waits until the task has ended. Where that could never be, since it waits for this one, it raises.",
      gives = "boolean",
      given = "true and the function's results, or false and what it raised",
      more = "any",
      example = [[patchworks.run(function(tasks)
  print(tasks:spawn(function() return versions:get(7) end):join())
end)]],
    },
    method {
      name = "cancel",
      says = "Ends the task where it waits: its transfers are closed, and what it holds in `<close>` variables. "
        .. "One that has "
        .. "ended, or that runs now, is left alone.",
      gives = "boolean",
      given = "whether it was ended",
      example = [[patchworks.run(function(tasks) tasks:spawn(patchworks.sleep, 60):cancel() end)]],
    },
  },
}

local release = {
  name = "release",
  class = "patchworks.release",
  says = "What `publish` and `rollback` give.",
  fields = {
    { "action", '"published"|"unchanged"|"would publish"|"rolled back"|"would roll back"', "what was done" },
    { "version?", "patchworks.version", "what is live now; with `dry_run` what would be, without an id where it "
      .. "would be made" },
    { "previous?", "patchworks.version", "what was live before" },
    { "overwrote?", "patchworks.version", "what somebody else made live between the look and the deployment" },
    { "under_way?", "patchworks.version", "what somebody else began to deploy meanwhile, and may come live after it" },
    { "made?", "boolean", "with `dry_run`: whether the version would be made, and not taken up" },
    { "stays?", "table[]", "with `keep`: as `prune` gives it" },
    { "pruned?", "patchworks.version[]", "what was deleted, with `keep`" },
    { "prune_error?", "patchworks.error", "why pruning failed" },
  },
}

local progress = {
  name = "progress",
  class = "patchworks.progress",
  says = "An account of a release, true at any moment: each step's event has it, and `record` is called with it. "
    .. "Plain data; versions are `{ id, version, script_id }`. `tostring` says it to people.",
  fields = {
    { "operation", "string", '"publish" or "rollback"' },
    { "script", "string", "the script's id" },
    { "step?", "string", "the last one that was begun" },
    { "looked?", "boolean", "whether what is live was seen" },
    { "live?", "table", "what is live, as of the last look" },
    { "version?", "table", "what was made or taken up" },
    { "made?", "boolean", "whether it was made" },
    { "changed?", "boolean", "whether a deployment was begun" },
    { "creating?", "boolean", "a create is on its way: a version may have been made" },
    { "deleting?", "boolean", "old versions are being deleted, or were" },
    { "pending", "table[]", "deployments that were begun and not seen to end: they may still come live" },
    { "under_way", "table[]", "what was being deployed at the last look, whoever began it" },
    { "finished?", "boolean", "nothing is left to go on with" },
  },
}

local pruned = {
  name = "pruned",
  class = "patchworks.pruned",
  says = "What `prune` gives.",
  fields = {
    { "deleted", "patchworks.version[]", "what was deleted" },
    { "would_delete?", "patchworks.version[]", "what would be, with `dry_run`" },
    { "kept", "integer", "how many stay" },
    { "newest", "patchworks.version[]", "those that `keep` keeps" },
    { "stays", "table[]", "`{ version, reason }` for each that stays though it is not among the newest" },
  },
}

local plan = {
  name = "plan",
  class = "patchworks.plan",
  says = "What `client:plan` gives. `tostring` shows it, with a unified diff for each script.",
  fields = {
    { "steps", "table[]", 'each `id`, `name`, `action` ("publish", "create" or "unchanged"), `diff`, `added`, '
      .. "`removed`, `live`, `test`" },
    { "changes", "integer", "how many scripts change" },
    { "tests", "integer", "how many have a test, which `apply` runs" },
    { "base_url", "string", "the service that it was made for" },
    { "save", "fun(self: patchworks.plan): string", "the plan as a text, for `load_plan`" },
  },
}

local report = {
  name = "report",
  class = "patchworks.report",
  says = "What `client:apply` gives. `tostring` sums it up.",
  fields = {
    { "scripts", "table[]", 'each `id`, `name`, `action` ("published", "unchanged" or "failed"), `version`, `error`, '
      .. "`previous`, `overwrote`, `under_way`" },
    { "published", "integer", "how many" },
    { "unchanged", "integer", "how many" },
    { "failed", "integer", "how many" },
  },
}

local manifest = {
  name = "manifest",
  class = "patchworks.manifest",
  says = "What `client:plan` takes.",
  fields = {
    { "scripts", "table[]", "each `id`, `name`, `file` or `content`, `test`, `keep`: as for `publish`" },
  },
}

local loops = {
  name = "loops",
  says = "Hosts' loops: what `loop` of `patchworks.new` takes. Calls in tasks suspend those alone, and the loop "
    .. "goes on. "
    .. "docs/loops.md says how any other loop is taken in.",
  example = [[local client <close> = patchworks.new { api_key = "...", loop = require "patchworks.loop.luv" }]],
  fields = {
    { "patchworks.loop.luv", "table", "libuv, through luv: start tasks with `patchworks.spawn`, then `uv.run()`" },
    { "patchworks.loop.cqueues", "table", "cqueues: any coroutine of a controller may call" },
  },
}

return { tasks, task, release, progress, pruned, plan, report, manifest, loops }
