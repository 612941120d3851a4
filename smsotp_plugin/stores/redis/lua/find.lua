-- A challenge as it is, or nothing where there is none of this user.
--
-- KEYS[1]  the challenge
-- ARGV[5]  State, ARGV[6] user

local found = read(ARGV[5])
if not found or found.user ~= ARGV[6] then
    return nil
end
return whole(found)
