-- Put a message without a challenge on the queue, unless it may not wait there.
--
-- KEYS[1]  the queue
-- ARGV[5]  what stands for its State, ARGV[6] the queue; see `read_queue`
-- ARGV[7], ARGV[8], ARGV[9]  site, end and sealed text of the message

if not refuse_for_queue(ARGV[6]) then
    keep_message(ARGV[5], 0, ARGV[6], ARGV[7], ARGV[8], ARGV[9])
end
return nil
