-- Put before the scripts that spend, as `stores/budgets.py` says.
--
-- Moments are those of the agreed time.
--
-- PREFIX spent:KEY       list: the moments of the last SMS, as many as its largest quota looks at
-- PREFIX money           list: "MOMENT AMOUNT" of the last day; PREFIX money-sum: their sum

-- Seconds by which the clocks of two nodes may differ.
local SKEW = 5
-- How many SMS are remembered where this node limits nothing, but another one may.
local UNLIMITED = 1000

-- The present moment by the agreed time. What the caller takes for it, if it takes any, counts only while nobody confirms the agreed
-- time, as when the clock of Redis was set: a caller that stood still with its machine is behind, and does not know it yet.
local function choose_moment(told)
    local _, ahead, is_confirmed = read_agreed()
    return told and not is_confirmed and told or TURN + ahead
end

-- What is to be spent, as ARGV has it from a place on; nil if nothing is.
--
-- That is: the moment, empty if the caller does not know it; how many SMS; seconds after which nothing counts; 1 if budgets are
-- enforced; how much money there is for a day, empty for any; how much an SMS costs; and for each key its name and how many quotas
-- there are, each as how many SMS and seconds, the shortest first.
local function read_spending(place)
    if not ARGV[place] then
        return nil
    end
    local spending = {
        now = choose_moment(tonumber(ARGV[place])), messages = tonumber(ARGV[place + 1]), longest = tonumber(ARGV[place + 2]),
        enforced = ARGV[place + 3] == '1', cap = tonumber(ARGV[place + 4]), money = tonumber(ARGV[place + 5]), lists = {},
    }
    place = place + 6
    while ARGV[place] do
        local list = {key = ARGV[place], name = PREFIX .. 'spent:' .. ARGV[place], quotas = {}, most = 0}
        for number = 1, tonumber(ARGV[place + 1]) do
            local quota = {most = tonumber(ARGV[place + 2 * number]), seconds = tonumber(ARGV[place + 2 * number + 1])}
            list.quotas[number], list.most = quota, math.max(list.most, quota.most)
        end
        place = place + 2 + 2 * #list.quotas
        table.insert(spending.lists, list)
    end
    return spending
end

-- Return how many moments a list holds.
--
-- Moments in the future, by a clock of before, count as now from here on: nobody waits longer for them than for new ones.
local function measure(name, spending)
    local last, now = redis.call('LINDEX', name, -1), spending.now
    if not last then
        return 0
    end
    if tonumber(string.match(last, '^%S+')) <= now + SKEW then
        return redis.call('LLEN', name)
    end
    local lines = redis.call('LRANGE', name, 0, -1)
    redis.call('DEL', name)
    for _, line in ipairs(lines) do
        local moment, rest = string.match(line, '^(%S+)(.*)$')
        redis.call('RPUSH', name, written(math.min(tonumber(moment), now)) .. rest)
    end
    expire(name, spending.longest + 2 * DAY)
    return #lines
end

local function find_over_money(spending)
    local now, list, sum = spending.now, PREFIX .. 'money', PREFIX .. 'money-sum'
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
    if tonumber(redis.call('GET', sum) or '0') + spending.money <= spending.cap then
        return nil
    end
    local left = first and tonumber(string.match(first, '^%S+')) + DAY - now or DAY
    return {'', 1, written(left)}
end

-- The key whose budget one more SMS would exceed, the number of its quota, and the seconds until it would not; or nil.
local function find_over(spending)
    for _, list in ipairs(spending.lists) do
        for number, quota in ipairs(list.quotas) do
            local moment = quota.most <= list.length and redis.call('LINDEX', list.name, -quota.most)
            if moment and tonumber(moment) > spending.now - quota.seconds then
                return {list.key, number, written(moment + quota.seconds - spending.now)}
            end
        end
    end
    return spending.cap and find_over_money(spending) or nil
end

local function add(spending)
    local moment = written(spending.now)
    for _, list in ipairs(spending.lists) do
        for _ = 1, spending.messages do
            redis.call('RPUSH', list.name, moment)
        end
        for _ = 1, -spending.messages do
            redis.call('RPOP', list.name)
        end
        local most = #list.quotas > 0 and list.most or UNLIMITED
        list.length = math.max(0, list.length + spending.messages)
        if list.length > most then
            redis.call('LTRIM', list.name, -most, -1)
            list.length = most
        end
        expire(list.name, spending.longest + 2 * DAY)
    end
    if spending.cap and spending.money ~= 0 then
        local amount = string.format('%d', spending.money * spending.messages)
        redis.call('RPUSH', PREFIX .. 'money', moment .. ' ' .. amount)
        redis.call('INCRBY', PREFIX .. 'money-sum', amount)
        expire(PREFIX .. 'money', 3 * DAY)
        expire(PREFIX .. 'money-sum', 3 * DAY)
    end
end

-- Spend what one SMS costs, unless it is over budget, budgets are enforced, and it is not to be spent in any case.
--
-- Returns whether it is spent, and what the next SMS would exceed, or this one if it is not spent, as `find_over` does.
local function spend(spending, anyway)
    if not spending then
        return true, nil
    end
    for _, list in ipairs(spending.lists) do
        list.length = measure(list.name, spending)
    end
    if spending.cap then
        measure(PREFIX .. 'money', spending)
    end
    local over = spending.enforced and not anyway and find_over(spending) or nil
    if over then
        return false, over
    end
    add(spending)
    return true, find_over(spending)
end

-- Spend what the message of a challenge costs, from a place of ARGV on, unless too many wait already.
--
-- Returns what the script has to return if that is not possible: "full" and why, or "over" and what is exceeded; else nil. Then, what
-- the next message would exceed, if anything.
local function pay_for_message(owner, place)
    local full = refuse_for_queue(owner)
    if full then
        return full, nil
    end
    local is_spent, over = spend(read_spending(place))
    if not is_spent then
        return {'over', over}, nil
    end
    return nil, over
end
