-- Note that a gateway may have a message from now on.
--
-- KEYS[1]  the message
-- ARGV[5]  gateway, ARGV[6] owner, ARGV[7] the number of this attempt
--
-- Returns 0 where another owner has taken the message over, so that the gateway must not get it from this one.

if was_taken_from(KEYS[1], ARGV[6]) then
    return 0
end
if redis.call('EXISTS', KEYS[1]) == 1 then
    redis.call('HSET', KEYS[1], 'g ' .. ARGV[5], ARGV[7])
end
return 1
