-- Whether calls on a circuit are held back now, changing nothing.
-- KEYS[1] the circuit. ARGV: now in Unix milliseconds ('' = Redis's own clock). Returns 0 or 1.
local blocked_until = tonumber(redis.call('HGET', KEYS[1], 'blocked_until_ms') or 0)
if blocked_until == 0 then
  return 0
end
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
return now < blocked_until and 1 or 0
