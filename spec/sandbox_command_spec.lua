-- `patchworks sandbox` as a process of its own.
local cjson = require "cjson"
local lua = require "spec.support.lua"
local patchworks = require "patchworks"

-- Starts it, calls `look` with a client and what it said, ends it.
local function with_sandbox(options, look, folder)
  local said = os.tmpname()
  local here = io.popen("pwd"):read "l"
  local pipe = io.popen(("cd %s && exec %s %s/bin/patchworks sandbox --port 0 %s 2> %s & echo $!"):format(folder or ".", lua, here, options, said))
  local pid = pipe:read "n"
  local text
  local ok, problem = pcall(function()
    text = require "spec.support.wait_until"(function()
      local file <close> = assert(io.open(said))
      local now = file:read "a"
      return (now:find "Ctrl%-C" or now:find "rror" or now:find "can't") and now
    end)
    local client <close> = patchworks.new { base_url = assert(text:match "http://127[%d.:]+", text), api_key = "sandbox-key" }
    look(client, text)
  end)
  os.execute("kill -TERM " .. pid)
  pipe:close()
  os.remove(said)
  assert(ok, problem)
end

describe("patchworks sandbox", function()
  it("fills fresh state with fixtures, has habits, and says where its page is", function()
    local path = os.tmpname()
    local file <close> = assert(io.open(path, "w"))
    file:write(cjson.encode { scripts = { { id = 42, name = "Orders", language = "python", versions = { { id = 7, content = "def handle(d): return d" } } } } })
    file:close()
    with_sandbox("--habits one_deployed,create_status=200,deploying=yes --seed " .. path, function(client, said)
      assert.matches("http://127%.0%.0%.1:%d+/#" .. ("%x"):rep(40), said)
      assert.equal(7, client.script_versions:get(7).id)
      assert.equal(200, select(2, client.script_versions:create(42, { content = "x" })).status)
    end)
    os.remove(path)
  end)

  it("fills it with a project's scripts", function()
    local folder = os.tmpname()
    os.remove(folder)
    assert(os.execute(("mkdir -p %s/.git && echo 'def handle(data): return data' > %s/orders.py"):format(folder, folder)))
    local file <close> = assert(io.open(folder .. "/patchworks.project.lua", "w"))
    file:write 'return { scripts = { orders = { file = "orders.py" } }, environments = { production = { scripts = { orders = 42 } } } }'
    file:close()
    with_sandbox("--seed project", function(client, said)
      local id = assert(said:match "(%d+)  orders", said)
      assert.equal("Deployed", client.script_versions:list(id):first().status)
    end, folder)
    os.execute("rm -r " .. folder)
  end)
end)
