-- What an answer is, by operation and status. Made from the contract: see scripts/openapi.lua.
return {
  operations = {
    ["DELETE /api/v1/script-versions/{script_version}"] = {
      ["200"] = { ["$ref"] = "MessageResponse" },
      ["401"] = {},
      ["403"] = {},
    },
    ["GET /api/v1/script-versions/{script_version}"] = {
      ["200"] = { ["$ref"] = "ScriptVersionsResponse" },
      ["401"] = {},
      ["403"] = {},
    },
    ["GET /api/v1/script-versions/{script_version}/logs"] = {
      ["200"] = { ["$ref"] = "ScriptVersionsListResponse" },
      ["401"] = {},
      ["403"] = {},
    },
    ["GET /api/v1/scripts/{script}/script-versions"] = {
      ["200"] = { ["$ref"] = "ScriptVersionsListResponse" },
      ["401"] = {},
      ["403"] = {},
    },
    ["POST /api/v1/script-versions/{script_version}/deploy"] = {
      ["200"] = { type = "object" },
      ["401"] = {},
      ["403"] = {},
      ["422"] = { ["$ref"] = "ErrorResponse" },
    },
    ["POST /api/v1/script-versions/{script_version}/invoke"] = {
      ["200"] = { type = "object" },
      ["401"] = {},
      ["403"] = {},
      ["422"] = { ["$ref"] = "ErrorResponse" },
    },
    ["POST /api/v1/script-versions/{script_version}/upload"] = {
      ["200"] = { type = "object" },
      ["401"] = {},
      ["403"] = {},
      ["422"] = { ["$ref"] = "ErrorResponse" },
    },
    ["POST /api/v1/scripts/{script}/script-versions"] = {
      ["200"] = { ["$ref"] = "ScriptVersionsResponse" },
      ["401"] = {},
      ["403"] = {},
      ["422"] = { ["$ref"] = "ErrorResponse" },
    },
  },
  schemas = {
    ErrorResponse = {
      properties = {
        errors = { additionalProperties = { items = { type = "string" }, type = "array" }, type = "object" },
        message = { type = "string" },
      },
      type = "object",
    },
    MessageResponse = { properties = { message = { type = "string" } }, type = "object" },
    PaginationLinks = {
      properties = {
        first = { format = "uri", type = "string" },
        last = { format = "uri", type = "string" },
        next = { format = "uri", nullable = true, type = "string" },
        prev = { format = "uri", nullable = true, type = "string" },
      },
      type = "object",
    },
    PaginationMeta = {
      properties = {
        current_page = { type = "integer" },
        from = { nullable = true, type = "integer" },
        last_page = { type = "integer" },
        path = { type = "string" },
        per_page = { type = "integer" },
        to = { nullable = true, type = "integer" },
        total = { type = "integer" },
      },
      type = "object",
    },
    ScriptVersions = {
      properties = {
        content = { type = "object" },
        created_at = { format = "date-time", type = "string" },
        deployed_at = { format = "date-time", type = "string" },
        deploying = { type = "string" },
        deployment_failed_at = { format = "date-time", type = "string" },
        deployment_failure_reason = { type = "string" },
        id = { type = "integer" },
        last_invoked_on = { type = "string" },
        name = { type = "string" },
        script = { type = "object" },
        script_id = { type = "integer" },
        status = { enum = { "Draft", "Inactive", "Deployed" }, type = "string" },
        updated_at = { format = "date-time", type = "string" },
        version = { type = "integer" },
      },
      type = "object",
    },
    ScriptVersionsListResponse = {
      properties = {
        data = { items = { ["$ref"] = "ScriptVersions" }, type = "array" },
        links = { ["$ref"] = "PaginationLinks" },
        meta = { ["$ref"] = "PaginationMeta" },
      },
      type = "object",
    },
    ScriptVersionsResponse = { properties = { data = { ["$ref"] = "ScriptVersions" } }, type = "object" },
  },
}
