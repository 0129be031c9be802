-- The reference as pages: every link leads somewhere, every option is there, and a narrow window needs no sideways scroll.
local lua = require "spec.support.lua"
local reference = require "patchworks.reference"
local scratch = require "spec.support.scratch"

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

local function said(command)
  local pipe <close> = assert(io.popen(command .. " 2>/dev/null"))
  return pipe:read "a"
end

describe("the reference's pages", function()
  local folder = scratch.folder()
  assert(os.execute(("%s scripts/reference.lua %s"):format(lua, folder)))
  local pages = {}
  for name in said("ls " .. folder):gmatch "(%S+)%.html" do pages[name] = read(folder .. "/" .. name .. ".html") end

  teardown(function() os.execute("rm -r " .. folder) end)

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

  it("fit a narrow window and a wide one", function()
    if said "command -v chromium" == "" then return pending "there is no chromium to look with" end
    -- A page that looks at the others in frames of some width, and says how wide each came out.
    local frames = {}
    for name in pairs(pages) do
      frames[#frames + 1] = ('<iframe id="%s" src="%s.html" style="width: 360px; height: 600px; border: 0"></iframe>'):format(
        name, name)
    end
    local file <close> = io.open(folder .. "/probe.htm", "w")
    file:write(table.concat(frames), [[<pre></pre><script>
      onload = () => document.querySelectorAll("iframe").forEach(frame => {
        const width = frame.contentDocument.documentElement.scrollWidth;
        document.querySelector("pre").append(frame.id + "=" + width + ";");
      });
      </script>]])
    file:flush()
    local dom = said(("chromium --headless --no-sandbox --disable-gpu --allow-file-access-from-files "
      .. "--virtual-time-budget=10000 --dump-dom file://%s/probe.htm"):format(folder))
    for name in pairs(pages) do
      local width = tonumber(dom:match("[>;]" .. name .. "=(%d+);"))
      assert.is_number(width, name .. " was not seen in: " .. dom)
      assert.is_true(width <= 360, ("%s is %d wide"):format(name, width))
    end
  end)
end)
