--- The operations of the Core API on script versions, as data.
--
-- `method`, `path` and `parameters` are the contract's. `delivery` says when a request may be sent again (see
-- retry.lua): "read" changes nothing, "repeatable" does the same when done twice, "once" must never be done twice.
-- `answer` says how a success is unwrapped (see call/answer.lua). `timeout` and `attempt_timeout` are seconds, where
-- the operation needs others than the client's.
--
-- @module patchworks.call.endpoints
local paged = { include = true, filter = true, page = true, per_page = true }

local endpoints = {
  get = {
    operation = "get",
    method = "GET",
    path = "/script-versions/",
    subject = "script version id",
    parameters = paged,
    delivery = "read",
    answer = "version",
  },
  delete = {
    operation = "delete",
    method = "DELETE",
    path = "/script-versions/",
    subject = "script version id",
    parameters = {},
    delivery = "repeatable",
    answer = "message",
  },
  upload = {
    operation = "upload",
    method = "POST",
    path = "/script-versions/",
    suffix = "/upload",
    subject = "script version id",
    parameters = { private = true },
    body = "upload",
    delivery = "once",
    answer = "object",
  },
  deploy = {
    operation = "deploy",
    method = "POST",
    path = "/script-versions/",
    suffix = "/deploy",
    subject = "script version id",
    parameters = {},
    delivery = "repeatable",
    answer = "object",
  },
  invoke = {
    operation = "invoke",
    method = "POST",
    path = "/script-versions/",
    suffix = "/invoke",
    subject = "script version id",
    parameters = { payload = true, variables = true, flow = true },
    body = "invoke",
    delivery = "once",
    answer = "object",
    -- A script may run for 120 s.
    timeout = 150,
    attempt_timeout = 150,
  },
  logs = {
    operation = "logs",
    method = "GET",
    path = "/script-versions/",
    suffix = "/logs",
    subject = "script version id",
    -- The contract declares none, and still answers in pages: see listing.lua.
    parameters = {},
    delivery = "read",
    answer = "page",
  },
  list = {
    operation = "list",
    method = "GET",
    path = "/scripts/",
    suffix = "/script-versions",
    subject = "script id",
    parameters = paged,
    delivery = "read",
    answer = "page",
  },
  create = {
    operation = "create",
    method = "POST",
    path = "/scripts/",
    suffix = "/script-versions",
    subject = "script id",
    parameters = { content = true, file = true, reconcile = true },
    body = "create",
    delivery = "once",
    answer = "version",
  },
}

-- How messages call the id.
for _, endpoint in pairs(endpoints) do endpoint.label = endpoint.operation .. ": " .. endpoint.subject end

return endpoints
