-- Write a line of the delivery log.
--
-- KEYS[1]  list: the lines of a message, or of a delivery receipt
-- KEYS[2] ...  sorted sets: the messages of a user or a number, by the moment at which they were asked for
-- ARGV[5]  the line, ARGV[6] its moment, ARGV[7] seconds for which it is kept, ARGV[8] the message

local at, kept = tonumber(ARGV[6]), tonumber(ARGV[7])
local left = at + kept - TURN
if left <= 0 then
    return nil
end
redis.call('RPUSH', KEYS[1], ARGV[5])
expire(KEYS[1], left)
for place = 2, #KEYS do
    redis.call('ZADD', KEYS[place], ARGV[6], ARGV[8])
    redis.call('ZREMRANGEBYSCORE', KEYS[place], '-inf', written(at - kept))
    expire(KEYS[place], left)
end
return nil
