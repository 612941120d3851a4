-- Spend what SMS without a challenge cost.
--
-- KEYS[1]  what is spent for the first key
-- ARGV[5]  1 if it is spent whatever the budgets say
-- ARGV[6] ...  what is spent; see `read_spending` in budgets.lua
--
-- Returns "spent" or "over", and what is exceeded by the next SMS or this one, if anything.

local is_spent, over = spend(read_spending(6), ARGV[5] == '1')
return {is_spent and 'spent' or 'over', over}
