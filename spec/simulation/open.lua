-- Promises that are known to be broken, until they are kept: a spec leaves them out, scripts/simulate does not.
local open = {}

for promise in
  ([[
an error tells all attempts
every call ends by its deadline
green is tested
never twice, none is none
never two calls, one version
nobody's version is overwritten unseen
rollback never goes forward
what is live is what was said
what was begun is told as begun
a second run converges
a fleet is done exactly
a wait looks once more at its end
after a 429 everybody waits
after a 429 one goes first
no secret in an error
said done is done
what was done is told
]]):gmatch "[^\n]+"
do
  open[promise] = true
end

return open
