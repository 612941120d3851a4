-- Tell the agreed time, by which budgets go, and correct it if the clock of Redis was set: nobody gets more SMS by that.
--
-- KEYS[1]  "NUMBER AHEAD": how often it was corrected, and how many seconds it is ahead of the clock of Redis
-- ARGV[5]  by how many seconds it is corrected, ARGV[6] the number that the caller was told, ARGV[7] the next number; all missing:
--          it is not corrected
--
-- If somebody else has corrected it meanwhile, that stays.
--
-- Returns the number, the moment by the clock of Redis, and how far ahead of it the agreed time is.

local number, ahead = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+) (%S+)$')
number, ahead = tonumber(number) or 0, tonumber(ahead) or 0
-- Damage counts as nothing: it is corrected by whoever knows better.
if not (number < 1e9 and math.abs(ahead) < 1e10) then
    number, ahead = 0, 0
end
if ARGV[5] and tonumber(ARGV[6]) == number then
    number, ahead = tonumber(ARGV[7]), ahead + tonumber(ARGV[5])
    redis.call('SET', KEYS[1], number .. ' ' .. written(ahead))
    expire(KEYS[1], 400 * DAY)
end
return {number, written(TURN), written(ahead)}
