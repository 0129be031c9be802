--- Reads the lines of a recording: in pieces, so that a file that is none can't take the memory.
-- @module patchworks.recording.reader
local reader = {}

local piece_size = 256 * 1024
local longest = 16 * 1024 * 1024 -- two bodies of a mebibyte, escaped twice

--- The lines of a file that is open.
-- @tparam file handle
-- @treturn function for a loop: gives a line's number, its text (nil where it is too long to be one), and whether it
-- ends as lines do
function reader.lines(handle)
  local rest, at, number, ended, overlong = handle:read(piece_size), 1, 0, false, false
  -- Goes on behind a line that is too long.
  local function skip()
    repeat
      rest = handle:read(piece_size)
      if not rest then return end
      local stop = rest:find("\n", 1, true)
      at = stop and stop + 1
    until stop
  end
  -- Puts the next pieces behind what is left of this one, up to the end of the line: gives where that is; nil where the
  -- line is too long, or the file at its end.
  local function more()
    local pieces, size, stop = { rest:sub(at) }, #rest - at + 1, nil
    repeat
      overlong = size > longest
      if overlong then return nil end
      local piece = handle:read(piece_size)
      ended = not piece
      if piece then
        stop = piece:find("\n", 1, true)
        stop = stop and size + stop
        pieces[#pieces + 1], size = piece, size + #piece
      end
    until stop or ended
    rest, at = table.concat(pieces), 1
    return stop
  end
  return function()
    if overlong then skip() end
    overlong = false
    if not rest or ended then return nil end
    number = number + 1
    local stop = rest:find("\n", at, true) or more()
    if overlong then return number, nil, true end
    if ended then return rest ~= "" and number or nil, rest, false end
    local text = rest:sub(at, stop - 1)
    at = stop + 1
    return number, text, true
  end
end

return reader
