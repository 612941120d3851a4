-- Remove challenges with their messages, the lines of messages, what is counted under names, and what was spent.
--
-- KEYS[1]  the watched names
-- ARGV[5]  how many States there are, the States (or the stand-ins of messages without a challenge), how many references, the
--          references, how many names, the names of accounts;
--          the rest are keys of budgets
--
-- Returns how many challenges, messages, lines, counts and SMS there were.

local challenges, messages, events, counts, spent, place = 0, 0, 0, 0, 0, 6

local function remove_message(name)
    local key = PREFIX .. 'message:' .. name
    local owner = redis.call('HGET', key, 'owner')
    if owner then
        redis.call('SREM', PREFIX .. 'messages:' .. owner, name)
        release(name)
        messages = messages + redis.call('DEL', key)
    end
end

for _ = 1, tonumber(ARGV[5]) do
    local state = ARGV[place]
    local found = redis.call('HMGET', challenge_key(state), 'login', 'resends')
    if found[1] then
        challenges = challenges + redis.call('DEL', challenge_key(state))
        redis.call('LREM', PREFIX .. 'login:' .. found[1], 0, state)
        for number = 0, tonumber(found[2]) do
            remove_message(state .. ':' .. number)
        end
    elseif string.sub(state, 1, 1) == '-' then
        remove_message(state .. ':0')
    end
    place = place + 1
end
local last = place + tonumber(ARGV[place])
for number = place + 1, last do
    local key = PREFIX .. 'events:' .. ARGV[number]
    for _, line in ipairs(redis.call('LRANGE', key, 0, -1)) do
        local event = cjson.decode(line)
        events = events + 1
        if event.kind == 'attempt' and event.gateway_id ~= '' then
            local told = PREFIX .. 'receipts:' .. event.gateway .. ':' .. event.gateway_id
            events = events + redis.call('LLEN', told)
            redis.call('DEL', told)
        end
        redis.call('ZREM', PREFIX .. 'of-user:' .. event.user, ARGV[number])
        redis.call('ZREM', PREFIX .. 'of-number:' .. event.number_hash, ARGV[number])
    end
    redis.call('DEL', key)
end
local names, last_name = {}, last + 1 + tonumber(ARGV[last + 1])
for number = last + 2, last_name do
    names[ARGV[number]] = true
    for _, field in ipairs(redis.call('HKEYS', PREFIX .. 'guesses:' .. ARGV[number])) do
        if string.sub(field, 1, 1) == 'o' then
            names[string.sub(field, 3)] = true
        end
    end
end
for name in pairs(names) do
    local key, wrong, streaks = PREFIX .. 'guesses:' .. name, PREFIX .. 'wrong:' .. name, {}
    for _, field in ipairs(redis.call('HKEYS', key)) do
        if string.sub(field, 1, 1) ~= 'o' and not streaks[string.sub(field, 3)] then
            streaks[string.sub(field, 3)] = true
            counts = counts + 1
        end
    end
    counts = counts + redis.call('LLEN', wrong)
    redis.call('DEL', key, wrong)
    redis.call('SREM', PREFIX .. 'watched', name)
end
for number = last_name + 1, #ARGV do
    local key = PREFIX .. 'spent:' .. ARGV[number]
    spent = math.max(spent, redis.call('LLEN', key))
    redis.call('DEL', key)
end
return {challenges, messages, events, counts, spent}
