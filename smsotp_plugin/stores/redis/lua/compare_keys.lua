-- Tell whether a process would find that all others have other keys.
--
-- KEYS[1]  the keys
-- ARGV[5]  the process, as in `keys`
--
-- Returns 1 if it would, else 0.

return is_stranger(ARGV[5]) and 1 or 0
