-- The interpreter for child processes: the one that runs the specs, where that is a special one.
return os.getenv "PATCHWORKS_LUA" or "lua5.4"
