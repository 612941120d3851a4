-- Put a message of no challenge on the queue, unless that is full.
--
-- KEYS[1]  the queue
-- ARGV[5]  what stands for its State, ARGV[6] "queue N"
-- ARGV[7], ARGV[8], ARGV[9]  site, end and sealed text of the message

if not is_queue_full(ARGV[6]) then
    keep_message(ARGV[5], 0, ARGV[6], ARGV[7], ARGV[8], ARGV[9])
end
return nil
