-- Use up one of the further messages of a challenge, keep that message and spend what it costs.
--
-- KEYS[1]  the challenge
-- ARGV[5]  State, ARGV[6] user
-- ARGV[7]  how many are allowed, ARGV[8] seconds between two
-- ARGV[9]  owner of the message; or the queue; see `read_queue`
-- ARGV[10], ARGV[11], ARGV[12]  site, end and sealed text of the message
-- ARGV[13], ARGV[14], ARGV[15]  rules (empty where nothing is spent), spending and moment; see budgets.lua
--
-- Returns a word, and what belongs to it: "kept", the challenge and what the next SMS would exceed, if anything; "early" and the
-- seconds that are left; "over" and what this one exceeds; "full" where it may not wait; or why not.

local state, pace = ARGV[5], tonumber(ARGV[8])
local found = read(state)
if not found or found.user ~= ARGV[6] then
    return {'unknown'}
end
if found.status ~= OPEN or not is_alive(found) then
    return {'ended'}
end
if found.resends >= tonumber(ARGV[7]) then
    return {'too many'}
end
local last = math.max(found.made, found.asked)
if last > ASKED - pace and last <= TURN then
    return {'early', written(last + pace - ASKED)}
end
local full = refuse_for_queue(ARGV[9])
if full then
    return full
end
local rules = read_rules(ARGV[13])
local is_spent, over = spend(rules, rules and cjson.decode(ARGV[14]), tonumber(ARGV[15]))
if not is_spent then
    return {'over', over}
end
redis.call('HSET', KEYS[1], 'resends', found.resends + 1, 'asked', written(TURN), 'undelivered', '')
keep_message(state, found.resends + 1, ARGV[9], ARGV[10], ARGV[11], ARGV[12])
return {'kept', whole(state), over}
