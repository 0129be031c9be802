std = "lua54"
max_line_length = 120
files["spec"] = { std = "lua54+busted", max_line_length = false }
files["spec/hosts/forked.lua"] = { read_globals = { "fork" } }
files["examples"] = { globals = { "arg" } }
files["lua/patchworks/repl.lua"] = { globals = { "_G" } }
exclude_files = { "build" }
-- `not (x > 0)` is not `x <= 0` where x is not a number.
ignore = { "581" }
