-- Return what `open` would return instead of a new challenge.
--
-- KEYS[1]  the States of the log-in
-- ARGV[5]  log-in, ARGV[6] window in seconds

local same = find_same(ARGV[5], tonumber(ARGV[6]))
return same and whole(same) or nil
