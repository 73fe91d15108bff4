-- Replays and rate windows of many requests in one round trip; requests are taken one after the other, in order.
-- ARGV[1]: MessagePack list with, per request, {token ('' = no replay check), milliseconds to remember it, limits}, where
-- limits is a list of {limit, window milliseconds}. KEYS in the same order: the replay key (with a token only), then a
-- key per limit.
-- Returns per request: -1, 0 (seen before) | 0, 0 (go) | n, milliseconds left (its n-th limit is reached).
-- A request that is refused by a limit is counted in none. The token tells a replay from our own second try after a
-- broken connection.
local answers = {}
local before = 0
for _, request in ipairs(cmsgpack.unpack(ARGV[1])) do
  local token, keep_ms, limits = request[1], request[2], request[3]
  local code, wait_ms = 0, 0
  if token ~= '' then
    before = before + 1
    if not redis.call('SET', KEYS[before], token, 'NX', 'PX', keep_ms) and redis.call('GET', KEYS[before]) ~= token then
      code = -1
    end
  end
  if code == 0 then
    for n, limit in ipairs(limits) do
      if tonumber(redis.call('GET', KEYS[before + n]) or '0') >= limit[1] then
        code, wait_ms = n, redis.call('PTTL', KEYS[before + n])
        break
      end
    end
  end
  if code == 0 then
    for n, limit in ipairs(limits) do
      if redis.call('INCR', KEYS[before + n]) == 1 then
        redis.call('PEXPIRE', KEYS[before + n], limit[2])
      end
    end
  end
  answers[#answers + 1] = code
  answers[#answers + 1] = wait_ms
  before = before + #limits
end
return answers
