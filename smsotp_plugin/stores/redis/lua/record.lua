-- Write lines of the delivery log.
--
-- KEYS[1] ...  for each line, a list: the lines of a message, or of a delivery receipt; then sorted sets: the messages of a user
--          or a number, by the moment at which they were asked for
-- ARGV[5]  seconds for which they are kept
-- ARGV[6] ...  for each: the line, its moment, the message, and how many of KEYS belong to it
--
-- Returns what is wrong with a line that cannot be written; the others are.

local KEPT = tonumber(ARGV[5])

local function note(first, last, line, moment, message)
    local at = tonumber(moment)
    local left = at + KEPT - TURN
    if left <= 0 then
        return
    end
    redis.call('RPUSH', KEYS[first], line)
    expire(KEYS[first], left)
    for place = first + 1, last do
        redis.call('ZADD', KEYS[place], moment, message)
        clear_now_and_then(KEYS[place], message, at - KEPT)
        expire(KEYS[place], left)
    end
end

local next_key = 1
return each((#ARGV - 5) / 4, function(number)
    local place, first = 4 * number + 2, next_key
    next_key = first + tonumber(ARGV[place + 3])
    note(first, next_key - 1, ARGV[place], ARGV[place + 1], ARGV[place + 2])
end)
