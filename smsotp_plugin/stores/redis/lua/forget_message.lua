-- Remove a message whose outcome is final, unless another owner has taken it over.
--
-- KEYS[1]  the message, KEYS[2] the messages of its owner
-- ARGV[5]  STATE:N, ARGV[6] owner

if not was_taken_from(KEYS[1], ARGV[6]) then
    release(ARGV[5])
    redis.call('DEL', KEYS[1])
end
redis.call('SREM', KEYS[2], ARGV[5])
return nil
