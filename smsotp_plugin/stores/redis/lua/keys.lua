-- Put before the scripts that compare keys. A process is written "OWNER NAME ...", with a name for each of its keys.

-- Seconds; no process is believed to live for longer than this.
local LONGEST_LIFE = 10

-- Whether other processes live, and none of them has one of this process's keys.
local function is_stranger(process)
    local others = redis.call('ZRANGEBYSCORE', PREFIX .. 'keys', '(' .. written(TURN), written(TURN + LONGEST_LIFE))
    local found = false
    for _, other in ipairs(others) do
        found = found or other ~= process
        for name in string.gmatch(process, ' %x+') do
            if other ~= process and string.find(other, name, 1, true) then
                return false
            end
        end
    end
    return found
end

local function note_keys(process, life)
    redis.call('ZADD', PREFIX .. 'keys', written(TURN + life), process)
    redis.call('ZREMRANGEBYSCORE', PREFIX .. 'keys', '-inf', '(' .. written(TURN))
    expire(PREFIX .. 'keys', DAY)
end

local function forget_keys(process)
    redis.call('ZREM', PREFIX .. 'keys', process)
end
