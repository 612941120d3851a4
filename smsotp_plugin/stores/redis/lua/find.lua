-- Return a challenge as it is, or nothing if this user has none with this State.
--
-- KEYS[1]  the challenge
-- ARGV[5]  State, ARGV[6] user

local found = read(ARGV[5])
if not found or found.user ~= ARGV[6] then
    return nil
end
return whole(found)
