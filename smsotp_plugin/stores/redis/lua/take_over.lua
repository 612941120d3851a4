-- Note that an owner lives, and give it messages of owners that do not; only so many at once.
--
-- KEYS[1]  the owners, KEYS[2] the messages of the owner
-- ARGV[5]  owner, ARGV[6] seconds for which it is believed to live
-- ARGV[7]  how many messages at most; 0: only note that it lives
-- ARGV[8]  the owner with its keys, as in `keys`, ARGV[9] 1 if it is new here; both missing: nothing is said of keys
--
-- An owner that could not say in time that it lives was cut off, or Redis was not there: then the others could not say so either, and
-- each of them gets its time once more.
--
-- Returns the moment, and each message as `add` has it from `take`; also 1 if the owner is new and all others have other keys: then
-- it counts as one that does not live.

local owner, life, most = ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7])
if ARGV[9] == '1' and is_stranger(ARGV[8]) then
    forget_keys(ARGV[8])
    return {written(TURN), {}, 1}
end
if ARGV[8] then
    note_keys(ARGV[8], life)
end
local before = redis.call('ZSCORE', KEYS[1], owner)
redis.call('ZADD', KEYS[1], written(TURN + life), owner)
expire(KEYS[1], 2 * FURTHEST_END)
if before and tonumber(before) < TURN then
    for _, other in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '(0', written(TURN))) do
        redis.call('ZADD', KEYS[1], written(TURN + life), other)
    end
end

-- Those who said it before the clock was set back also get their time from now on, and no longer.
for _, other in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. written(TURN + LONGEST_LIFE), '+inf')) do
    redis.call('ZADD', KEYS[1], written(TURN + life), other)
end

local left = {}
for _, other in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '(' .. written(TURN))) do
    local messages, is_dead = PREFIX .. 'messages:' .. other, tonumber(redis.call('ZSCORE', KEYS[1], other)) > 0
    while other ~= owner and #left < most do
        local names = redis.call('SPOP', messages, most - #left)
        for _, name in ipairs(names) do
            add(left, name, take, owner, other, is_dead)
        end
        if #names == 0 then
            redis.call('ZREM', KEYS[1], other)
            break
        end
    end
end
return {written(TURN), left}
