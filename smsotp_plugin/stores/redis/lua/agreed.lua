-- Put before the scripts that need the agreed time; `steady` keeps it.
--
-- PREFIX steady  "NUMBER AHEAD MOMENT": how often it was corrected, how many seconds it is ahead of the clock of Redis, and when, by
--                that clock, somebody last confirmed it

-- Seconds. Those who agree confirm it once a second.
local CONFIRMED_FOR = 5

-- Return the number, how far ahead it is, and whether somebody has just confirmed it. Damage counts as nothing, also that of another
-- type: it is corrected by whoever knows better.
local function read_agreed()
    local kept = redis.pcall('GET', PREFIX .. 'steady')
    local number, ahead, confirmed = string.match(type(kept) == 'string' and kept or '', '^(%d+) (%S+) (%S+)$')
    number, ahead, confirmed = tonumber(number) or 0, tonumber(ahead) or 0, tonumber(confirmed) or 0
    if not (number < 1e9 and math.abs(ahead) < 1e10 and math.abs(confirmed) < 1e11) then
        number, ahead, confirmed = 0, 0, 0
    end
    return number, ahead, confirmed <= TURN and TURN - confirmed < CONFIRMED_FOR
end
