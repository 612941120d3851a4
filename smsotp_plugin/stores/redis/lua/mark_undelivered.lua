-- Note that the code of a challenge did not get out.
--
-- KEYS[1]  the challenge, KEYS[2] the message
-- ARGV[5]  how often the code had been sent before, ARGV[6] why, ARGV[7] who says so
--
-- An owner that was taken for dead no longer knows anything about a message that another one has taken over.

if redis.call('HGET', KEYS[1], 'resends') == ARGV[5] and not was_taken_from(KEYS[2], ARGV[7]) then
    redis.call('HSET', KEYS[1], 'undelivered', ARGV[6])
end
return nil
