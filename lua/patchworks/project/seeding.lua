--- What a project's sandbox begins with: its scripts under their names, each with its file as the live version.
-- @module patchworks.project.seeding
local languages = require "patchworks.project.languages"

local seeding = {}

-- A source that can't be deployed stays a version that can be looked at; that it can't is the sandbox's to say.
local function deploy(client, id, source)
  local version = client.script_versions:create(id, { content = source })
  if version then client.script_versions:deploy_and_wait(version.id, { interval = 0.05 }) end
end

--- Makes the scripts that are not there yet. Those in a language that the sandbox doesn't run are left out.
-- @tparam table project
-- @tparam table server see patchworks.sandbox
-- @treturn ?table ids by name; or nil and an error of kind "file"
function seeding.seed(project, server)
  local ids = {}
  for _, script in ipairs(server:scripts()) do ids[script.name] = script.id end
  local client <close> = server:client()
  for _, script in ipairs(project:scripts()) do
    local language = script.language or languages.of_file(script.file)
    if language and not ids[script.name] then
      local source, problem = project:source(script.name)
      if not source then return nil, problem end
      ids[script.name] = server:create_script({ name = script.name, language = language }).id
      deploy(client, ids[script.name], source)
    end
  end
  return ids
end

return seeding
