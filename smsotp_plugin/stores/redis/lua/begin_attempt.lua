-- Note that a gateway may have a message from now on.
--
-- KEYS[1]  the message
-- ARGV[5]  gateway, ARGV[6] owner, ARGV[7] the name of this attempt, of which there is no second one
-- ARGV[8]  State, ARGV[9] how often it had been sent before
--
-- Returns a word: "taken" where another owner has taken the message over, "over" where nobody can use its code any more; then
-- the gateway must not get it from this one. Else "begun".

if was_taken_from(KEYS[1], ARGV[6]) then
    return 'taken'
end
local expires = redis.call('HGET', KEYS[1], 'expires')
if not is_needed(ARGV[8], ARGV[9], expires) then
    return 'over'
end
if expires then
    redis.call('HSET', KEYS[1], 'g ' .. ARGV[5], ARGV[7])
end
return 'begun'
