-- breaker.report inside Redis.
-- KEYS[1] the circuit. ARGV: generation, success 0|1, failures to open, open milliseconds, milliseconds to remember it,
-- now in Unix milliseconds ('' = Redis's own clock). Returns 1 when this report opened the circuit, else 0.
local circuit = redis.call('HMGET', KEYS[1], 'failures', 'generation', 'blocked_until_ms')
local failures = tonumber(circuit[1] or 0)
local generation = tonumber(circuit[2] or 0)
local blocked_until = tonumber(circuit[3] or 0)
if generation ~= tonumber(ARGV[1]) then
  return 0
end
if ARGV[2] == '1' then
  if failures > 0 or blocked_until > 0 then
    redis.call('HSET', KEYS[1], 'failures', 0, 'blocked_until_ms', 0)
  end
  return 0
end
failures = failures + 1
if failures < tonumber(ARGV[3]) then
  redis.call('HSET', KEYS[1], 'failures', failures, 'generation', generation, 'blocked_until_ms', 0)
  redis.call('PEXPIRE', KEYS[1], ARGV[5])
  return 0
end
local now = tonumber(ARGV[6])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
redis.call('HSET', KEYS[1], 'failures', failures, 'generation', generation + 1, 'blocked_until_ms', now + tonumber(ARGV[4]))
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return 1
