"""What load generators print, as measures."""

import json
import re
from dataclasses import dataclass, field

from processes import Failure


@dataclass
class Measure:
    """One run of one system with a number of clients. Latencies are milliseconds."""

    claims: int  # that were answered as granted
    seconds: float
    p50: float
    p99: float
    p999: float
    cpu_per_1000: float = 0.0  # seconds of the server's processor time per 1,000 claims
    memory_mib: float = 0.0
    unanswered: int = 0  # requests that may be under way when the load ends
    notes: dict = field(default_factory=dict)

    @property
    def rate(self):
        return self.claims / self.seconds

    def spent(self, load):
        self.cpu_per_1000 = load.cpu_seconds / self.claims * 1000 if self.claims else 0.0
        self.memory_mib = load.memory_mib
        return self


def of_wrk(output, connections, refusals=False):
    """From the line that claims.lua prints. Any answer that is not 2xx is a failure, unless
    `refusals` are expected: then they are left out of the claims."""
    found = re.search(r"^RESULT (.*)$", output, re.M)
    if not found:
        raise Failure(f"wrk printed no result: {output[-500:]}")
    result = json.loads(found[1])
    errors = result["errors"]
    broken = {name: count for name, count in errors.items() if count and name != "status"}
    if broken or (errors["status"] and not refusals):
        raise Failure(f"wrk met errors, or an empty shelf: {errors} of {result['requests']} "
                      "requests; --items makes the shelves larger")
    return Measure(
        claims=result["requests"] - errors["status"], seconds=result["micros"] / 1e6,
        p50=result["p50"] / 1000, p99=result["p99"] / 1000, p999=result["p999"] / 1000,
        unanswered=connections, notes={"refused": errors["status"]})


def of_redis_benchmark(output):
    """From its full report. It has no p99.9: the first step of its distribution at or above it
    counts, which is 99.902 %."""
    requests = re.search(r"(\d+) requests completed in ", output)
    rate = re.search(r"throughput summary: ([\d.]+) requests per second", output)
    if not requests or not rate:
        raise Failure(f"redis-benchmark printed no result: {output[-500:]}")
    if re.search(r"^Error|ERR ", output, re.M):
        raise Failure(f"redis-benchmark met errors: {output[-500:]}")
    distribution = [
        (float(share), float(latency))
        for share, latency in re.findall(r"^([\d.]+)% <= ([\d.]+) milliseconds \(cum", output, re.M)
    ]
    summary = re.search(r"avg\s+min\s+p50\s+p95\s+p99\s+max\s*\n\s*([\d. ]+)", output)
    if not distribution or not summary:
        raise Failure(f"redis-benchmark printed no latencies: {output[-500:]}")
    _, _, p50, _, p99, _ = map(float, summary[1].split())
    claims = int(requests[1])
    return Measure(
        claims=claims, seconds=claims / float(rate[1]), p50=p50, p99=p99,
        p999=next(latency for share, latency in distribution if share >= 99.9))


def of_pgbench(output, latencies):
    """From its summary, and from the microseconds of each transaction in its log."""
    processed = re.search(r"number of transactions actually processed: (\d+)", output)
    rate = re.search(r"tps = ([\d.]+) \(without initial connection time\)", output)
    if not processed or not rate:
        raise Failure(f"pgbench printed no result: {output[-500:]}")
    failed = re.search(r"number of failed transactions: (\d+)", output)
    if failed and int(failed[1]):
        raise Failure(f"pgbench met {failed[1]} failed transactions")
    claims = int(processed[1])
    if not claims:
        raise Failure("pgbench finished no transaction")
    return Measure(
        claims=claims, seconds=claims / float(rate[1]), p50=percentile(latencies, 50) / 1000,
        p99=percentile(latencies, 99) / 1000, p999=percentile(latencies, 99.9) / 1000)


def percentile(values, share):
    """The smallest value that at least `share` percent are not above."""
    ordered = sorted(values)
    if not ordered:
        raise Failure("there are no latencies")
    rank = -(-len(ordered) * share // 100)
    return ordered[max(0, int(rank) - 1)]
