-- Promises that are known to be broken, until they are kept: a spec leaves them out, scripts/simulate does not.
local open = {}

for promise in
  ([[
an error tells all attempts
every call ends by its deadline
never twice, none is none
never two calls, one version
after a 429 everybody waits
after a 429 one goes first
no secret in an error
]]):gmatch "[^\n]+"
do
  open[promise] = true
end

return open
