-- Return messages that belong to an owner without its knowing.
--
-- KEYS[1]  the messages of the owner
-- ARGV[5]  owner, ARGV[6] 1 if it also asks for all that it has taken over, ARGV[7] ... those that it asks for, as STATE:N
--
-- Returns each as `add` has it from `write_out`.

local found, asked = {}, {}
local function look(name, is_asked)
    local fields, gateways = read_message(name)
    if fields and fields.owner == ARGV[5] and (is_asked or fields.from ~= '') then
        return write_out(name, fields, gateways)
    end
end

for place = 7, #ARGV do
    asked[ARGV[place]] = true
    add(found, ARGV[place], look, true)
end
if ARGV[6] == '1' then
    for _, name in ipairs(redis.call('SMEMBERS', KEYS[1])) do
        if not asked[name] then
            add(found, name, look, false)
        end
    end
end
return found
