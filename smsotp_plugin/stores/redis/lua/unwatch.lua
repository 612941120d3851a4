-- Watch names no longer for which nobody has to wait any more; look at some of them, drawn by lot.
--
-- KEYS[1]  the watched names
-- ARGV[5]  how many are looked at
-- ARGV[6] to ARGV[9]  most, seconds of a lock, free, and the fewest of a day that can make anybody wait; as for an answer

local rules = {
    most = tonumber(ARGV[6]), lock = tonumber(ARGV[7]), free = tonumber(ARGV[8]), fewest = tonumber(ARGV[9]),
}
for _, name in ipairs(redis.call('SRANDMEMBER', KEYS[1], ARGV[5])) do
    watch(read_tally(name), rules)
end
return nil
