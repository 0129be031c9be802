-- Runs busted with the output handler in spec/support/outcome.lua, which counts.
package.path = "./?.lua;" .. package.path
local arguments = { [0] = "busted", "--output=spec.support.outcome", table.unpack(arg) }
arg = arguments -- luacheck: ignore (busted reads the global)
require "busted.runner" { standalone = false }
