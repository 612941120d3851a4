-- Keep a challenge and its message and spend what that costs, unless the same log-in has an open challenge younger than the
-- window, or it is over budget.
--
-- KEYS[1]  the challenge, KEYS[2] the States of its log-in
-- ARGV[5]  window, in seconds
-- ARGV[6] to ARGV[9]  the message: its owner, or the queue (see `read_queue`), its site, end and sealed text
-- ARGV[10] to ARGV[22]  the fields of the challenge in the order of CHALLENGE
-- ARGV[23] ...  what the message costs; see `read_spending` in budgets.lua
--
-- Returns a word, and what belongs to it: "kept" and what the next SMS would exceed, if anything; "same" and the challenge that
-- was there; "over" and what this SMS exceeds; "full" if the message may not wait.

local state, login, expires = ARGV[10], ARGV[12], tonumber(ARGV[18])
local same = find_same(login, tonumber(ARGV[5]))
if same then
    return {'same', whole(same)}
end
local refusal, over = pay_for_message(ARGV[6], 23)
if refusal then
    return refusal
end
local fields = {}
for place, name in ipairs(CHALLENGE) do
    fields[2 * place - 1], fields[2 * place] = name, ARGV[9 + place]
end
redis.call('HSET', KEYS[1], 'status', OPEN, 'made', written(TURN), 'asked', '0', unpack(fields))
expire(KEYS[1], expires - NOW + KEPT_AFTER_EXPIRY)
if redis.call('LPUSH', KEYS[2], state) > 8 then
    redis.call('LTRIM', KEYS[2], 0, 7)
end
expire(KEYS[2], expires - NOW + KEPT_AFTER_EXPIRY)
keep_message(state, 0, ARGV[6], ARGV[7], ARGV[8], ARGV[9])
return {'kept', over}
