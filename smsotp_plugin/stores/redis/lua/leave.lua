-- Note that an owner no longer lives, so that another one may take over at once what it leaves.
--
-- KEYS[1]  the owners, KEYS[2] the messages of the owner
-- ARGV[5]  owner
-- ARGV[6]  the same with its keys, as in `keys`; missing if it has reported none

if redis.call('EXISTS', KEYS[2]) == 1 then
    redis.call('ZADD', KEYS[1], '0', ARGV[5])
else
    redis.call('ZREM', KEYS[1], ARGV[5])
end
if ARGV[6] then
    forget_keys(ARGV[6])
end
return nil
