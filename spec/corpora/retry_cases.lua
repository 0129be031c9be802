-- The cases of smithy's standard mode of retries, put shortly: a status, what follows, what is left of the quota, and the
-- delay in seconds where their base is 0.05 and there is no jitter.
return {
  { "succeeds in the end",
    { 500, "retry", 486, 0.05 }, { 500, "retry", 472, 0.1 }, { 200, "success", 486 } },
  { "fails for the number of attempts",
    { 502, "retry", 486, 0.05 }, { 502, "retry", 472, 0.1 }, { 502, "attempts", 472 } },
  { "has quota for one retry", quota = 14,
    { 500, "retry", 0, 0.05 }, { 500, "quota", 0 } },
  { "has no quota", quota = 0,
    { 500, "quota", 0 } },
  { "backs off exponentially", attempts = 5,
    { 500, "retry", 486, 0.05 }, { 500, "retry", 472, 0.1 }, { 500, "retry", 458, 0.2 }, { 500, "retry", 444, 0.4 },
    { 500, "attempts", 444 } },
  { "stops when the quota is used up", attempts = 5, quota = 20,
    { 500, "retry", 6, 0.05 }, { 502, "quota", 6 } },
  { "pays less for being throttled",
    { 429, "retry", 495, 1.0 }, { 200, "success", 500 } },
  { "heeds what the service asks for", retry_after = 2,
    { 500, "retry", 486, 2 }, { 200, "success", 500 } },
  { "takes no word for a time", retry_after = "invalid",
    { 500, "retry", 486, 0.05 }, { 200, "success", 500 } },
}
