-- Spend what SMS cost that belong to no challenge.
--
-- KEYS[1]  what is spent for the first key
-- ARGV[5]  the rules (empty where nothing is limited), ARGV[6] the spending, ARGV[7] the moment; see budgets.lua
-- ARGV[8]  1 where it is spent whatever the budgets say
--
-- Returns "spent" or "over", and what is exceeded by the next SMS or this one, if anything.

local rules = read_rules(ARGV[5])
if not rules then
    return {'spent'}
end
local spending, now = cjson.decode(ARGV[6]), tonumber(ARGV[7])
if ARGV[8] == '1' then
    add(rules, spending, now)
    return {'spent'}
end
local is_spent, over = spend(rules, spending, now)
return {is_spent and 'spent' or 'over', over}
