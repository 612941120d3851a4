-- Make messages whose entries were handed to the caller the caller's own, and end the entries.
--
-- KEYS[1]  the queue, KEYS[2] the owners
-- ARGV[5]  owner, ARGV[6] seconds for which it is believed to live, ARGV[7] the group
-- ARGV[8] ...  each entry: its number, and STATE:N
--
-- Returns each message as `add` has it from `take`, without those that another worker has claimed or somebody has erased meanwhile.

local owner, left = ARGV[5], {}
-- Otherwise nobody would look for its messages.
redis.call('ZADD', KEYS[2], 'NX', written(TURN + tonumber(ARGV[6])), owner)
for place = 8, #ARGV, 2 do
    if redis.call('XACK', KEYS[1], ARGV[7], ARGV[place]) == 1 then
        redis.call('XDEL', KEYS[1], ARGV[place])
        add(left, ARGV[place + 1], take, owner, '', false)
    end
end
return left
