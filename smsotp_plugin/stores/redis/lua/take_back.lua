-- Open a challenge again that an answer has used up, if nobody was told that the answer was right.
--
-- KEYS[1]  the challenge
-- ARGV[5]  the ticket of the answer
--
-- Returns 1, or nothing if that answer has not used it up.

if redis.call('HGET', KEYS[1], 'used_by') ~= ARGV[5] then
    return nil
end
redis.call('HSET', KEYS[1], 'status', OPEN)
redis.call('HDEL', KEYS[1], 'used_by')
return 1
