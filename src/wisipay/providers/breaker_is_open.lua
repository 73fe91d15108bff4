-- Whether calls on a circuit are held back now, changing nothing.
-- KEYS[1] the circuit. ARGV: now in Unix milliseconds ('' = Redis's own clock).
-- Returns {open 0|1, generation, failures in a row}.
local circuit = redis.call('HMGET', KEYS[1], 'generation', 'blocked_until_ms', 'failures')
local generation = tonumber(circuit[1] or 0)
local blocked_until = tonumber(circuit[2] or 0)
local failures = tonumber(circuit[3] or 0)
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
return {now < blocked_until and 1 or 0, generation, failures}
