--- A number with its noun: "1 version", "2 versions".
-- @module patchworks.counted

--- @tparam integer count
-- @tparam string noun for one
-- @tparam ?string plural where it is not the noun with an s
-- @treturn string
return function(count, noun, plural) return ("%d %s"):format(count, count == 1 and noun or plural or noun .. "s") end
