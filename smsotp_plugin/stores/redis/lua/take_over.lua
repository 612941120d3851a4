-- Say that an owner lives, and give it the messages of those who do not; so many of them at once.
--
-- KEYS[1]  the owners, KEYS[2] the messages of the owner
-- ARGV[5]  owner, ARGV[6] seconds for which it is believed to live
-- ARGV[7]  how many messages at most; 0: only say that it lives
--
-- An owner that could not say so in time was cut off, or Redis was not there: then the others had no more chance to, and
-- each gets its time once more.
--
-- Returns the moment, and for each message: STATE, N, site, end, sealed text, 1 where its code is still needed else 0, and the gateways.

local owner, life, most = ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7])
local before = redis.call('ZSCORE', KEYS[1], owner)
redis.call('ZADD', KEYS[1], written(TURN + life), owner)
expire(KEYS[1], 2 * FURTHEST_END)
if before and tonumber(before) < TURN then
    for _, other in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '(0', written(TURN))) do
        redis.call('ZADD', KEYS[1], written(TURN + life), other)
    end
end

-- Whether the code can still let anybody in, and no later message of the same log-in has taken its place.
local function is_needed(state, resends)
    local found = read(state)
    if not found or found.status ~= OPEN or found.undelivered ~= '' or found.resends ~= tonumber(resends)
        or not is_alive(found) then
        return false
    end
    for _, other in ipairs(redis.call('LRANGE', PREFIX .. 'login:' .. found.login, 0, -1)) do
        if other == state then
            return true
        end
        if redis.call('EXISTS', challenge_key(other)) == 1 then
            return false
        end
    end
    return true
end

local function take(name, from)
    local key = PREFIX .. 'message:' .. name
    local kept = redis.call('HGETALL', key)
    if #kept == 0 then
        return nil
    end
    local fields, gateways = {}, {}
    for place = 1, #kept, 2 do
        local gateway = string.match(kept[place], '^g (.*)$')
        if gateway then
            table.insert(gateways, gateway)
        else
            fields[kept[place]] = kept[place + 1]
        end
    end
    redis.call('HSET', key, 'owner', owner, 'from', fields.from .. ' ' .. from)
    redis.call('SADD', KEYS[2], name)
    expire(KEYS[2], 2 * FURTHEST_END)
    local state, resends = string.match(name, '^(.*):(%d+)$')
    return {state, resends, fields.site, fields.expires, fields.sealed, is_needed(state, resends) and 1 or 0, gateways}
end

local left = {}
for _, other in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '(' .. written(TURN))) do
    local messages = PREFIX .. 'messages:' .. other
    while other ~= owner and #left < most do
        local names = redis.call('SPOP', messages, most - #left)
        for _, name in ipairs(names) do
            table.insert(left, take(name, other))
        end
        if #names == 0 then
            redis.call('ZREM', KEYS[1], other)
            break
        end
    end
end
return {written(TURN), left}
