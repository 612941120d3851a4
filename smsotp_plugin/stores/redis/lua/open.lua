-- Keep a challenge and its message and spend what that costs, unless the same log-in has an open one that is younger than the
-- window, or it is over budget.
--
-- KEYS[1]  the challenge, KEYS[2] the States of its log-in
-- ARGV[5]  window, in seconds
-- ARGV[6] to ARGV[12]  the message and what it costs; see `pay_for_message` in budgets.lua
-- ARGV[13] ...  the fields of the challenge in the order of CHALLENGE
--
-- Returns a word, and what belongs to it: "kept" and what the next SMS would exceed, if anything; "same" and the challenge that
-- was there; "over" and what this one exceeds; "full" where it may not wait.

local state, login, expires = ARGV[13], ARGV[15], tonumber(ARGV[21])
local same = find_same(login, tonumber(ARGV[5]))
if same then
    return {'same', whole(same)}
end
local refusal, over = pay_for_message(6)
if refusal then
    return refusal
end
local fields = {}
for place, name in ipairs(CHALLENGE) do
    fields[2 * place - 1], fields[2 * place] = name, ARGV[12 + place]
end
redis.call('HSET', KEYS[1], 'status', OPEN, 'made', written(TURN), 'asked', '0', unpack(fields))
expire(KEYS[1], expires - NOW + KEPT_AFTER_EXPIRY)
redis.call('LPUSH', KEYS[2], state)
redis.call('LTRIM', KEYS[2], 0, 7)
expire(KEYS[2], expires - NOW + KEPT_AFTER_EXPIRY)
keep_paid_message(state, 0, 6)
return {'kept', over}
