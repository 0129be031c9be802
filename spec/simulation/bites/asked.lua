-- Bugs by which something else is done than was asked for, or more of it. See bites.lua.
return {
  {
    bug = "a call is tried once more than it may be",
    module = "patchworks.call.send",
    from = "flight.tried >= flight.call.max_attempts + flight.renewals",
    to = "flight.tried > flight.call.max_attempts + flight.renewals",
    promise = "no more attempts than there may be",
    seed = 144,
  },
  {
    bug = "an error tells its attempts in another order",
    module = "patchworks.call.send",
    from = "attempts[#attempts + 1] = record",
    to = "table.insert(attempts, 1, record)",
    promise = "an error tells all attempts",
    seed = 102,
  },
  {
    bug = "many things at once are one more than was asked for",
    module = "patchworks.time.tasks",
    from = "for _ = 1, math.min(concurrency, #items) do group:spawn",
    to = "for _ = 0, math.min(concurrency, #items) do group:spawn",
    promise = "no more at a time than asked for",
    seed = 6,
  },
  {
    bug = "a manifest is applied without its concurrency",
    module = "patchworks.release.plan",
    from = [[    return result
  end, { concurrency = options.concurrency })]],
    to = [[    return result
  end)]],
    promise = "no more at a time than asked for",
    seed = 9,
  },
  {
    bug = "a report counts a failed test as unchanged",
    module = "patchworks.release.plan",
    from = "report[result.action] = report[result.action] + 1",
    to = [[local problem = result.error
    local action = problem and problem.kind == 'test_failed' and 'unchanged' or result.action
    report[action] = report[action] + 1]],
    promise = "what was done is told",
    seed = 20,
  },
  {
    bug = "a count is that of the pages",
    module = "patchworks.listing",
    from = [[page)
  end
  return page.meta.total]],
    to = [[page)
  end
  return page.meta.last_page]],
    promise = "a count is the service's",
    seed = 3,
  },
  {
    bug = "the first of a listing is the last of its page",
    module = "patchworks.listing",
    from = [=[  if not page then return nil, problem end
  return page.data[1]]=],
    to = [=[  if not page then return nil, problem end
  return page.data[#page.data]]=],
    also = { from = "source.from == 1 and source.per_page and 1 or source.per_page", to = "source.per_page" },
    promise = "the first is the first",
    seed = 4,
  },
  {
    bug = "logs that are followed from the start leave out the pages between the first and the last",
    module = "patchworks.release.tail",
    from = "return skip and page.meta.last_page or number + 1",
    to = "return page.meta.last_page",
    promise = "a tail gives what comes",
    seed = 48,
  },
  {
    bug = "logs that are followed from now on begin with what was there",
    module = "patchworks.release.tail",
    from = "return not (state.fresh and not state.all)",
    to = "return not (state.fresh and state.page > 1 and not state.all)",
    promise = "a tail gives what comes",
    seed = 4611,
  },
  {
    bug = "prune keeps one too few",
    module = "patchworks.release.prune",
    from = "if i > given.keep then",
    to = "if i >= given.keep then",
    promise = "prune keeps as many as asked for",
    seed = 29,
  },
  {
    bug = "a dry run of prune deletes",
    module = "patchworks.release.prune",
    from = "if given.dry_run then return",
    to = "if given.dry_run and not list[1] then return",
    promise = "a dry run changes nothing",
    seed = 1707,
  },
  {
    bug = "a dry run of publish makes a version",
    module = "patchworks.release.publish",
    from = "if given.dry_run then return would_publish",
    to = "if given.dry_run and candidate then return would_publish",
    promise = "a dry run changes nothing",
    seed = 26,
  },
  {
    bug = "what must be live is not looked at",
    module = "patchworks.release.publish",
    from = "if given.expected_live ~= nil and not",
    to = "if given.expected_live and live and not live.id and not",
    promise = "what is expected is live before it begins",
    seed = 7,
  },
  {
    bug = "a rollback goes to the highest number below",
    module = "patchworks.release.rollback",
    from = "table.sort(older, service.deployed_later)",
    to = "table.sort(older, function(a, b) return service.number(a) > service.number(b) end)",
    promise = "a rollback goes to what was live before",
    seed = 386,
  },
  {
    bug = "what fails its test is taken back though it was told not to",
    module = "patchworks.release.publish",
    from = "local leave = not previous or job.given.rollback == false",
    to = "local leave = not previous",
    promise = { "what fails its test is taken back", "a job takes no more requests than the docs say" },
    seed = 105,
  },
  {
    bug = "a Retry-After is waited for after a 429 alone",
    module = "patchworks.call.retry",
    from = "if failure.retry_after then return",
    to = "if failure.retry_after and failure.status == 429 then return",
    promise = "a Retry-After is waited for",
    seed = 102,
  },
  {
    bug = "what is live already is published without pruning",
    module = "patchworks.release.publish",
    from = "if result and given.keep and not given.dry_run",
    to = "if result and result.action == 'published' and given.keep and not given.dry_run",
    promise = "prune keeps as many as asked for",
    seed = 527,
  },
}
