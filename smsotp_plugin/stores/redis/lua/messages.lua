-- Put before the scripts that hand messages over.

-- Whether the code can still let anybody in, and no later message of the same log-in has taken its place. One without a challenge is
-- needed until it expires, and not at all if it has no end because nothing of it is kept.
local function is_needed(state, resends, expires)
    if string.sub(state, 1, 1) == '-' then
        return expires and tonumber(expires) > NOW
    end
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

-- What is kept of a message, and the gateways that may have it; nil if there is no such message.
local function read_message(name)
    local kept = redis.call('HGETALL', PREFIX .. 'message:' .. name)
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
    return fields, gateways
end

-- The same in a form that the script can return: STATE, N, site, end, sealed text, 1 if it is still needed else 0, the gateways that may
-- have it, how many of its owners have died, and its holders.
local function write_out(name, fields, gateways)
    local state, resends = string.match(name, '^(.*):(%d+)$')
    return {
        state, resends, fields.site, fields.expires, fields.sealed, is_needed(state, resends, fields.expires) and 1 or 0, gateways,
        fields.deaths or 0, fields.holders or '',
    }
end

-- Give a message to an owner, from another one or, if `from` is empty, from the queue; nil if there is none. `is_dead` tells
-- whether the other owner died; otherwise it has left.
--
-- Returns it as `write_out` does.
local function take(name, owner, from, is_dead)
    local fields, gateways = read_message(name)
    if not fields then
        return nil
    end
    local own = PREFIX .. 'messages:' .. owner
    if from ~= '' then
        fields.from = fields.from .. ' ' .. from
    end
    fields.deaths = tonumber(fields.deaths or 0) + (is_dead and 1 or 0)
    redis.call('HSET', PREFIX .. 'message:' .. name, 'owner', owner, 'from', fields.from, 'deaths', fields.deaths)
    redis.call('SADD', own, name)
    expire(own, 2 * FURTHEST_END)
    return write_out(name, fields, gateways)
end

-- Add to a list what `work` returns for a message, if anything, or the message's name if what is kept is damaged. So a damaged message
-- does not affect the others.
local function add(list, name, work, ...)
    local is_done, found = pcall(work, name, ...)
    if not is_done then
        found = name
    end
    table.insert(list, found)
end
