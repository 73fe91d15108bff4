-- Replays and rate windows of many requests in one round trip; requests are taken one after the other, in order.
-- ARGV per request: its token ('' = no replay check), milliseconds to remember it, number of limits, then limit and
-- window milliseconds for each limit. KEYS in the same order: the replay key (with a token only), then a key per limit.
-- Returns per request: -1, 0 (seen before) | 0, 0 (go) | n, milliseconds left (its n-th limit is reached).
-- A request that is refused by a limit is counted in none. The token tells a replay from our own second try after a
-- broken connection.
local answers = {}
local key, arg = 1, 1
while arg <= #ARGV do
  local token, keep_ms, limits = ARGV[arg], ARGV[arg + 1], tonumber(ARGV[arg + 2])
  arg = arg + 3
  local code, wait_ms = 0, 0
  if token ~= '' then
    if not redis.call('SET', KEYS[key], token, 'NX', 'PX', keep_ms) and redis.call('GET', KEYS[key]) ~= token then
      code = -1
    end
    key = key + 1
  end
  if code == 0 then
    for n = 1, limits do
      local count = tonumber(redis.call('GET', KEYS[key + n - 1]) or '0')
      if count >= tonumber(ARGV[arg + 2 * n - 2]) then
        code, wait_ms = n, redis.call('PTTL', KEYS[key + n - 1])
        break
      end
    end
  end
  if code == 0 then
    for n = 1, limits do
      if redis.call('INCR', KEYS[key + n - 1]) == 1 then
        redis.call('PEXPIRE', KEYS[key + n - 1], ARGV[arg + 2 * n - 1])
      end
    end
  end
  answers[#answers + 1] = code
  answers[#answers + 1] = wait_ms
  key = key + limits
  arg = arg + 2 * limits
end
return answers
