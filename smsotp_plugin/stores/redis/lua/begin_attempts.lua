-- Note that gateways may have messages from now on.
--
-- KEYS[1] ...  the messages
-- ARGV[5]  owner
-- ARGV[6] ...  for each message: gateway, the name of this attempt, which is unique, State, and how often it had
--          been sent before
--
-- Returns a word for each: "taken" if another owner has taken the message over, "over" if nobody can use its code any more;
-- then the gateway must not get it from this owner. Else "begun". If one cannot be noted, what is wrong is in its place; if none
-- can be noted, only that is returned: this server may be the wrong one.

local function begin(key, gateway, attempt, state, resends)
    if was_taken_from(key, ARGV[5]) then
        return 'taken'
    end
    local expires = redis.call('HGET', key, 'expires')
    if not is_needed(state, resends, expires) then
        return 'over'
    end
    if expires then
        redis.call('HSET', key, 'g ' .. gateway, attempt)
    end
    return 'begun'
end

local words, problems = {}, 0
for number, key in ipairs(KEYS) do
    local place = 4 * number + 2
    local is_begun, word = pcall(begin, key, ARGV[place], ARGV[place + 1], ARGV[place + 2], ARGV[place + 3])
    words[number] = is_begun and word or as_error(word)
    problems = problems + (is_begun and 0 or 1)
end
return problems == #KEYS and words[1] or words
