-- The sandbox's page and the reference's pages: what they hold, and how they are seen in a headless Chromium, which is
-- started once for both; pending where there is none.
local lfs = require "lfs"
local lua = require "spec.support.lua"
local raw = require "spec.support.raw"
local reference = require "patchworks.reference"
local sandbox = require "patchworks.sandbox"
local scratch = require "spec.support.scratch"
local socket = require "socket"

local function find(program)
  local pipe = io.popen(("command -v %s 2>/dev/null"):format(program))
  local path = pipe:read "l"
  pipe:close()
  return path
end

local chromium = find "chromium" or find "chromium-browser" or find "google-chrome"

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

local folder = scratch.folder()
assert(os.execute(("%s scripts/reference.lua %s"):format(lua, folder)))
local pages = {}
for name in lfs.dir(folder) do
  local page = name:match "^(.*)%.html$"
  if page then pages[page] = read(folder .. "/" .. name) end
end
teardown(function() scratch.remove(folder) end)

-- A page with all of the reference's in frames as wide as a telephone.
local function write_frames()
  local frames = {}
  for name in pairs(pages) do
    frames[#frames + 1] = ('<iframe id="%s" src="%s.html" style="width: 360px; height: 10px; border: 0"></iframe>'):format(name, name)
  end
  scratch.write(folder .. "/frames.htm", "<body>" .. table.concat(frames)
    .. "<script>onload = () => { document.body.dataset.ready = 'yes'; };</script>")
end

local source = "def handle(data):\n  note = '</script><script>window.broken = 1</script><img src=x onerror=\"window.broken = 1\">'\n  return data"

local function start()
  return assert(sandbox.start {
    deploy_seconds = 0,
    seed = { scripts = { { id = 42, name = "Orders", language = "python", versions = { { id = 7, content = source, status = "Deployed", logs = { "one" } }, { id = 8, content = source } } } } },
  })
end

-- Sends so many requests at once, on one connection.
local function ask(server, count)
  local connection = assert(socket.connect("127.0.0.1", server.port))
  local request = "GET /api/v1/script-versions/7 HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\n\r\n"
  assert(connection:send(request:format(server.key):rep(count)))
  for _ = 1, count do
    local length
    for line in function() return assert(connection:receive "*l") end do
      length = tonumber(line:match "^[Cc]ontent%-[Ll]ength: (%d+)") or length
      if line == "" then break end
    end
    assert(connection:receive(length))
  end
  connection:close()
end

describe("the reference's pages", function()
  it("have a page for each object, with all its methods, options and fields", function()
    for _, object in ipairs(reference.objects()) do
      local page = assert(pages[object.name], object.name)
      for _, method in ipairs(object.methods) do
        assert.matches(('<section id="%s">'):format(method.name), page, 1, true)
        for _, option in ipairs(method.options) do
          assert.matches("<code>" .. option[1] .. "</code>", page, 1, true)
        end
      end
      for _, field in ipairs(object.fields or {}) do
        assert.matches("<code>" .. field[1]:match "^[^?]+" .. "</code>", page, 1, true)
      end
    end
  end)

  it("have links that lead somewhere", function()
    local links = 0
    for name, page in pairs(pages) do
      for target in page:gmatch 'href="([^"]+)"' do
        local to, anchor = target:match "^([^#]*)#?(.*)$"
        to = to == "" and name or to:gsub("%.html$", "")
        -- What LDoc makes stands beside these pages.
        if to ~= "internals/index" then
          assert.is_string(pages[to], name .. " has a link to " .. target)
          local found = anchor == "" or pages[to]:find(('id="%s"'):format(anchor), 1, true)
          assert.truthy(found, name .. " has a link to " .. target)
          links = links + 1
        end
      end
    end
    assert.is_true(links > 300)
  end)
end)

describe("the sandbox's page", function()
  it("is one static page with a policy that lets nothing out, and says nothing without the token", function()
    local server <close> = start()
    local answer = raw.request(server, { path = "/", headers = { Authorization = false, Host = "127.0.0.1:" .. server.port } })
    assert.equal(200, answer.status)
    assert.matches("text/html", answer.headers["content-type"])
    local policy = answer.headers["content-security-policy"]
    assert.matches("default%-src 'none'", policy)
    assert.is_nil(policy:find "unsafe")
    assert.is_nil(answer.body:find("Orders", 1, true))
    assert.is_nil(answer.body:find(server.admin_token, 1, true))
    for _, file in ipairs { "page.js", "page.css" } do
      answer = raw.request(server, { path = "/_sandbox/" .. file, headers = { Host = "127.0.0.1:" .. server.port } })
      assert.equal(200, answer.status)
      assert.is_nil(answer.body:find "innerHTML")
    end
  end)
end)

-- One browser for all of them; the one that makes faults comes last of the sandbox's first.
local seen

local function look()
  seen = {}
  local server <close> = start()
  local many <close> = start()
  for _ = 1, 20 do ask(many, 100) end
  write_frames()
  local words = ("'%s' shows invokes keyboard narrow colours stays conditions '%s' many 'file://%s/frames.htm' frames"):format(
    server.page, many.page, folder)
  local pipe <close> = io.popen(("timeout 110 node spec/support/browser.js %s %s 2>&1"):format(chromium, words))
  for name, said in pipe:read("a"):gmatch "(%a+): ([^\n]*)" do seen[name] = said end
end

for page, checks in pairs {
  ["the sandbox's page"] = {
    shows = "shows scripts, the live version, its source and its logs; markup in a source is text",
    invokes = "invokes, and shows the answer, the invocation and the request as they come",
    conditions = "sets faults and the clock",
    keyboard = "is used by keyboard alone, and its fields have labels",
    narrow = "fits into a narrow window",
    colours = "is dark or light, as the system is",
    many = "shows the last 500 of 2,000 requests",
    stays = "sends no request to anybody else",
  },
  ["the reference's pages"] = { frames = "fit into a narrow window" },
} do
  describe(page, function()
    for name, says in pairs(checks) do
      it(says, function()
        if not chromium then return pending "NOT RUN: there is no chromium here" end
        if not seen then look() end
        assert.equal("holds", seen[name])
      end)
    end
  end)
end
