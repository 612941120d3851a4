-- Tell the agreed time, by which budgets go; confirm it, or correct it if the clock of Redis was set.
--
-- KEYS[1]  the agreed time; see agreed.lua
-- ARGV[5]  "ask", "confirm" or "correct"
-- ARGV[6]  the number that the caller was told
-- ARGV[7]  to confirm it: the moment that the caller takes for the present one
--          to correct it: by how many seconds, and ARGV[8] the next number
--
-- It is not corrected if somebody else has done so meanwhile, or confirms it: then it is the caller that stood still.
--
-- Returns the number, the moment by the clock of Redis, and how far ahead of it the agreed time is.

-- Seconds by which those who agree may differ.
local AGREED = 1

local number, ahead, is_confirmed = read_agreed()
local is_known = ARGV[5] ~= 'ask' and tonumber(ARGV[6]) == number
if is_known and ARGV[5] == 'confirm' and math.abs(tonumber(ARGV[7]) - TURN - ahead) < AGREED
    or is_known and ARGV[5] == 'correct' and not is_confirmed then
    if ARGV[5] == 'correct' then
        number, ahead = tonumber(ARGV[8]), ahead + tonumber(ARGV[7])
    end
    redis.call('SET', KEYS[1], number .. ' ' .. written(ahead) .. ' ' .. written(TURN))
    expire(KEYS[1], 400 * DAY)
end
return {number, written(TURN), written(ahead)}
