-- Put before the scripts that count wrong answers, as `stores/guesses.py` says: see there for what is counted and why.

local GENERAL, LAST, MOST_PLACES = '', 100, 10
-- Seconds. A right answer from a place that was proven this recently need not be written down again.
local PROOF_IS_FRESH, LONGEST_KNOWN = 3600, 366 * DAY

-- What is counted under a name.
local function read_tally(name)
    local tally = {name = name, streaks = {}, wrong = {}}
    local row = redis.call('HGETALL', PREFIX .. 'guesses:' .. name)
    for place = 1, #row, 2 do
        local what, streak = string.sub(row[place], 1, 1), string.sub(row[place], 3)
        if what ~= 'o' then
            tally.streaks[streak] = tally.streaks[streak] or {r = 0, l = -math.huge, p = 0}
            tally.streaks[streak][what] = tonumber(row[place + 1])
        end
    end
    for _, line in ipairs(redis.call('LRANGE', PREFIX .. 'wrong:' .. name, 0, -1)) do
        local at, place = string.match(line, '^(%S+) (.*)$')
        if tonumber(at) > TURN - DAY then
            table.insert(tally.wrong, {at = tonumber(at), place = place})
        end
    end
    table.sort(tally.wrong, function(one, other) return one.at < other.at end)
    return tally
end

-- The same in a form that the script can return: the name, its streaks and its wrong answers, as they are kept.
local function write_tally(name)
    return {name, redis.call('HGETALL', PREFIX .. 'guesses:' .. name), redis.call('LRANGE', PREFIX .. 'wrong:' .. name, 0, -1)}
end

local function is_known(streak, known_for)
    return streak ~= nil and TURN - known_for < streak.p
end

local function streak_of(tally, rules)
    for _, place in ipairs(rules.places) do
        if is_known(tally.streaks[place], rules.known_for) then
            return place
        end
    end
    return GENERAL
end

local function is_client(place)
    return string.sub(place, 1, 7) == 'client '
end

-- When the count of a day allows an answer in a streak.
local function day_over(tally, place, rules)
    local counted, used, most = {}, 0, rules.most
    local is_shared = place == GENERAL or is_client(place)
    for _, wrong in ipairs(tally.wrong) do
        if wrong.at <= TURN then
            if wrong.place == place or is_shared and (wrong.place == GENERAL or is_client(wrong.place)) then
                table.insert(counted, wrong.at)
            end
            used = used + (is_client(wrong.place) and 1 or 0)
        end
    end
    if place == GENERAL then
        for other, streak in pairs(tally.streaks) do
            if is_client(other) and is_known(streak, rules.known_for) then
                most = most - math.max(0, rules.kept - used)
                break
            end
        end
    end
    return #counted >= most and counted[#counted - most + 1] + DAY or -math.huge
end

-- From when on an answer is looked at, judging by one name alone.
local function answer_from(tally, rules)
    local place = streak_of(tally, rules)
    local streak = tally.streaks[place] or {r = 0, l = -math.huge, p = 0}
    if streak.r >= LAST then
        return math.huge
    end
    local locked = -math.huge
    if streak.r >= rules.most and rules.lock > 0 and streak.l <= TURN then
        locked = streak.l + rules.lock
    end
    return math.max(locked, day_over(tally, place, rules))
end

-- Whether anybody may have to wait now, at any place.
local function may_wait(tally, rules)
    if #tally.wrong >= rules.fewest then
        return true
    end
    for _, streak in pairs(tally.streaks) do
        local longest = streak.r >= rules.most and math.max(DAY, rules.lock) or DAY
        if streak.r >= LAST or streak.r >= rules.free and TURN < streak.l + longest then
            return true
        end
    end
    return false
end

local function watch(tally, rules)
    redis.call(may_wait(tally, rules) and 'SADD' or 'SREM', PREFIX .. 'watched', tally.name)
end

-- Wrong answers in a row stay until somebody ends the row; without any, only known places are kept.
local function keep_tally(tally)
    for _, streak in pairs(tally.streaks) do
        if streak.r > 0 then
            redis.call('PERSIST', PREFIX .. 'guesses:' .. tally.name)
            return
        end
    end
    expire(PREFIX .. 'guesses:' .. tally.name, LONGEST_KNOWN)
end
