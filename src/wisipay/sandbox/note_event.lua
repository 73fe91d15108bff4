-- Puts an event into its merchant's list, once: KEYS the list, its counter, the pointer of the event's id.
-- ARGV the member, now in Unix milliseconds, seconds for which all is kept, longest list, what the pointer says.
-- A counter that was lost goes on at the present time: no place that a reader has reached comes again.
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then
  return 0
end
if redis.call('EXISTS', KEYS[2]) == 0 then
  redis.call('SET', KEYS[2], ARGV[2])
end
local place = redis.call('INCR', KEYS[2])
redis.call('ZADD', KEYS[1], place, ARGV[1])
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -ARGV[4] - 1)
redis.call('SET', KEYS[3], ARGV[5], 'EX', ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('EXPIRE', KEYS[2], ARGV[3])
return place
