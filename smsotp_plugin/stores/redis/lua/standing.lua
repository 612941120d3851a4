-- Return the moment, and what is counted under the names of an account; nothing if none of them is watched.
--
-- KEYS[1]  the watched names
-- ARGV[5] ...  the names

local is_watched, told = false, {}
for place = 5, #ARGV do
    is_watched = is_watched or redis.call('SISMEMBER', KEYS[1], ARGV[place]) == 1
    table.insert(told, write_tally(ARGV[place]))
end
return is_watched and {written(TURN), told} or {}
