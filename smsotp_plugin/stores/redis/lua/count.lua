-- Add to a counter of a day.
--
-- KEYS[1]  hash: the counters of a day
-- ARGV[5]  which counter, ARGV[6] how much

redis.call('HINCRBY', KEYS[1], ARGV[5], ARGV[6])
expire(KEYS[1], 33 * DAY)
return nil
