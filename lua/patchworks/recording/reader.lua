--- Reads the lines of a recording: in pieces, so that a file that is none can't take the memory.
-- @module patchworks.recording.reader
local reader = {}

local usual_size = 256 * 1024
local longest = 16 * 1024 * 1024 -- two bodies of a mebibyte, escaped twice

--- The lines of a file that is open.
-- @tparam file handle
-- @treturn function for a loop: gives a line's number, its text (nil where it is too long to be one), and whether it
-- ends as lines do
function reader.lines(handle)
  local piece_size = usual_size
  local rest, at, number, ended, overlong = handle:read(piece_size), 1, 0, false, false
  -- What is left of the piece, and the next one behind it; nil at the end of the file.
  local function more()
    local piece = handle:read(piece_size)
    if not piece then return nil end
    rest, at = rest:sub(at) .. piece, 1
    return true
  end
  -- Goes on behind a line that is too long.
  local function skip()
    while true do
      local stop = rest:find("\n", at, true)
      if stop then
        at = stop + 1
        return
      end
      rest, at = handle:read(piece_size), 1
      if not rest then return end
    end
  end
  return function()
    if overlong then skip() end
    overlong = false
    if not rest or ended then return nil end
    number = number + 1
    local stop = rest:find("\n", at, true)
    piece_size = usual_size
    while not stop do
      local searched = #rest - at + 2
      if #rest - at > longest then
        overlong = true
        return number, nil, true
      end
      piece_size = math.min(2 * piece_size, longest) -- of a long line fewer pieces are put together
      if not more() then
        ended = true
        local text = rest:sub(at)
        return text ~= "" and number or nil, text, false
      end
      stop = rest:find("\n", searched, true)
    end
    local text = rest:sub(at, stop - 1)
    at = stop + 1
    return number, text, true
  end
end

return reader
