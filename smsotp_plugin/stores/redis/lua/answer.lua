-- Use up one try of a challenge, and the challenge itself if the answer is right; count it for the account.
--
-- KEYS[1]  the challenge
-- ARGV[5]  State, ARGV[6] user, ARGV[7] seal of the answer
-- ARGV[8]  how many tries are left as far as the caller knows; empty if it knows nothing
-- ARGV[9]  the ticket of this answer, which is unique
-- ARGV[10] ...  empty where the answer is not counted; else seconds for which a place is known, most, seconds of a lock, how
--          many of a day are kept for known clients, free, the fewest of a day that can make anybody wait, how many places
--          there are, the places, and the names of the account, the first one being the present one
--
-- Returns a word, and what belongs to it: "right" and the challenge; "wrong", the challenge, the tries that are left, the moment
-- and what is counted under each name; "last" (the same, and none is left); "locked" and the seconds or "ever"; or why it was not
-- looked at: "spent" and "expired" with the challenge.

local state, seal, most_tries = ARGV[5], ARGV[7], tonumber(ARGV[8])
local found = read(state)
if not found or found.user ~= ARGV[6] then
    return {'unknown'}
end

local rules, names, tallies = nil, {}, {}
if ARGV[10] ~= '' then
    rules = {
        known_for = tonumber(ARGV[10]), most = tonumber(ARGV[11]), lock = tonumber(ARGV[12]), kept = tonumber(ARGV[13]),
        free = tonumber(ARGV[14]), fewest = tonumber(ARGV[15]), places = {},
    }
    local last_place = 16 + tonumber(ARGV[16])
    for place = 17, last_place do
        table.insert(rules.places, ARGV[place])
    end
    for place = last_place + 1, #ARGV do
        table.insert(names, ARGV[place])
    end
    table.insert(names, found.number_hash)
    local from = -math.huge
    for _, name in ipairs(names) do
        table.insert(tallies, read_tally(name))
        from = math.max(from, answer_from(tallies[#tallies], rules))
    end
    if from == math.huge then
        return {'locked', 'ever'}
    end
    if from > TURN then
        return {'locked', written(from - TURN)}
    end
end

-- The fields that say which names belong to one account: the number names all others, and they name it.
local function write_other_names(place)
    if place < #names then
        return 'o ' .. names[#names], '1'
    end
    local fields = {}
    for other = 1, #names - 1 do
        table.insert(fields, 'o ' .. names[other])
        table.insert(fields, '1')
    end
    return unpack(fields)
end

local function count_wrong()
    local told = {}
    for place, tally in ipairs(tallies) do
        local name, key, wrong = streak_of(tally, rules), PREFIX .. 'guesses:' .. tally.name, PREFIX .. 'wrong:' .. tally.name
        local streak = tally.streaks[name] or {r = 0, p = 0}
        tally.streaks[name], streak.r, streak.l = streak, streak.r + 1, TURN
        table.insert(tally.wrong, {at = TURN, place = name})
        redis.call('HSET', key, 'r ' .. name, streak.r, 'l ' .. name, written(TURN), write_other_names(place))
        redis.call('PERSIST', key)
        redis.call('RPUSH', wrong, written(TURN) .. ' ' .. name)
        redis.call('LTRIM', wrong, -200, -1)
        expire(wrong, DAY)
        watch(tally, rules)
        table.insert(told, write_tally(tally.name))
    end
    return told
end

-- The places that were proven last, as many as an account may have.
local function forget_places(tally)
    local known = {}
    for place, streak in pairs(tally.streaks) do
        if place ~= GENERAL then
            table.insert(known, {place = place, proven = streak.p})
        end
    end
    table.sort(known, function(one, other) return one.proven > other.proven end)
    for number, each in ipairs(known) do
        if number > MOST_PLACES or each.proven <= TURN - rules.known_for then
            redis.call('HDEL', PREFIX .. 'guesses:' .. tally.name, 'r ' .. each.place, 'l ' .. each.place, 'p ' .. each.place)
            tally.streaks[each.place] = nil
        end
    end
end

local function count_right()
    for place, tally in ipairs(tallies) do
        local name, key, here = streak_of(tally, rules), PREFIX .. 'guesses:' .. tally.name, rules.places[1]
        local general, own = tally.streaks[GENERAL], tally.streaks[here]
        if name == GENERAL and general and general.r > 0 then
            redis.call('HSET', key, 'r ' .. GENERAL, 0)
            general.r = 0
        end
        if not (own and own.r == 0 and TURN - PROOF_IS_FRESH < own.p and own.p <= TURN) then
            redis.call('HSET', key, 'r ' .. here, 0, 'p ' .. here, written(TURN), write_other_names(place))
            tally.streaks[here] = {r = 0, p = TURN}
            if name == GENERAL then
                forget_places(tally)
            end
        end
        keep_tally(tally)
        watch(tally, rules)
    end
end

if found.status == USED then
    return {'used'}
end
if found.status == EXHAUSTED then
    return {'spent', whole(found)}
end
if not is_alive(found) then
    return {'expired', whole(found)}
end
if most_tries and found.tries_left > most_tries then
    return {'raised'}
end
if found.seal == seal then
    redis.call('HSET', KEYS[1], 'status', USED, 'used_by', ARGV[9])
    count_right()
    return {'right', whole(found)}
end
local left = found.tries_left - 1
redis.call('HSET', KEYS[1], 'tries_left', left, 'status', left <= 0 and EXHAUSTED or OPEN)
return {left <= 0 and 'last' or 'wrong', whole(read(state)), left, written(TURN), count_wrong()}
