-- Spend what SMS cost that belong to no challenge.
--
-- KEYS[1]  what is spent for the first key
-- ARGV[5], ARGV[6], ARGV[7]  rules (empty where nothing is limited), spending and moment; see `read_spending` in budgets.lua
-- ARGV[8]  1 where it is spent whatever the budgets say
--
-- Returns "spent" or "over", and what is exceeded by the next SMS or this one, if anything.

local rules, spending, now = read_spending(5)
if rules and ARGV[8] == '1' then
    add(rules, spending, now)
    return {'spent'}
end
local is_spent, over = spend(rules, spending, now)
return {is_spent and 'spent' or 'over', over}
