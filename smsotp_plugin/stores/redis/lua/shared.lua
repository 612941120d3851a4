-- Stands before every script.
--
-- ARGV[1]  The store's own moment in Unix seconds; empty: the clock of Redis.
-- ARGV[2]  What all keys begin with: a hash tag, so that Redis Cluster keeps them in one slot, and a colon.
-- ARGV[3]  The moment of the request in Unix seconds, by the clock of whoever asks.
-- ARGV[4]  How long ago that was, in seconds, by the same clock.
--
-- PREFIX challenge:STATE     hash: the fields of `Challenge`, and status, made (when it was opened), asked (when its code
--                            was last asked for again), both by the store's own clock
-- PREFIX login:LOGIN         list: the States of a log-in, the newest first
-- PREFIX message:STATE:N     hash: site, expires, sealed, owner, from (earlier owners), deaths (how many of them died), and "g GATEWAY" for each gateway
--                            that may have it
-- PREFIX messages:OWNER      set: the messages of an owner, as STATE:N
-- PREFIX queue               stream: the messages that no worker has taken, as STATE:N; their owner is empty
-- PREFIX workers             hash: "MOMENT REPORT" of each worker
-- PREFIX owners              sorted set: until when each owner is believed to live
-- PREFIX guesses:NAME        hash: "r PLACE" wrong answers in a row, "l PLACE" the latest, "p PLACE" when it was proven,
--                            "o NAME" other names of the account
-- PREFIX wrong:NAME          list: "MOMENT PLACE" of each wrong answer of the last day
-- PREFIX watched             set: the names that may have to wait
-- All but the last three end by themselves; these hold one entry for each account with wrong answers.

local OPEN, USED, EXHAUSTED = '0', '1', '2'
local CHALLENGE = {
    'state', 'user', 'login', 'seed', 'seal', 'number', 'number_hash', 'created', 'expires', 'tries_left', 'resends',
    'undelivered', 'mark',
}
-- Seconds.
local KEPT_AFTER_EXPIRY, FURTHEST_END, DAY = 600, 86400, 86400
-- Seconds for which an owner is believed to live that has not said so since Redis lost what it held.
local UNSAID_LIFE = 5

local PREFIX, NOW = ARGV[2], tonumber(ARGV[3])
local TURN = tonumber(ARGV[1])
if not TURN then
    local time = redis.call('TIME')
    TURN = time[1] + time[2] / 1000000
end
-- The moment of the request by the store's own clock.
local ASKED = TURN - tonumber(ARGV[4])

local function written(moment)
    return string.format('%.6f', moment)
end

local function expire(key, seconds)
    redis.call('PEXPIRE', key, math.ceil(math.min(seconds, 400 * DAY) * 1000))
end

local function challenge_key(state)
    return PREFIX .. 'challenge:' .. state
end

-- What decides about a challenge, or nil where there is none.
local function read(state)
    local row = redis.call('HMGET', challenge_key(state), 'user', 'status', 'created', 'expires', 'tries_left', 'resends',
        'undelivered', 'seal', 'made', 'asked', 'login', 'number_hash')
    if not row[1] or tonumber(row[4]) > NOW + FURTHEST_END then
        return nil
    end
    return {
        user = row[1], status = row[2], created = tonumber(row[3]), expires = tonumber(row[4]),
        tries_left = tonumber(row[5]), resends = tonumber(row[6]), undelivered = row[7], seal = row[8],
        made = tonumber(row[9]), asked = tonumber(row[10]), login = row[11], number_hash = row[12],
    }
end

-- Neither too old nor, since the clock was set back, too far from the moment at which it was made.
local function is_alive(challenge)
    return challenge.expires > NOW and 2 * challenge.created - challenge.expires < NOW
end

-- The State of the open challenge of a log-in that is younger than the window, or nil.
local function find_same(login, window)
    for _, state in ipairs(redis.call('LRANGE', PREFIX .. 'login:' .. login, 0, -1)) do
        local found = read(state)
        if found and found.status == OPEN and found.undelivered == '' and is_alive(found)
            and found.made > ASKED - window and found.made <= TURN then
            return state
        end
    end
    return nil
end

-- All of a challenge, as `Challenge` has it.
local function whole(state)
    return redis.call('HMGET', challenge_key(state), unpack(CHALLENGE))
end

-- How many messages may wait for workers where an owner stands for the queue ("queue N"), else nil.
local function queue_limit(owner)
    return tonumber(string.match(owner, '^queue (%d+)$'))
end

local function is_queue_full(owner)
    local most = queue_limit(owner)
    return most and redis.call('XLEN', PREFIX .. 'queue') >= most
end

-- Keep a message that belongs to an owner or waits on the queue, and whoever may read it a day later why it was not sent.
local function keep_message(state, resends, owner, site, expires, sealed)
    local key, own = PREFIX .. 'message:' .. state .. ':' .. resends, PREFIX .. 'messages:' .. owner
    local life = math.max(tonumber(expires) - NOW, 0) + FURTHEST_END
    local on_queue = queue_limit(owner)
    redis.call('HSET', key, 'site', site, 'expires', expires, 'sealed', sealed, 'owner', on_queue and '' or owner, 'from', '')
    expire(key, life)
    if on_queue then
        redis.call('XADD', PREFIX .. 'queue', '*', 'message', state .. ':' .. resends)
        return
    end
    redis.call('SADD', own, state .. ':' .. resends)
    expire(own, life)
    -- Or nobody would look for them.
    redis.call('ZADD', PREFIX .. 'owners', 'NX', written(TURN + UNSAID_LIFE), owner)
end

-- Whether a message was taken over from an owner that was believed to be dead and is not.
local function was_taken_from(key, owner)
    local kept = redis.call('HMGET', key, 'owner', 'from')
    return kept[1] and kept[1] ~= owner and string.find(' ' .. kept[2] .. ' ', ' ' .. owner .. ' ', 1, true)
end
