-- breaker.admit inside Redis, so that all processes share one circuit and one of them gets the trial.
-- KEYS[1] the circuit. ARGV: trial milliseconds, milliseconds to remember it, now in Unix milliseconds ('' = Redis's own clock).
-- Returns {allowed 0|1, generation, milliseconds until the next trial, failures in a row}.
local now = tonumber(ARGV[3])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local circuit = redis.call('HMGET', KEYS[1], 'generation', 'blocked_until_ms', 'failures')
local generation = tonumber(circuit[1] or 0)
local blocked_until = tonumber(circuit[2] or 0)
local failures = tonumber(circuit[3] or 0)
if blocked_until == 0 then
  return {1, generation, 0, failures}
end
if now < blocked_until then
  return {0, generation, blocked_until - now, failures}
end
redis.call('HSET', KEYS[1], 'generation', generation + 1, 'blocked_until_ms', now + tonumber(ARGV[1]))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return {1, generation + 1, 0, failures}
