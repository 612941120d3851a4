-- Use up one of a challenge's further messages, keep that message, and spend what it costs.
--
-- KEYS[1]  the challenge
-- ARGV[5]  State, ARGV[6] user
-- ARGV[7]  how many are allowed, ARGV[8] seconds between two
-- ARGV[9] to ARGV[12]  the message: its owner, or the queue (see `read_queue`), its site, end and sealed text
-- ARGV[13] ...  what it costs; see `read_spending` in budgets.lua
--
-- Returns a word, and what belongs to it: "kept", the challenge and what the next SMS would exceed, if anything; "early" and the
-- seconds that are left; "over" and what this SMS exceeds; "full" if the message may not wait; or why not.

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
local refusal, over = pay_for_message(ARGV[9], 13)
if refusal then
    return refusal
end
redis.call('HSET', KEYS[1], 'resends', found.resends + 1, 'asked', written(TURN), 'undelivered', '')
keep_message(state, found.resends + 1, ARGV[9], ARGV[10], ARGV[11], ARGV[12])
return {'kept', whole(read(state)), over}
