-- Remove messages whose outcome is final, except those that another owner has taken over.
--
-- KEYS[1]  the messages of their owner
-- KEYS[2] ...  the messages
-- ARGV[5]  owner, ARGV[6] ...  STATE:N of each message
--
-- Returns what is wrong with one that cannot be removed; the others are.

local OWNER = ARGV[5]

return each(#KEYS - 1, function(number)
    local key, name = KEYS[number + 1], ARGV[number + 5]
    redis.call('SREM', KEYS[1], name)
    if not was_taken_from(key, OWNER) then
        release(name)
        redis.call('DEL', key)
    end
end)
