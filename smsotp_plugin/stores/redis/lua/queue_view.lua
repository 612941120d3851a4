-- Return what is known of the queue.
--
-- KEYS[1]  the queue, KEYS[2] the workers
-- ARGV[5]  seconds for which a report is believed
--
-- Returns how many messages wait, and what each worker that lives has reported.

local reports, all = {}, redis.call('HGETALL', KEYS[2])
for place = 2, #all, 2 do
    local moment, report = string.match(all[place], '^(%S+) (.*)$')
    if tonumber(moment) > TURN - tonumber(ARGV[5]) and tonumber(moment) <= TURN + 1 then
        table.insert(reports, report)
    end
end
return {redis.call('XLEN', KEYS[1]), reports}
