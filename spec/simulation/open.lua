-- Promises that are known to be broken, until they are kept: a spec leaves them out, scripts/simulate does not.
return {
  -- A task that is cancelled while its reconciled create looks says "none", and the version was made.
  ["never twice, none is none"] = "create",
}
