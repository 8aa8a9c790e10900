-- For wrk: asks for the paths in the file BENCH_PATHS in turn, and tells what came of it in one line.
local paths, at = {}, 0
for line in io.lines(os.getenv("BENCH_PATHS")) do paths[#paths + 1] = line end

request = function()
  at = at % #paths + 1
  return wrk.format("GET", paths[at], {["Accept-Encoding"] = "gzip"})
end

done = function(summary, latency, requests)
  local wrong = summary.errors
  io.write(string.format("RESULT %d %f %f %d\n", summary.requests, summary.duration / 1e6,
    latency:percentile(95) / 1e3, wrong.connect + wrong.read + wrong.write + wrong.status + wrong.timeout))
end
