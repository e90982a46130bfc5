-- One thread of wrk: takes the next path of a list in turn, with a new Idempotency-Key for each POST, and prints what it
-- counted as one line of JSON. Arguments: method, file with a path a line, requests a second (0: as many as there are
-- answers), body.
local paths, method, body, sent, rate, due = {}, "GET", nil, 0, 0, nil
local ffi = require("ffi")
ffi.cdef("typedef struct { long s; long us; } moment; int gettimeofday(moment *now, void *zone);")
local moment = ffi.new("moment")

local function now_ms()
   ffi.C.gettimeofday(moment, nil)
   return tonumber(moment.s) * 1000 + tonumber(moment.us) / 1000
end

-- The milliseconds until the next request of a rate is due. Requests that could not be sent in time are sent at once.
local function until_due()
   due = due and due + 1000 / rate or now_ms()
   return math.max(0, math.floor(due - now_ms()))
end

function init(args)
   method, rate, body = args[1], tonumber(args[3]), args[4]
   if rate > 0 then delay = until_due end
   for path in io.lines(args[2]) do paths[#paths + 1] = path end
   math.randomseed(os.time())
   sent = math.random(1, 1000) * 1000000
   run = string.format("%d-%d", os.time(), math.random(1, 1000000000))
   if body then wrk.headers["Content-Type"] = "application/json" end
end

function request()
   sent = sent + 1
   if method ~= "GET" then wrk.headers["Idempotency-Key"] = run .. "-" .. sent end
   return wrk.format(method, paths[sent % #paths + 1], nil, body)
end

function done(summary, latency, requests)
   local errors = summary.errors
   print(string.format(
      '{"per_s": %.1f, "p50_ms": %.3f, "p99_ms": %.3f, "requests": %d, "failed": %d}',
      summary.requests / summary.duration * 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
      summary.requests, errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
