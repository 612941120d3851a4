-- Stands before the scripts that spend, as `stores/budgets.py` says it.
--
-- Moments are those of a clock that nobody sets: the caller keeps it, near to that of Redis.
--
-- PREFIX spent:KEY       list: the moments of the last SMS, as many as its largest quota looks at
-- PREFIX money           list: "MOMENT AMOUNT" of the last day; PREFIX money-sum: their sum

-- Seconds by which the clocks of two nodes may differ.
local SKEW = 5
-- SMS that are remembered where this node limits nothing, and another one may.
local UNLIMITED = 1000

-- What the caller has written, from a place of ARGV on: the rules, the spending and the moment; nothing where nothing is spent.
--
-- Rules are quotas by the letter of their scope, as pairs of how many and seconds, the shortest first; most by the same; cap of
-- the money or nothing; enforced; longest, the seconds after which nothing counts.
local function read_spending(place)
    if ARGV[place] == '' then
        return nil
    end
    return cjson.decode(ARGV[place]), cjson.decode(ARGV[place + 1]), tonumber(ARGV[place + 2])
end

-- What was in the future by the clock of before is of now: nobody waits longer for it than for a new one.
local function mend_future(key, now)
    local last = redis.call('LINDEX', key, -1)
    if not last or tonumber(last) <= now + SKEW then
        return
    end
    local moments = redis.call('LRANGE', key, 0, -1)
    redis.call('DEL', key)
    for _, moment in ipairs(moments) do
        redis.call('RPUSH', key, written(math.min(tonumber(moment), now)))
    end
end

local function find_over_money(rules, money, now)
    local list, sum = PREFIX .. 'money', PREFIX .. 'money-sum'
    local first = redis.call('LINDEX', list, 0)
    while first do
        local moment, amount = string.match(first, '^(%S+) (.*)$')
        if tonumber(moment) > now - DAY then
            break
        end
        redis.call('LPOP', list)
        redis.call('DECRBY', sum, amount)
        first = redis.call('LINDEX', list, 0)
    end
    if tonumber(redis.call('GET', sum) or '0') + money <= rules.cap then
        return nil
    end
    local left = first and math.min(tonumber(string.match(first, '^%S+')), now) + DAY - now or DAY
    return {'', 1, written(left)}
end

-- The key whose budget one more SMS would exceed, the number of its quota and the seconds until it would not; or nil.
local function find_over(rules, spending, now)
    for _, key in ipairs(spending.keys) do
        local list = PREFIX .. 'spent:' .. key
        for number, quota in ipairs(rules.quotas[string.sub(key, 1, 1)] or {}) do
            if number == 1 then
                mend_future(list, now)
            end
            local moment = tonumber(redis.call('LINDEX', list, -quota[1]) or '-inf')
            if moment > now - quota[2] then
                return {key, number, written(moment + quota[2] - now)}
            end
        end
    end
    return rules.cap and find_over_money(rules, spending.money, now) or nil
end

local function add(rules, spending, now)
    for _, key in ipairs(spending.keys) do
        local list = PREFIX .. 'spent:' .. key
        for _ = 1, spending.messages do
            redis.call('RPUSH', list, written(now))
        end
        for _ = 1, -spending.messages do
            redis.call('RPOP', list)
        end
        redis.call('LTRIM', list, -(rules.most[string.sub(key, 1, 1)] or UNLIMITED), -1)
        expire(list, rules.longest + 2 * DAY)
    end
    if rules.cap and spending.money ~= 0 then
        local amount = string.format('%d', spending.money * spending.messages)
        redis.call('RPUSH', PREFIX .. 'money', written(now) .. ' ' .. amount)
        redis.call('INCRBY', PREFIX .. 'money-sum', amount)
        expire(PREFIX .. 'money', 3 * DAY)
        expire(PREFIX .. 'money-sum', 3 * DAY)
    end
end

-- Spend what one SMS costs, unless it is over budget and budgets are enforced.
--
-- Returns whether it is spent, and what the next one would exceed, or this one where it is not: as `find_over` does.
local function spend(rules, spending, now)
    if not rules then
        return true, nil
    end
    local over = rules.enforced and find_over(rules, spending, now) or nil
    if over then
        return false, over
    end
    add(rules, spending, now)
    return true, find_over(rules, spending, now)
end

-- Spend what the message of a challenge costs, unless too many wait already.
--
-- From a place of ARGV on: the owner of the message, or the queue (see `read_queue`); its site, end and sealed text; rules (empty where
-- nothing is spent), spending and moment.
--
-- Returns what the script has to return where that cannot be: "full" and why, or "over" and what is exceeded; else nil. Then, what
-- the next message would exceed, if anything.
local function pay_for_message(place)
    local full = refuse_for_queue(ARGV[place])
    if full then
        return full, nil
    end
    local is_spent, over = spend(read_spending(place + 4))
    if not is_spent then
        return {'over', over}, nil
    end
    return nil, over
end

-- Keep the message of a challenge that has been paid for, from the same place of ARGV.
local function keep_paid_message(state, resends, place)
    keep_message(state, resends, ARGV[place], ARGV[place + 1], ARGV[place + 2], ARGV[place + 3])
end
