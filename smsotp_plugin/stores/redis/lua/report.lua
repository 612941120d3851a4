-- Note how a worker sees its gateways, or that it takes no more messages; forget workers that have said nothing for long.
--
-- KEYS[1]  the queue, KEYS[2] the workers
-- ARGV[5]  worker, ARGV[6] the group, ARGV[7] the report, or empty

local FORGOTTEN_AFTER = 60

if ARGV[7] == '' then
    redis.call('HDEL', KEYS[2], ARGV[5])
else
    redis.call('HSET', KEYS[2], ARGV[5], written(TURN) .. ' ' .. ARGV[7])
    expire(KEYS[2], DAY)
end
local all = redis.call('HGETALL', KEYS[2])
for place = 1, #all, 2 do
    if tonumber(string.match(all[place + 1], '^%S+')) < TURN - FORGOTTEN_AFTER then
        redis.call('HDEL', KEYS[2], all[place])
    end
end
-- An error means that there is no queue yet.
local readers = redis.pcall('XINFO', 'CONSUMERS', KEYS[1], ARGV[6])
for _, reader in ipairs(readers) do
    local about = {}
    for place = 1, #reader, 2 do
        about[reader[place]] = reader[place + 1]
    end
    if about.pending == 0 and about.idle > FORGOTTEN_AFTER * 1000 then
        redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[6], about.name)
    end
end
return nil
