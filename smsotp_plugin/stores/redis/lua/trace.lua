-- Return the lines of somebody's newest messages.
--
-- KEYS[1]  list: the lines of a message that is asked for by name, KEYS[2] sorted set: the messages of a user, KEYS[3] of a number
-- ARGV[5]  that message, or empty
-- ARGV[6]  how many messages
--
-- Returns pairs: a message and a line. PREFIX receipts:GATEWAY:ID holds the receipts of a message.

local limit, moments, wanted = tonumber(ARGV[6]), {}, {}
if ARGV[5] ~= '' and redis.call('EXISTS', KEYS[1]) == 1 then
    moments[ARGV[5]] = math.huge
    table.insert(wanted, ARGV[5])
end
for place = 2, 3 do
    local found = redis.call('ZREVRANGE', KEYS[place], 0, -1, 'WITHSCORES')
    local living = 0
    for number = 1, #found, 2 do
        if living < limit and redis.call('EXISTS', PREFIX .. 'events:' .. found[number]) == 1 then
            living = living + 1
            if not moments[found[number]] then
                moments[found[number]] = tonumber(found[number + 1])
                table.insert(wanted, found[number])
            end
        end
    end
end
table.sort(wanted, function(one, other) return moments[one] > moments[other] end)
local lines = {}
for number = 1, math.min(limit, #wanted) do
    local reference = wanted[number]
    for _, line in ipairs(redis.call('LRANGE', PREFIX .. 'events:' .. reference, 0, -1)) do
        table.insert(lines, {reference, line})
        local event = cjson.decode(line)
        if event.kind == 'attempt' and event.gateway_id ~= '' then
            local told = PREFIX .. 'receipts:' .. event.gateway .. ':' .. event.gateway_id
            for _, receipt in ipairs(redis.call('LRANGE', told, 0, -1)) do
                table.insert(lines, {reference, receipt})
            end
        end
    end
end
return lines
