-- Mutants that change nothing that anybody could see, each with its reason: by the source, by the source's line (so that
-- another line above doesn't matter) and by what is changed; where only one place in the line is meant, `after` is what
-- stands before it. Those of src/core are in core_equivalents.lua.
local core = require "spec.mutants.core_equivalents"

local equivalents = {}

local grows = "only compared: any number that grows will do"
local with_lone = "looked at only where there is a lone wait"
local set_first = "set before it is read; the field is named here so that its room is there"

local list = {
  ["lua/patchworks/release/tail.lua"] = {
    { "local set, ring, next_place = {}, {}, 1", "`2` for `1`", "a ring: it may begin anywhere" },
    { "next_place = next_place % remembered + 1", "`-` for `+`", "a ring of as many places, the other way round" },
    { 'if math.type(first.id) == "integer" and math.type(last.id) == "integer" then return first.id < last.id end', "`<=` for `<`",
      "two entries don't have one id" },
    { 'if type(began) == "string" and type(ended) == "string" and began ~= ended then return began < ended end', "`<=` for `<`",
      "they are not the same here" },
    { "return false", "returns nothing", "only asked whether it is true" },
    { "if not ok then error(problem, 0) end", "`1` for `0`", "an error of ours is a table, which has no place put in front" },
  },
  ["lua/patchworks/release/publish.lua"] = {
    { "return answers[1], job.clock.now() - looked <= fresh and answers[2] or nil", "`<` for `<=`", "a second to the microsecond" },
  },
  ["lua/patchworks/release/claims.lua"] = {
    { 'entry[adopts and "adopting" or "plain"][claim] = true', "`false` for `true`", "a set: only its keys are asked for" },
    { 'local weak = { __mode = "k" }', '`"k_"` for `"k"`', "Lua looks for the letter" },
  },
  ["lua/patchworks/release/wait.lua"] = {
    { "if pause < left - 2 * margin then return pause, false end", "`<=` for `<`", "they are the same then" },
  },
  ["lua/patchworks/release/diff.lua"] = {
    { "local down = at == 0 or (at < d and before[at - 1] < before[at])", "`<=` for `<`", "either way is as short", after = "before[at - 1] " },
    { "while x < n and old[x + 1] == new[x - k + 1] do x = x + 1 end", "`<=` for `<`", "there is no line behind the last" },
  },
  ["lua/patchworks/release/replace.lua"] = {
    { "local known = each.id == version.id or (state.live and each.id == state.live.id) or each == after.live", "`and` for `or`",
      "what was live before has the date that it had", after = "state.live.id) " },
    { "if after and not again and job.deadline:left() > 1 and is_tie(state, after, version) then", "`>=` for `>`",
      "a second to the microsecond" },
  },
  ["lua/patchworks/release/plan.lua"] = {
    { "return result", "returns nothing", "it is in the report already" },
    { 'if not problem:find(line, 1, true) then lines[#lines + 1] = ("%-12s %s"):format("", line) end', "`2` for `1`",
      "it begins with a colon, which is no part of the line", after = "line, " },
  },
  ["lua/patchworks/release/job.lua"] = {
    { "if self.resource._client._closed then error(Closed, 0) end", "`1` for `0`", "an error of ours is a table, which has no place put in front" },
  },
  ["lua/patchworks/release/test.lua"] = {
    { "local left_at, right_at = service.time(left.created_at) or 0, service.time(right.created_at) or 0", "`1` for `0`",
      "a second of 1970" },
    { "if left_at ~= right_at then return left_at < right_at end", "`<=` for `<`", "they are not the same here" },
    { "return (tonumber(left.id) or 0) < (tonumber(right.id) or 0)", "`1` for `0`", "what has no number is first in either case" },
  },
  ["lua/patchworks/release/look.lua"] = {
    { "return read", "returns nothing", "only asked whether it is an error" },
    { "versions = table.move(all, 1, #all, #versions + 1, versions)", "`2` for `1`", "the first was on the page before",
      after = "all, " },
  },
  ["lua/patchworks/release/reconcile.lua"] = {
    { "plain.content, plain.file, plain.reconcile = source, nil, nil", "left out", "the file is read twice then, and is the same" },
    { "if job.deadline:left() <= pause then return nil, nil, false end", "`<` for `<=`", "the time is up to the moment" },
    { "if pause > 0 then job.clock.sleep(pause) end", "`>=` for `>`", "it sleeps for no time" },
    { "local fits = each > floor and not claim.ids[version.id] and (not found or each < service.number(found))", "`<=` for `<`",
      "two versions don't have one number", after = "each " },
  },
  ["lua/patchworks/release/prune.lua"] = {
    { "now = math.max(now, service.used_at(version) or 0, service.time(version.created_at) or 0)", "`1` for `0`", "a second of 1970" },
    { 'if used and now - used < lately * 86400 then return ("it was in use within %d days"):format(lately) end', "`<=` for `<`",
      "30 days to the microsecond" },
  },
  ["lua/patchworks/call/gate.lua"] = {
    { "self.news = self.news + 1", "`2` for `1`", grows },
    { "news = 0, -- what was learned from answers, counted, so that a flight knows what is newer than its request", "`1` for `0`", grows },
    { "remaining = false,", "left out", "only asked whether there is one" },
    { "closed_until = false,", "left out", "only asked whether there is one" },
    { 'inside = setmetatable({}, { __mode = "k" }), -- flights that have passed and not left', '`"k_"` for `"k"`', "Lua looks for the letter" },
    { "remaining_until = false,", "any", "set with `remaining`" },
    { "return false", "returns nothing", "only asked whether it is true" },
    { "probe = false, -- the flight that goes first after a 429", "left out", "only asked whether there is one" },
    { "closed_at = 0, -- the number of the last 429's", "any", "whoever goes first does so after a 429, which sets it" },
    { "if not self.closed_until or until_then > self.closed_until then self.closed_until = until_then end", "`>=` for `>`",
      "they are the same then" },
    { "self.inside[flight] = true", "`false` for `true`", "a set: only its keys are asked for" },
  },
  ["lua/patchworks/call/retry.lua"] = {
    { "if level < capacity then self.level = math.min(capacity, level + (taken or refill)) end", "`<=` for `<`",
      "they are the same then" },
  },
  ["lua/patchworks/call/auth.lua"] = {
    { "local self = setmetatable({ kind = credential.kind, generation = 0, settled = condition.new() }, Auth)", "`1` for `0`", grows },
    { "self.generation = self.generation + 1", "`2` for `1`", grows },
    { "self.generation = self.generation + 1", "`-` for `+`", "only compared: any number that is new will do" },
    { "login = setmetatable({ auth = self, send = send, over = false, owner = false, _queue = false, _before = false,",
      "`true` for `false`", set_first, after = "_before = " },
    { "_after = false }, Login)", "`true` for `false`", set_first },
    { "login = setmetatable({ auth = self, send = send, over = false, owner = false, _queue = false, _before = false,",
      "`true` for `false`", "nobody waits for a login itself: they wait for `settled`", after = "over = " },
  },
  ["lua/patchworks/call/login.lua"] = {
    { 'delivery = "repeatable",', '`"repeatable_"` for `"repeatable"`', "only asked whether it is a read, or goes out once" },
    { 'delivery = "repeatable",', "left out", "only asked whether it is a read, or goes out once" },
  },
  ["lua/patchworks/call/endpoints.lua"] = {
    { 'delivery = "repeatable",', "any", "only asked whether it is a read, or goes out once" },
  },
  ["lua/patchworks/call/methods.lua"] = {
    { 'methods.names = setmetatable({}, { __mode = "k" })', '`"k_"` for `"k"`', "Lua looks for the letter" },
  },
  ["lua/patchworks/call/origin.lua"] = {
    { 'if authority:find("@", 1, true) then return nil, "a URL must not hold a user name or a password" end', "`false` for `true`",
      "no sign of a pattern" },
  },
  ["lua/patchworks/client.lua"] = {
    { 'delivery = given.repeatable and method ~= "GET" and "repeatable" or deliveries[method],', '`"repeatable_"` for `"repeatable"`',
      "only asked whether it is a read, or goes out once" },
    { "engines.forget(self._engine)", "left out", "whoever looks at it next finds nothing under way, and forgets it" },
    { "anonymous = false,", "left out", "only asked whether it is true" },
    { '_holders = setmetatable({}, { __mode = "v" }), -- a flight\'s pending, as long as somebody holds it', '`"v_"` for `"v"`',
      "Lua looks for the letter" },
    { "header_lines = false,", "left out", "only asked whether there are some" },
    { "self._defaults[endpoint] = class", "left out", "made anew for each call, it is the same" },
    { '_flights = setmetatable({}, { __mode = "k" }), -- the calls under way', "any", "those that have ended are taken out: it is memory alone" },
  },
  ["lua/patchworks/call/request.lua"] = {
    { 'local text, reason = file:read("a")', '`"a_"` for `"a"`', "Lua looks at the first letter" },
  },
  ["lua/patchworks/call/send.lua"] = {
    { "flight.transfer, flight.cut_sent = false, true", "any", "only where what follows fails for want of memory" },
    { "local status, body, header_block, transfer = exchange(flight, headers, began, left < most and left or most)",
      "`<=` for `<`", "they are the same then" },
    { "client._flights[flight], client._holders[flight] = nil, nil", "left out", "their keys and values are weak: it is memory alone" },
    { "self.client._flights[self] = nil", "left out", "its keys are weak: it is memory alone" },
  },
  ["lua/patchworks/errors.lua"] = {
    { "local level = 2", "`3` for `2`", "the second is this module's own" },
  },
  ["lua/patchworks/listing.lua"] = {
    { "if problem then error(problem, 0) end", "`1` for `0`", "an error of ours is a table, which has no place put in front" },
    { "self._walks[steps] = true", "`false` for `true`", "a set: only its keys are asked for" },
  },
  ["lua/patchworks/listing/walk.lua"] = {
    { "return (asked_since or reading.latest.sent < held.first.sent) and AGAIN or BEFORE", "`<=` for `<`", "no two moments are the same" },
    { "idle = 0, -- readings that brought nothing", "`1` for `0`", "the first page is taken, and sets it" },
    { "self.ahead[number] = nil", "left out", "what has ended, or is cancelled once more, stays as it is" },
  },
  ["lua/patchworks/listing/page.lua"] = {
    { "moments = moments + 1", "`2` for `1`", grows },
    { "local moments = 0", "`1` for `0`", grows },
    { "local pending = { source = source, number = number, note = note, sent = page.moment(), call = false, result = false }",
      "`true` for `false`", set_first, after = "call = " },
  },
  ["lua/patchworks/time/deadline.lua"] = {
    { "return left < seconds and (left > least and left or 0) or seconds", "`>=` for `>`", "they are the same then" },
    { "if outer and outer.at < at then at = outer.at end", "`<=` for `<`", "they are the same then" },
  },
  ["lua/patchworks/time/engines.lua"] = {
    { 'local waiting = setmetatable({}, { __mode = "k" }) -- transfer -> wait', '`"k_"` for `"k"`', "Lua looks for the letter" },
    { "local lone, lone_engine, lone_transfer = false, false, false -- a wait that is the only one", "`true` for `false`", with_lone,
      after = "= false, " },
    { "local lone, lone_engine, lone_transfer = false, false, false -- a wait that is the only one", "`true` for `false`", with_lone,
      after = "false, false, " },
    { "lone, lone_engine, lone_transfer = false, false, false", "`true` for `false`", with_lone, after = "= false, " },
    { "lone, lone_engine, lone_transfer = false, false, false", "`true` for `false`", with_lone, after = "false, false, " },
    { 'local broken = setmetatable({}, { __mode = "k" }) -- engine -> why it can\'t be moved on', '`"k_"` for `"k"`', "Lua looks for the letter" },
    { "waiting[wait.transfer] = nil", "left out", "its key is weak: it is memory alone" },
    { "wait.transfer, wait.engine = false, false", "any", "taken out once more: nothing is there" },
    { "wait.owner = false", "any", "whose wait it was holds nothing any more: it is memory alone" },
    { "engines.advance(list, woken)", "left out", "the next turn begins with it" },
    { "if lone and not (first and first.due <= lone.due) then return lone end", "`<` for `<=`", "either is due at that moment" },
    { "if engines.advance(list, woken) or (seconds <= 0 and first) then return end", "`<` for `<=`", "a wait of no time is none" },
    { "spare = wait", "left out", "the next wait is made anew, and is the same" },
    { 'error(errors.new { kind = "network", message = problem, outcome = "unknown" }, 0)', "`1` for `0`",
      "an error of ours is a table, which has no place put in front" },
    { "lone, lone_engine, lone_transfer = false, false, false -- they would keep a client and its answer", "left out",
      "whose wait it was leaves it before anybody looks" },
    { "wait = nil", "left out", "whoever doesn't wait any more has closed the transfer: none but the lone one's ends" },
    { "lone, lone_engine, lone_transfer = false, false, false -- they would keep a client and its answer", "`true` for `false`", with_lone,
      after = "= false, " },
    { "lone, lone_engine, lone_transfer = false, false, false -- they would keep a client and its answer", "`true` for `false`", with_lone,
      after = "false, false, " },
    { "one[1] = nil", "any", "overwritten by the next: it is memory alone" },
  },
  ["lua/patchworks/time/scheduler.lua"] = {
    { "local longest_wait = 60 -- seconds; a wait that nothing ends is only looked at again", "any", "it is only looked at again" },
  },
  ["lua/patchworks/time/tasks.lua"] = {
    { "self._all[made] = true", "`false` for `true`", "a set: only its keys are asked for" },
  },
  ["lua/patchworks/time/timers.lua"] = {
    { "local added = 0 -- ever: of two that are due at once, the one that came first is first", "`1` for `0`", grows },
    { "return left.due < right.due or (left.due == right.due and left.number < right.number)", "`<=` for `<`",
      "no two have the same number", after = "left.number " },
    { "heap[count + 1] = wait", "any", "asks for the room alone: it is put in its place below" },
    { "count, added = count + 1, added + 1", "`2` for `1`", grows, after = "added + " },
  },
  ["lua/patchworks/script_versions.lua"] = {
    { "given = with_content", "left out", "the file is read twice then, and is the same" },
  },
  ["lua/patchworks/call/pending.lua"] = {
    { "self.flight = false", "left out", "it has ended, and is not looked at again: it is memory alone" },
  },
  ["lua/patchworks/service.lua"] = {
    { "if left_at ~= right_at then return left_at > right_at end", "`>=` for `>`", "they are not the same here" },
    { "if moment(left) ~= moment(right) then return moment(left) > moment(right) and left or right end", "`>=` for `>`",
      "they are not the same here" },
    { "while first <= last and blank[text:byte(first)] do first = first + 1 end", "`<` for `<=`",
      "the last character, if blank, goes with those at the end" },
    { "while last >= first and blank[text:byte(last)] do last = last - 1 end", "`>` for `>=`",
      "the first character is not blank by then" },
    { "if text and (not longest or #text > #longest) then longest = text end", "`>=` for `>`",
      "of two as long as each other either will do: `pairs` has no order" },
  },
}

-- What a flight's fields begin with, where it is made: see new_flight.
for line, fields in pairs {
  ["call = false, client = false, began = 0, at = 0, tried = 0, transfer = false, status = false, remaining = false,"] =
    { "call", "client", "began", "at", "tried", "status" },
  ["pause = false, seen = 0, attempts = false, failure = false, taken = false, renewals = 0, unknown = false,"] = { "seen" },
  ["over = false, owner = false, notify = false, joins = false, place = false, _thread = false, _wait = false,"] =
    { "over", "owner", "_thread", "_wait" },
  ["_queue = false, _before = false, _after = false,"] = { "_before", "_after" },
} do
  for _, name in ipairs(fields) do
    table.insert(list["lua/patchworks/call/send.lua"], { line, "any", set_first, after = name .. " = " })
  end
end

for path, each in pairs(core) do list[path] = each end

--- Why a mutant changes nothing, or nil.
-- @tparam string path
-- @tparam table mutant `code`, the line without the blanks around it; `what` and `before`, see spec/mutants/source.lua
function equivalents.reason(path, mutant)
  for _, each in ipairs(list[path] or {}) do
    local code, what, reason = table.unpack(each)
    local same = code == mutant.code and (what == mutant.what or what == "any")
    if same and (not each.after or mutant.before:sub(-#each.after) == each.after) then return reason end
  end
end

--- The entries that say nothing any more: no line of the source is theirs.
-- @tparam function read gives a file's text by its path
-- @treturn table a list of sentences
function equivalents.stale(read)
  local found = {}
  for path, entries in pairs(list) do
    local lines = {}
    for line in read(path):gmatch "[^\n]+" do lines[line:match "^%s*(.-)%s*$"] = true end
    for _, each in ipairs(entries) do
      if not lines[each[1]] then found[#found + 1] = ("%s has no such line any more: %s"):format(path, each[1]) end
    end
  end
  table.sort(found)
  return found
end

return equivalents
