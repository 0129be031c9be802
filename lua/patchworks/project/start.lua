--- How a project begins: from nothing, with an example that runs; or from scripts of an account.
-- @module patchworks.project.start
local errors = require "patchworks.errors"
local inside = require "patchworks.project.inside"
local languages = require "patchworks.project.languages"
local live = require "patchworks.project.live"
local service = require "patchworks.service"
local state = require "patchworks.project.state"
local written = require "patchworks.project.written"

local start = {}

local project_file = "patchworks.project.lua"

-- Each example does the same: its case passes in every language.
local examples = {
  python = { "py", [[
import json


def handle(data):
    order = json.loads(data["payload"])
    total = sum(line["price"] * line["quantity"] for line in order["lines"])
    return {
        "payload": json.dumps({"id": order["id"], "total": total}),
        "logs": [f"order {order['id']}: {len(order['lines'])} lines"],
    }
]] },
  javascript = { "js", [[
module.exports = async function (data) {
  const order = JSON.parse(data.payload);
  const total = order.lines.reduce((sum, line) => sum + line.price * line.quantity, 0);
  return {
    payload: JSON.stringify({ id: order.id, total }),
    logs: [`order ${order.id}: ${order.lines.length} lines`],
  };
};
]] },
  php = { "php", [[
<?php

function handle($data)
{
    $order = json_decode($data['payload'], true);
    $total = 0;
    foreach ($order['lines'] as $line) {
        $total += $line['price'] * $line['quantity'];
    }
    $count = count($order['lines']);
    return [
        'payload' => json_encode(['id' => $order['id'], 'total' => $total]),
        'logs' => ["order {$order['id']}: $count lines"],
    ];
}
]] },
  ruby = { "rb", [[
require 'json'

def handle(data)
  order = JSON.parse(data['payload'])
  total = order['lines'].sum { |line| line['price'] * line['quantity'] }
  {
    'payload' => JSON.generate('id' => order['id'], 'total' => total),
    'logs' => ["order #{order['id']}: #{order['lines'].size} lines"]
  }
end
]] },
  csharp = { "cs", [[
using System.Linq;
using System.Text.Json;

public class Script
{
    public static object Handle(dynamic data)
    {
        JsonElement order = JsonDocument.Parse((string)data["payload"]).RootElement;
        int id = order.GetProperty("id").GetInt32();
        var lines = order.GetProperty("lines").EnumerateArray().ToList();
        int total = lines.Sum(line => line.GetProperty("price").GetInt32() * line.GetProperty("quantity").GetInt32());
        return new
        {
            payload = JsonSerializer.Serialize(new { id, total }),
            logs = new[] { $"order {id}: {lines.Count} lines" },
        };
    }
}
]] },
  go = { "go", [[
package main

import (
	"encoding/json"
	"fmt"
)

type order struct {
	ID    int
	Lines []struct{ Price, Quantity int }
}

func Handle(data map[string]interface{}) (map[string]interface{}, error) {
	var given order
	text, _ := data["payload"].(string)
	if err := json.Unmarshal([]byte(text), &given); err != nil {
		return nil, err
	}
	total := 0
	for _, line := range given.Lines {
		total += line.Price * line.Quantity
	}
	payload, err := json.Marshal(map[string]int{"id": given.ID, "total": total})
	return map[string]interface{}{
		"payload": string(payload),
		"logs":    []string{fmt.Sprintf("order %d: %d lines", given.ID, len(given.Lines))},
	}, err
}
]] },
  rust = { "rs", [[
use serde_json::{json, Value};

fn handle(data: Value) -> Result<Value, serde_json::Error> {
    let order: Value = serde_json::from_str(data["payload"].as_str().unwrap_or_default())?;
    let empty = Vec::new();
    let lines = order["lines"].as_array().unwrap_or(&empty);
    let total: i64 = lines
        .iter()
        .map(|line| line["price"].as_i64().unwrap_or(0) * line["quantity"].as_i64().unwrap_or(0))
        .sum();
    Ok(json!({
        "payload": json!({ "id": order["id"], "total": total }).to_string(),
        "logs": [format!("order {}: {} lines", order["id"], lines.len())],
    }))
}
]] },
}

local payload = [[
{"id": 1, "lines": [{"sku": "A-1", "price": 5, "quantity": 2}, {"sku": "B-7", "price": 3, "quantity": 4}]}
]]
local expect = '{\n  "id": 1,\n  "total": 22\n}\n'

local function file_error(path, message, hint) return nil, live.file_error("init", path, message, hint) end

-- Writes files that must not be there yet: all, or none.
local function write_new(root, files)
  for _, each in ipairs(files) do
    local stays, outside = inside.check(root, root .. "/" .. each[1])
    if not stays then return nil, outside end
    local there, problem = live.read(root .. "/" .. each[1], "init")
    if problem then return nil, problem end
    if there then return file_error(each[1], "is there already", "take it away, or begin elsewhere") end
  end
  for _, each in ipairs(files) do
    local path = root .. "/" .. each[1]
    local made, problem = written.folder(path:match "^(.+)/[^/]+$")
    if made then made, problem = written.whole(path, each[2]) end
    if not made then return file_error(each[1], problem) end
  end
  return true
end

-- What a machine remembers is for nobody else.
local function ignore(root)
  local path = root .. "/.gitignore"
  local stays, outside = inside.check(root, path)
  if not stays then return nil, outside end
  local text, problem = live.read(path, "init")
  if problem then return nil, problem end
  text = text or ""
  for line in text:gmatch "[^\r\n]+" do
    if line:find "^/?%.patchworks/?%s*$" then return true end
  end
  local done, reason = written.whole(path, text .. ((text == "" or text:find "\n$") and "" or "\n") .. ".patchworks/\n")
  if not done then return file_error(path, reason) end
  return true
end

local function script_lines(scripts)
  local lines = {}
  for i, script in ipairs(scripts) do
    local language = script.language and (' language = "%s",'):format(script.language) or ""
    lines[i] = ('    %s = { file = "%s",%s cases = "cases/%s", keep = 10 },'):format(
      script.name:find "^[%a_][%w_]*$" and script.name or ('["%s"]'):format(script.name), script.file, language,
      script.name
    )
  end
  return table.concat(lines, "\n")
end

local from_nothing = [[
return {
  scripts = {
%s
  },
  environments = {
    -- The script's id is shown in your account's dashboard.
    -- production = { scripts = { %s = 42 } },
  },
  environment = "sandbox", -- the whole service on this machine; then "production"
}
]]

--- Begins a project with an example and its case.
-- @tparam string root the folder, which may be there
-- @tparam ?table given `name` ("orders"), `language` ("python"; a name of patchworks.project.languages, a version
-- behind it or not)
-- @treturn ?table the files that were written; or nil and an error of kind "file" when one is there already
function start.from_nothing(root, given)
  local name = given and given.name or "orders"
  local wanted = given and given.language or "python"
  local language, version = languages.find(wanted)
  local example = language and examples[language.name]
  if not example then errors.misuse("init: language: expected " .. languages.words) end
  if not name:find "^[%a_][%w_.-]*$" then
    return nil, live.file_error("init", name, "is no name for a script", "letters, digits, _, - and . are")
  end
  local script = { name = name, file = ("scripts/%s.%s"):format(name, example[1]), language = version and wanted }
  local files = {
    { project_file, from_nothing:format(script_lines { script }, name:find "^[%a_][%w_]*$" and name or
      ('["%s"]'):format(name)) },
    { script.file, example[2] },
    { ("cases/%s/first/payload.json"):format(name), payload },
    { ("cases/%s/first/expect.json"):format(name), expect },
  }
  local done, problem = write_new(root, files)
  if not done then return nil, problem end
  done, problem = ignore(root)
  if not done then return nil, problem end
  local names = {}
  for i, each in ipairs(files) do names[i] = each[1] end
  return names
end

-- The ending that a source's language has; the API doesn't say which it is.
local function ending_of(source)
  if source:find "<%?php" then return "php" end
  if source:find "module%.exports" or source:find "=>" or source:find "^%s*const " then return "js" end
  if source:find "%f[%w]def%s+handle%s*%([^\n]*%)[^\n]*:" then return "py" end
  if source:find "%f[%w]def%s+handle" then return "rb" end
  if source:find "^%s*package%s" then return "go" end
  if source:find "%f[%w]fn%s+%w+" then return "rs" end
  if source:find "%f[%w]using%s+System" or source:find "%f[%w]public%s+[%w%s]*class%s" then return "cs" end
  return "txt"
end

local function name_of(version, id, seen)
  local script = type(version.script) == "table" and version.script
  local name = tostring(script and script.name or version.name or ""):lower():gsub("[^%w]+", "-"):gsub("^%-+", "")
    :gsub("%-+$", "")
  if name == "" or name:find "^%d" then name = "script-" .. id end
  if seen[name] then name = name .. "-" .. id end
  seen[name] = true
  return name
end

local from_account = [[
return {
  scripts = {
%s
  },
  environments = {
    %s = { %sscripts = { %s } },
  },
}
]]

-- The scripts with what is live of each, or its newest version.
local function read_scripts(versions, ids)
  local scripts, seen = {}, {}
  for i, id in ipairs(ids) do
    local all, problem = versions:list(id, { include = { "content", "script" }, filter = { is_deployed = true } }):all()
    if not all then return nil, problem end
    local version = service.live(all)
    local source = version and service.source(version)
    if not source then
      return nil, errors.new {
        kind = "not_found", operation = "init", message = ("nothing of script %s is live"):format(id),
        hint = "publish it first, or leave it away",
      }
    end
    local name = name_of(version, id, seen)
    local file = ("scripts/%s.%s"):format(name, ending_of(source))
    scripts[i] = { id = id, name = name, version = version, source = source, file = file }
  end
  return scripts
end

--- Begins a project with scripts of an account. 1 request a script.
-- @tparam string root the folder, which may be there
-- @tparam table client
-- @tparam table given `environment` (the name that it gets), `ids` (of scripts: no operation lists them), `base_url`
-- (put into the file where it is not the vendor's), `origin`
-- @treturn ?table the files that were written; or nil and an error
function start.from_account(root, client, given)
  local scripts, problem = read_scripts(client.script_versions, given.ids)
  if not scripts then return nil, problem end
  local ids, files = {}, {}
  for i, script in ipairs(scripts) do
    ids[i] = ("[%q] = %s"):format(script.name, script.id):gsub('^%["([%a_][%w_]*)"%]', "%1")
    files[i] = { script.file, script.source }
  end
  local url = given.base_url and ("base_url = %q, "):format(given.base_url) or ""
  table.insert(files, 1, {
    project_file,
    from_account:format(script_lines(scripts), given.environment, url, table.concat(ids, ", ")),
  })
  local done, reason = write_new(root, files)
  if done then done, reason = ignore(root) end
  for _, script in ipairs(done and scripts or {}) do
    done, reason = written.folder(("%s/cases/%s"):format(root, script.name))
    if not done then return file_error("cases/" .. script.name, reason) end
    local id = script.version.id
    done, reason = state.note(root, given.origin, script.id, { from = id, live = id }, "pulled", id)
    if not done then return nil, reason end
  end
  if not done then return nil, reason end
  local names = {}
  for i, each in ipairs(files) do names[i] = each[1] end
  return names
end

return start
