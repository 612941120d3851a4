-- Tell all processes that watch which SMS are answered what became of one SMS.
--
-- KEYS[1]  stream: the newest fates
-- ARGV[5]  fate, ARGV[6] State

local MOST = 10000

redis.call('XADD', KEYS[1], 'MAXLEN', '~', MOST, '*', ARGV[5], ARGV[6])
expire(KEYS[1], DAY)
return nil
