-- Put before every script.
--
-- ARGV[1]  The store's own moment in Unix seconds; empty: that of the clock of Redis.
-- ARGV[2]  What all keys begin with: a hash tag, so that Redis Cluster keeps them in one slot, and a colon.
-- ARGV[3]  The moment of the request in Unix seconds, by the caller's clock.
-- ARGV[4]  How long ago that was, in seconds, by the same clock.
--
-- PREFIX challenge:STATE     hash: the fields of `Challenge`, and status, made (when it was opened), asked (when its code
--                            was last asked for again), both by the store's own clock, used_by (the ticket of the answer
--                            that has used it up)
-- PREFIX login:LOGIN         list: the States of a log-in, the newest first
-- PREFIX message:STATE:N     hash: site, expires, sealed, owner, from (earlier owners), deaths (how many of them died), holders
--                            (see `read_queue`), and "g GATEWAY" for each gateway that may have it
-- PREFIX messages:OWNER      set: the messages of an owner, as STATE:N
-- PREFIX queue               stream: the messages that no worker has taken, as STATE:N; their owner is empty
-- PREFIX held:HOLDER         sorted set: the messages on their way by workers that somebody holds, as STATE:N, by their end
-- PREFIX fates               stream: "FATE STATE" of SMS that were answered, or that no gateway took
-- PREFIX workers             hash: "MOMENT REPORT" of each worker
-- PREFIX owners              sorted set: until when each owner is believed to live
-- PREFIX keys                sorted set: until when each process is believed to live, with names of its keys; see `keys`
-- PREFIX steady              "NUMBER AHEAD MOMENT": the agreed time; see `steady`
-- PREFIX guesses:NAME        hash: "r PLACE" wrong answers in a row, "l PLACE" the latest, "p PLACE" when it was proven,
--                            "o NAME" other names of the account
-- PREFIX wrong:NAME          list: "MOMENT PLACE" of each wrong answer of the last day
-- PREFIX watched             set: the names that may have to wait
-- All but the last three expire by themselves; those hold one entry for each account with wrong answers.

local OPEN, USED, EXHAUSTED = '0', '1', '2'
local CHALLENGE = {
    'state', 'user', 'login', 'seed', 'seal', 'number', 'number_hash', 'created', 'expires', 'tries_left', 'resends',
    'undelivered', 'mark',
}
-- Seconds.
local KEPT_AFTER_EXPIRY, FURTHEST_END, DAY = 600, 86400, 86400
-- Seconds for which an owner is believed to live if it has not said so since Redis lost what it held.
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

-- A challenge, or nil where there is none.
local function read(state)
    local row = redis.call('HMGET', challenge_key(state), 'status', 'made', 'asked', unpack(CHALLENGE))
    if not row[5] or tonumber(row[12]) > NOW + FURTHEST_END then
        return nil
    end
    return {
        row = row, status = row[1], made = tonumber(row[2]), asked = tonumber(row[3]), state = row[4], user = row[5], login = row[6],
        seal = row[8], number_hash = row[10], created = tonumber(row[11]), expires = tonumber(row[12]), tries_left = tonumber(row[13]),
        resends = tonumber(row[14]), undelivered = row[15],
    }
end

-- Neither too old nor, after the clock was set back, too far before the moment at which it was made.
local function is_alive(challenge)
    return challenge.expires > NOW and 2 * challenge.created - challenge.expires < NOW
end

-- The open challenge of a log-in that is younger than the window, or nil.
local function find_same(login, window)
    for _, state in ipairs(redis.call('LRANGE', PREFIX .. 'login:' .. login, 0, -1)) do
        local found = read(state)
        if found and found.status == OPEN and found.undelivered == '' and is_alive(found)
            and found.made > ASKED - window and found.made <= TURN then
            return found
        end
    end
    return nil
end

-- A whole challenge, as `Challenge` has it.
local function whole(challenge)
    return {unpack(challenge.row, 4)}
end

-- How many messages each holder may have on their way for each free place on the queue; as in `dispatch/slots.py`.
local SHARES = {user = 1 / 8, number = 1 / 8, station = 1, client = 8}

-- If an owner stands for the queue, how many messages may wait for workers and who holds this one; else nil. Such an owner is
-- "queue N HOLDER ...", each HOLDER a "KIND:DIGITS".
local function read_queue(owner)
    local most, holders = string.match(owner, '^queue (%d+)(.*)$')
    return tonumber(most), holders
end

-- What the script has to return if a message may not wait for workers: "full", and, if that is because of somebody's share, whose
-- kind and how many they have; else nil.
local function refuse_for_queue(owner)
    local most, holders = read_queue(owner)
    local free = most and most - redis.call('XLEN', PREFIX .. 'queue')
    if not most then
        return nil
    end
    if free <= 0 then
        return {'full'}
    end
    for kind, digits in string.gmatch(holders, '(%a+):(%w+)') do
        local held = redis.call('ZCOUNT', PREFIX .. 'held:' .. kind .. ':' .. digits, '(' .. written(NOW), '+inf')
        if held > 0 and held >= SHARES[kind] * free then
            return {'full', kind, held}
        end
    end
    return nil
end

-- Now and then, for one name (State or message) in sixteen, remove what is older than a moment from a sorted set.
local function clear_now_and_then(key, name, moment)
    if string.sub(name, 1, 1) == '0' then
        redis.call('ZREMRANGEBYSCORE', key, '-inf', written(moment))
    end
end

local function hold(holders, name, expires)
    for holder in string.gmatch(holders, '%S+') do
        local key = PREFIX .. 'held:' .. holder
        -- Messages that nobody has ended no longer count after they expire.
        clear_now_and_then(key, name, NOW)
        redis.call('ZADD', key, expires, name)
        expire(key, math.max(tonumber(expires) - NOW, 0) + 1)
    end
end

-- Note that a message is no longer on its way.
local function release(name)
    for holder in string.gmatch(redis.call('HGET', PREFIX .. 'message:' .. name, 'holders') or '', '%S+') do
        redis.call('ZREM', PREFIX .. 'held:' .. holder, name)
    end
end

-- Keep a message that belongs to an owner or waits on the queue, until a day after its end: then the log can still say why it was not sent.
local function keep_message(state, resends, owner, site, expires, sealed)
    local key, own = PREFIX .. 'message:' .. state .. ':' .. resends, PREFIX .. 'messages:' .. owner
    local life = math.max(tonumber(expires) - NOW, 0) + FURTHEST_END
    local on_queue, holders = read_queue(owner)
    local name = state .. ':' .. resends
    redis.call('HSET', key, 'site', site, 'expires', expires, 'sealed', sealed, 'owner', on_queue and '' or owner, 'from', '')
    expire(key, life)
    if on_queue then
        redis.call('XADD', PREFIX .. 'queue', '*', 'message', name)
        if holders ~= '' then
            redis.call('HSET', key, 'holders', holders)
            hold(holders, name, expires)
        end
        return
    end
    redis.call('SADD', own, name)
    expire(own, life)
    -- Otherwise nobody would look for its messages.
    redis.call('ZADD', PREFIX .. 'owners', 'NX', written(TURN + UNSAID_LIFE), owner)
end

-- Return what went wrong under `pcall` in the form in which a script returns it; before Redis 7 it is a text.
local function as_error(problem)
    return type(problem) == 'table' and problem or {err = tostring(problem)}
end

-- Do something for each number up to the last, even if some fail; returns the first failure in the form in which a script returns it.
local function each(last, work)
    local first_problem
    for number = 1, last do
        local is_done, problem = pcall(work, number)
        if not is_done and not first_problem then
            first_problem = as_error(problem)
        end
    end
    return first_problem
end

-- Whether a message was taken over from an owner that was believed to be dead but is not.
local function was_taken_from(key, owner)
    local kept = redis.call('HMGET', key, 'owner', 'from')
    return kept[1] and kept[1] ~= owner and string.find(' ' .. kept[2] .. ' ', ' ' .. owner .. ' ', 1, true)
end
