-- Return which of a guesser's places is known under the name of its account; empty if none is.
--
-- KEYS[1]  what is counted under its present name
-- ARGV[5]  seconds for which a place is known, ARGV[6] how many places there are, the places, and the names of the account

local rules, last_place = {known_for = tonumber(ARGV[5]), places = {}}, 6 + tonumber(ARGV[6])
for place = 7, last_place do
    table.insert(rules.places, ARGV[place])
end
for name = last_place + 1, #ARGV do
    local streak = streak_of(read_tally(ARGV[name]), rules)
    if streak ~= GENERAL then
        return streak
    end
end
return ''
