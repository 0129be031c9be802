-- The commands about the tool itself, and what it says when it is not used right.
local commands = require "spec.support.commands"
local patchworks = require "patchworks"

local state = commands.setup(before_each, after_each)
local run = state.run

describe("patchworks", function()
  it("exits with 1, 2 and 6 for failures, usage and credentials", function()
    assert.equal(1, (run "show 999"))
    assert.equal(1, (run "rollback 1"))
    for _, words in ipairs { "", "frobnicate", "list", "list 1 --nope", "list nobody", "show 1x", "create 1 /nowhere.py", "prune 1",
      "delete 1 extra", "invoke 1 --variable x", "logs 1 --from yesterday -f", "list 1 --limit x", "list 1 --limit 0" } do
      local code, out, err = run(words)
      assert.equal(2, code, words .. err)
      assert.equal("", out)
      assert.truthy(#err > 10)
      assert.is_nil(err:find "traceback", err)
    end
    local wrong = { environment = ("PATCHWORKS_BASE_URL=%s PATCHWORKS_API_KEY=wrong-key"):format(state.server.url) }
    for _, words in ipairs { "list 1", "whoami" } do
      local code, _, err = run(words, wrong)
      assert.equal(6, code, words)
      assert.is_nil(err:find "wrong%-key")
    end
    assert.equal(1, (run("doctor", { environment = wrong.environment .. " PATH=/nonexistent" }))) -- whose interpreters take their time
    local code, _, err = run("list 1", { environment = ("PATCHWORKS_BASE_URL=%s"):format(state.server.url) })
    assert.equal(2, code)
    assert.truthy(err:find "PATCHWORKS_API_KEY")
    state.server:populate { script = 1, versions = 1 }
    assert.equal(6, (run "upload 1 --yes"))
    assert.equal(1, (run("list 1", { environment = "PATCHWORKS_BASE_URL=http://127.0.0.1:1 PATCHWORKS_API_KEY=k" })))
  end)

  it("knows itself: whoami, doctor, completion, --version, --help", function()
    local code, out = run "whoami"
    assert.equal(0, code)
    assert.truthy(out:find "an API key" and out:find "accepted")
    local record = state.folder .. "/r.jsonl"
    code, out = run("doctor --record " .. record)
    assert.equal(0, code)
    local file <close> = assert(io.open(record))
    local attempts = select(2, file:read("a"):gsub('"type":"attempt"', ""))
    assert.equal(2, attempts) -- ours, and that of somebody whom the service can't know
    for _, name in ipairs { "Lua", "libcurl", "TLS", "lua%-cjson", "credential", "service" } do assert.truthy(out:find("ok +" .. name), out) end
    for _, name in ipairs { "bash", "zsh", "fish" } do
      code, out = run("completion " .. name)
      assert.equal(0, code)
      assert.truthy(out:find "rollback")
    end
    assert.equal(2, (run "completion tcsh"))
    code, out = run "--version"
    assert.same({ 0, "patchworks " .. patchworks._VERSION .. "\n" }, { code, out })
    assert.equal(0, (run "publish --help"))
  end)
end)
