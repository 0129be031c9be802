-- Runs busted with the output handler in spec/support/outcome.lua, which counts.
package.path = "./?.lua;" .. package.path
local arguments = { [0] = "busted", "--output=spec.support.outcome", table.unpack(arg) }
arg = arguments -- luacheck: ignore (busted reads the global)
-- Each file of specs loads its modules anew; luv can't be loaded twice in a state: its loop goes with the first copy.
require "luv"
require "busted.runner" { standalone = false }
