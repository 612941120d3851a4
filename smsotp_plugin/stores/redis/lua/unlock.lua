-- Forget the wrong answers of accounts, under all of their names; known places stay known.
--
-- KEYS[1]  the watched names
-- ARGV[5] ...  names
--
-- Returns the most that there were in a row.

local most, all = 0, {}
for place = 5, #ARGV do
    all[ARGV[place]] = true
    for _, field in ipairs(redis.call('HKEYS', PREFIX .. 'guesses:' .. ARGV[place])) do
        if string.sub(field, 1, 1) == 'o' then
            all[string.sub(field, 3)] = true
        end
    end
end
for name in pairs(all) do
    local tally = read_tally(name)
    for streak, counted in pairs(tally.streaks) do
        most = math.max(most, counted.r)
        if counted.r > 0 then
            redis.call('HSET', PREFIX .. 'guesses:' .. name, 'r ' .. streak, 0)
            counted.r = 0
        end
    end
    redis.call('DEL', PREFIX .. 'wrong:' .. name)
    redis.call('SREM', KEYS[1], name)
    keep_tally(tally)
end
return most
