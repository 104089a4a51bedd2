-- Claims one item a request, each for a user that nobody had before. Users come in no order, as
-- they do in life: a store that sorts them gets no help from the load.
-- Usage: wrk … -s claims.lua URL -- POOL RUN [MEMBERS [USERS]], where RUN differs from one run to the
-- next, MEMBERS are further ones of the request's object, each after a comma, and so many USERS
-- claim again and again.

local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

function init(args)
  path = "/v1/pools/" .. args[1] .. "/claims"
  local tail = string.format("%s%d", args[2], number)
  math.randomseed(os.time() + number * 7919)
  for _ = 1, #tail do math.random() end
  local body = '{"user":"u-%08x-' .. tail .. '-%08d"' .. (args[3] or "") .. '}'
  local length = #string.format(body, 0, 0)
  request_format = "POST " .. path .. " HTTP/1.1\r\nHost: " .. wrk.host .. ":" .. wrk.port
    .. "\r\nContent-Type: application/json\r\nContent-Length: " .. length .. "\r\n\r\n" .. body
  users = tonumber(args[4])
  counter = 0
end

function request()
  counter = counter + 1
  if users then return string.format(request_format, 0, counter % users) end
  return string.format(request_format, math.random(0, 0x7fffffff), counter)
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"requests": %d, "micros": %d, "bytes": %d, "p50": %.1f, "p99": %.1f, "p999": %.1f, '
      .. '"errors": {"connect": %d, "read": %d, "write": %d, "status": %d, "timeout": %d}}\n',
    summary.requests, summary.duration, summary.bytes, latency:percentile(50),
    latency:percentile(99), latency:percentile(99.9), errors.connect, errors.read, errors.write,
    errors.status, errors.timeout))
end
