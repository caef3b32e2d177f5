"""What is done inside Valkey, in one step each: Lua scripts (https://valkey.io/topics/eval-intro/).

A window is a list of the times at which messages were counted, in microseconds of Valkey's own clock,
oldest first, and never longer than its limit: the message is over the limit when the list is full and
its oldest entry still lies inside the window. That is exact at any moment, unlike fixed periods (twice
the limit at their border) and unlike weighted ones.
"""

# KEYS: windows. ARGV: for each its limit and its length in microseconds.
# Returns the number of the first window that is full (0: none, and it is counted in all), and the time.
# An entry from the future is of a clock that was set back since; it must not refuse mail until then.
ADMIT = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
for i, key in ipairs(KEYS) do
  local limit, length = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local oldest = redis.call('LINDEX', key, -limit)
  if oldest then
    oldest = tonumber(oldest)
    if oldest > now - length and oldest <= now then return {i, now} end
  end
end
local written = string.format('%.0f', now)
for i, key in ipairs(KEYS) do
  redis.call('RPUSH', key, written)
  redis.call('LTRIM', key, -ARGV[2 * i - 1], -1)
  redis.call('PEXPIRE', key, math.ceil(ARGV[2 * i] / 1000))
end
return {0, now}
"""

# KEYS: windows. ARGV: the time of the message to take out of each. Entries of one time are alike.
TAKE_BACK = """
for _, key in ipairs(KEYS) do redis.call('LREM', key, -1, ARGV[1]) end
"""

# KEYS: one hash. ARGV: most fields it may have, seconds it lives, then fields and what to add to each.
# What finds no room is added to the field called like its first letter.
ADD_UP = """
local room = ARGV[1] - redis.call('HLEN', KEYS[1])
for i = 3, #ARGV, 2 do
  local field = ARGV[i]
  if redis.call('HEXISTS', KEYS[1], field) == 0 then
    if room > 0 then room = room - 1 else field = string.sub(field, 1, 1) end
  end
  redis.call('HINCRBY', KEYS[1], field, ARGV[i + 1])
end
redis.call('EXPIRE', KEYS[1], ARGV[2])
"""
