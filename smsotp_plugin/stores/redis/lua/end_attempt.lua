-- Note that a gateway certainly does not have a message, unless another attempt has begun since.
--
-- KEYS[1]  the message
-- ARGV[5]  gateway, ARGV[6] the name of the attempt

if redis.call('HGET', KEYS[1], 'g ' .. ARGV[5]) == ARGV[6] then
    redis.call('HDEL', KEYS[1], 'g ' .. ARGV[5])
end
return nil
