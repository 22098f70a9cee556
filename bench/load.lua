-- Sends prepared requests in turn and reports as one line of JSON.
--
--     wrk -t1 ... -s load.lua URL -- REQUESTS
--
-- REQUESTS holds records of "<length>\n<bytes>": everything after the Host header, made by bench/traffic.py.
-- With BENCH_CHECK in the environment every answer is read and must be a 200 whose body holds "result" and no refusal. Without it wrk only looks at
-- the status, because reading answers in Lua would cost the load generator more than the proxy under test spends on them.

local requests, count, at = {}, 0, 0
local threads = {}
bad, sample = 0, ""

function setup(thread)
   table.insert(threads, thread)
end

local function read_requests(path, host)
   local file = assert(io.open(path, "rb"))
   local start = "POST " .. wrk.path .. " HTTP/1.1\r\nHost: " .. host .. "\r\n"
   while true do
      local length = file:read("*l")
      if not length then break end
      count = count + 1
      requests[count] = start .. file:read(tonumber(length))
   end
   file:close()
   assert(count > 0, "no requests in " .. path)
end

local function checked(status, _, body)
   local good = status == 200 and body:find('"result":', 1, true) and not body:find('"isError":true', 1, true)
   if good then return end
   bad = bad + 1
   if sample == "" then sample = status .. " " .. body:sub(1, 300) end
end

function init(args)
   read_requests(args[1], wrk.host .. ":" .. wrk.port)
end

function request()
   at = at % count + 1
   return requests[at]
end

-- wrk decides when it loads the script, before any argument reaches it, whether it has to parse answers at all.
if os.getenv("BENCH_CHECK") then response = checked end

local function quoted(text)
   return '"' .. text:gsub('[%c"\\]', function(c) return string.format("\\u%04x", c:byte()) end) .. '"'
end

function done(summary, latency, _)
   local failed, first = 0, ""
   for _, thread in ipairs(threads) do
      failed = failed + thread:get("bad")
      if first == "" then first = thread:get("sample") end
   end
   local e = summary.errors
   io.write(string.format(
      'REPORT {"requests":%d,"seconds":%.6f,"p50_us":%.1f,"p99_us":%.1f,"bytes":%d,"bad":%d,"status":%d,"socket":%d,"timeout":%d,"sample":%s}\n',
      summary.requests, summary.duration / 1e6, latency:percentile(50), latency:percentile(99), summary.bytes,
      failed, e.status, e.connect + e.read + e.write, e.timeout, quoted(first)))
end
