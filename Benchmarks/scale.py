"""What size and load change: Larder against itself. Each scenario can be run alone, by its name."""

import json
import os
import re
import resource
import signal
import socket
import threading
import time

import measures
import report
import store
from items import SLICE, payloads
from machine import describe
from processes import Failure, Program, eventually, run, stop_all
from report import ratio
from system_larder import POOL, Larder

MILLION = 1_000_000

# Items in a slice of the filling that claims go on beside. A slice is stored as a whole, and claims
# wait for that: the largest, of 2,000, holds them up for some 25 ms.
SMALL_SLICE = 500


class Scale:
    """`size` is the part of the issue's numbers of rows that is made: 1, or less for a try."""

    def __init__(self, program, workspace, size, rounds, seconds, say):
        self.program = program
        self.workspace = workspace
        self.size = size
        self.rounds = rounds
        self.seconds = seconds
        self.say = say
        self.machine = describe(workspace)
        self.goals = []  # name, the figures of the rounds, sense, goal
        self.notes = []
        self.running = []

    SCENARIOS = ["large", "fill", "beside", "overload", "idle", "edges"]

    def run(self, scenarios):
        for name in scenarios:
            self.say(f"scenario {name}")
            try:
                getattr(self, name)()
            finally:
                stop_all(self.running)
                self.running = []

    def goal(self, name, values, sense, goal):
        self.goals.append((name, values, sense, goal))
        self.say(f"{name}: {' '.join(map(ratio, values))}")

    def note(self, text):
        self.notes.append(text)
        self.say(text)

    # Stores

    def larder(self, name, items, claims, days=10):
        """A server's worth of files, with a store of so many items and past claims kept as its
        template. The claims are of the last `days`."""
        larder = Larder(self.program, self.workspace.folder(name))
        self.running.append(larder)
        larder.write_files(payloads(SLICE), keyed=False)
        lines = os.path.join(larder.folder, "first.jsonl")
        with open(lines, "w") as file:
            file.writelines(f'{{"payload": {payload}}}\n' for payload in payloads(3))
        with open(lines) as file:
            run([larder.program, "put", POOL, *larder.options()], stdin=file)
        larder.command("claim", POOL, "--user", "first")
        store.checkpoint(larder.store)
        began = time.monotonic()
        store.enlarge(larder.store, items, claims, days)
        larder.past = claims + 1
        self.say(f"a store of {items:,} items and {claims:,} past claims took "
                 f"{time.monotonic() - began:.0f} s")
        return larder

    def shelf(self, name):
        """A server with more on its shelf than the rounds of a scenario can take."""
        larder = self.larder(name, int(100_000 * self.seconds * (2 * self.rounds + 1)), 0)
        larder.start()
        return larder

    # Scenarios

    def large(self):
        """Ten million items and as many past claims, a million a day, against a small store."""
        small = self.larder("small", 100_000, 0)
        small.keep_template()
        items = int(10 * MILLION * self.size)
        large = self.larder("large", items, items)
        self.note(f"large: the store's file has {os.path.getsize(large.store) / 2**20:,.0f} MiB")
        self.note(f"large: ready after {large.start():.2f} s at its first start")
        ratios = []
        for _ in range(self.rounds):
            small.prepare([])
            base = small.load(64, 1)  # a second: there are only 100,000 items
            small.stop()
            measure = large.load(64, 1)
            ratios.append(measure.rate / base.rate)
            self.say(f"large {measure.rate:,.0f} claims/s, p99 {measure.p99:.2f} ms; "
                     f"small {base.rate:,.0f}, p99 {base.p99:.2f} ms")
        self.goal(f"claims with {items:,} items and past claims over 100,000 items", ratios, "≥", 0.8)
        self.goal(f"resident MiB with {items:,} items and past claims, after the rounds",
                  [large.server.resident_mib()], "≤", 256)
        self.goal("seconds until ready after kill -9 under load",
                  [self.killed(large) for _ in range(3)], "≤", 3)
        self.goal("resident MiB after that", [large.server.resident_mib()], "≤", 256)
        large.stop()
        began = time.monotonic()
        run([large.program, "verify", "--store", f"sqlite:{large.store}"])
        self.note(f"large: larder verify passed, in {time.monotonic() - began:.0f} s")

    def killed(self, larder):
        """Kills the server under load, and gives the seconds until a new one is ready."""
        with Program(larder.wrk(64, 5), larder.folder):
            time.sleep(1.5)
            larder.stop(signal.SIGKILL)
        return larder.start()

    def fill(self):
        """Claims beside the filling of a million items, and the filling beside claims."""
        count = int(MILLION * self.size)
        larder = Larder(self.program, self.workspace.folder("fill"), SMALL_SLICE)
        self.running.append(larder)
        larder.write_files(payloads(count), keyed=False)
        solo = larder.fill_anew(count)
        self.note(f"fill: {solo:,.0f} items/s alone")
        larder.start()
        rates, tails, fills = [], [], []
        for _ in range(self.rounds):
            alone = larder.load(64, self.seconds)
            with Filling(larder, count) as filling:
                before, began = filling.produced(), time.monotonic()
                beside = larder.load(64, self.seconds)
                fill = (filling.produced() - before) / (time.monotonic() - began)
                if filling.state() != "running":
                    raise Failure("the filling ended before the claims: make --seconds less")
            rates.append(beside.rate / alone.rate)
            tails.append(beside.p99 / alone.p99)
            fills.append(fill / solo)
            self.say(f"claims alone {alone.rate:,.0f}/s, p99 {alone.p99:.2f} ms; beside a filling "
                     f"of {fill:,.0f} items/s {beside.rate:,.0f}/s, p99 {beside.p99:.2f} ms")
        self.goal("claims beside a filling over claims alone", rates, "≥", 0.6)
        self.goal("their p99 likewise", tails, "≤", 2.5)
        self.goal("the filling's rate beside claims over that alone", fills, "≥", 0.25)
        larder.verify()

    def beside(self):
        """Claims beside reports, a reader of another program that goes through all items, and the expiry
        of a million items of another pool. They share two processors with it all: no goal is set."""
        count = int(MILLION * self.size)
        larder = self.larder("beside", int(50_000 * self.seconds * (4 * self.rounds + 1)), 0)
        larder.write_schedule("old")
        with open(os.path.join(larder.folder, "first.jsonl")) as file:
            run([larder.program, "put", "old", *larder.options()], stdin=file)
        store.checkpoint(larder.store)
        # What comes before it takes a quarter longer than the loads by themselves.
        wait = 5 * self.seconds * self.rounds + 20
        expiry = time.time() + wait + count / 100_000
        store.add_expiring(larder.store, "old", count, int(expiry * 1000))
        larder.start()
        larder.load(64, 1)
        base = [larder.load(64, self.seconds) for _ in range(self.rounds)]
        with Reports(larder) as reports:
            self.compare("reports", base, larder)
        self.note(f"beside: {reports.count} reports were read")
        with Program(["sh", "-c", SCAN, "scan", larder.store], larder.folder):
            self.compare("a reader that goes through all items", base, larder)
        time.sleep(max(0, expiry + 1 - time.time()))
        # A level counts what has expired, whether or not it was taken from the shelf.
        before = store.expired(larder.store, "old")
        self.compare(f"the expiry of {count:,} items", base, larder)
        after = store.expired(larder.store, "old")
        if not before < after < count:
            raise Failure(f"{before:,} items had expired before the claims and {after:,} after")
        self.note(f"beside: {after - before:,} items were expired meanwhile")
        eventually("the expiry", lambda: store.expired(larder.store, "old") == count, 600)
        larder.verify()

    def compare(self, what, base, larder):
        """Notes claims beside something against claims alone."""
        beside = [larder.load(64, self.seconds) for _ in base]
        rates = [one.rate / other.rate for one, other in zip(beside, base)]
        tails = [one.p99 / other.p99 for one, other in zip(beside, base)]
        self.note(f"claims beside {what}: {' '.join(map(ratio, rates))} of those alone, p99 "
                  f"{' '.join(map(ratio, tails))} times")

    def overload(self):
        """Four times the connections."""
        larder = self.shelf("overload")
        ratios, refused = [], 0
        for _ in range(self.rounds):
            once = larder.load(256, self.seconds)
            four = larder.load(1024, self.seconds, refusals=True)
            ratios.append(four.rate / once.rate)
            refused += four.notes["refused"]
            self.say(f"256 connections {once.rate:,.0f} claims/s, p99 {once.p99:.2f} ms; 1,024 "
                     f"{four.rate:,.0f}, p99 {four.p99:.2f} ms")
        self.goal("claims with 1,024 connections over 256", ratios, "≥", 1.0)
        self.note(f"overload: {refused} requests were refused")
        self.crowd(larder)
        larder.verify()

    def crowd(self, larder, places=256):
        """Four times as many clients as there may be connections. Those that find no place are
        told when to come again, and do."""
        larder.stop()
        larder.start(connections=places)
        ratios, waits = [], []
        for _ in range(self.rounds):
            # One of the load may find its place taken at first, and comes again at once.
            alone = larder.load(places, self.seconds, refusals=True)
            with Crowd(larder, 3 * places) as crowd:
                beside = larder.load(places, self.seconds, refusals=True)
            ratios.append(beside.rate / alone.rate)
            waits.append(measures.percentile(crowd.waits, 99))
            self.say(f"{places} connections {alone.rate:,.0f} claims/s; beside {3 * places} clients "
                     f"without a place {beside.rate:,.0f}, {len(crowd.waits)} refusals, p99 "
                     f"{waits[-1]:.1f} ms")
        self.goal(f"claims beside {3 * places} refused clients over claims without", ratios, "≥", 1.0)
        self.goal("milliseconds until a client was refused, p99", waits, "≤", 100)

    def idle(self, count=5000):
        """Thousands of connections that are kept and not used."""
        if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < count + 200:
            raise Failure(f"this process may not open {count} files: raise `ulimit -Hn`")
        larder = self.shelf("idle")
        ratios, memory, processor = [], [], []
        before = None
        for _ in range(self.rounds):
            base = larder.load(64, self.seconds)
            before = before or larder.server.resident_mib()
            connections = open_idle(larder.port, count)
            try:
                memory.append(larder.server.resident_mib() - before)
                processor.append(used(larder, 3))
                beside = larder.load(64, self.seconds)
            finally:
                for connection in connections:
                    connection.close()
            ratios.append(beside.rate / base.rate)
            self.say(f"without {base.rate:,.0f} claims/s, with {beside.rate:,.0f}")
        self.goal(f"claims beside {count:,} idle connections over claims without", ratios, "≥", 0.95)
        self.goal("processor time that they take, in percent of one", processor, "≤", 1)
        self.note("idle: resident MiB more with them, by round: " + " ".join(map(ratio, memory)))
        larder.verify()

    def edges(self):
        """Requests that are not plain claims, against these."""
        larder = self.larder("edges", int(100_000 * self.seconds * self.rounds), 0)
        larder.write_schedule("empty")
        larder.write_schedule("many", per_user=0)
        late = [f"late-{number}" for number in range(self.rounds)]  # a pool holds 100,000 backorders
        for pool in late:
            larder.write_schedule(pool)
        count = 300_000 * self.seconds * self.rounds
        larder.write_parts(payloads(count))
        larder.command("prefill", "many", "--count", str(count))
        larder.start()
        for pool in ["empty", *late]:
            larder.request("POST", f"/v1/pools/{pool}/pause")  # its producer stays idle
        kinds = [
            ("repeats, of 1,000 users", [POOL], ["", 1000], "claimed", None),
            ("misses", ["empty"], [], "claimed", 0),
            ("unknown pools", ["nowhere"], [], None, 0),
            ("items by ten a claim", ["many"], [',"count":10'], "claimed", 10),
            ("backorders", late, [',"on_miss":"backorder"'], "pending", 1),
        ]
        ratios = {name: [] for name, *_ in kinds}
        for number in range(self.rounds):
            base = larder.load(64, self.seconds)
            for name, pools, arguments, state, items in kinds:
                pool = pools[number % len(pools)]
                rate = self.edge(larder, pool, arguments, state, items)
                ratios[name].append(rate / base.rate)
                self.say(f"{name}: {rate:,.0f}/s, claims {base.rate:,.0f}/s")
        for name, values in ratios.items():
            self.goal(f"{name} over claims", values, "≥", 1.0)
        larder.stop()
        run([larder.program, "verify", "--store", f"sqlite:{larder.store}"])

    def edge(self, larder, pool, arguments, state, items):
        """The rate of answers, or of items where an answer brings several. `items` is how many an
        answer moves into `state`: none, where all are refused, or unknown of repeats."""
        before = larder.claimed(pool, state) if state else 0
        seconds = 1 if state == "pending" else self.seconds
        with Program(larder.wrk(64, seconds, pool, *arguments), larder.folder) as program:
            measure = measures.of_wrk(program.finish(), 64, refusals=True)
        moved = (larder.claimed(pool, state) if state else 0) - before
        refused = measure.notes["refused"]
        if items is None:
            right = refused == 0 and moved <= 1000
        elif items == 0:
            right = measure.claims == 0 and moved == 0
        else:
            right = refused == 0 and 0 <= moved - items * measure.claims <= items * 64
        if not right:
            raise Failure(
                f"{pool}: {measure.claims} answers 2xx, {refused} others, {moved} items {state}")
        return (measure.claims + refused) / measure.seconds * max(1, items or 1)

    # Results

    def text(self):
        return "\n\n".join([
            f"# Size and load, {self.machine['date']}, {self.machine['host']}",
            report.facts(self.machine),
            f"{self.rounds} rounds of {self.seconds} s, at {self.size:g} of the full size, with 64 "
            "connections where nothing else is said.",
            report.goals(self.goals),
            "\n".join(f"- {note}" for note in self.notes)])

    def data(self):
        return {"size": self.size, "goals": self.goals, "notes": self.notes}


# Goes through all items, again and again.
SCAN = """\
while sqlite3 -readonly "$1" "SELECT count(*), sum(length(payload)), count(claim) FROM inventory"
do :; done
"""


class Beside:
    """What goes on beside a load, on a thread of its own, until the load is over."""

    def __init__(self, what):
        self.what = what
        self.failure = None
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, kind, *_):
        self.over.set()
        self.thread.join()
        if self.failure and not kind:
            raise self.failure

    def run(self):
        try:
            while not self.over.is_set():
                self.turn()
        except (OSError, Failure) as failure:
            self.failure = Failure(f"{self.what}: {failure}")


class Reports(Beside):
    """Reads levels, demand, misses, waste and a plan, one after the other."""

    PATHS = ["/v1/levels", "/v1/waste", "/metrics"] + [
        f"/v1/pools/{POOL}/{name}" for name in ["demand", "misses", "waste", "plan"]]

    def __init__(self, larder):
        super().__init__("a report")
        self.larder = larder
        self.count = 0

    def turn(self):
        path = self.PATHS[self.count % len(self.PATHS)]
        status, _ = self.larder.exchange("GET", path)
        if status != 200:
            raise Failure(f"GET {path} was answered {status}")
        self.count += 1


class Filling:
    """A run that fills the pool of a running server, from its first slice to its end."""

    def __init__(self, larder, count):
        self.larder = larder
        before = self.produced()
        status, answer = larder.request(
            "POST", f"/v1/pools/{POOL}/runs", json.dumps({"count": count}))
        if status != 202:
            raise Failure(f"a run was answered {status}")
        self.run = answer["run"]
        eventually("the first slice", lambda: self.produced() > before)

    def produced(self):
        return self.larder.level()["produced"]

    def state(self):
        return self.larder.get(f"/v1/runs/{self.run}")["state"]

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind:
            return
        eventually("the run's end", lambda: self.state() not in ["queued", "running"], 600)
        if self.state() != "succeeded":
            raise Failure(f"the run that fills is {self.state()}")


class Crowd(Beside):
    """Clients that come to a server whose connections are all taken: one after the other, and each as
    soon as it may again. Its answer must be 503 with Retry-After."""

    def __init__(self, larder, clients):
        super().__init__("a client without a place")
        self.larder = larder
        self.again = [0.0] * clients
        self.waits = []  # milliseconds until each refusal

    def turn(self):
        for client, moment in enumerate(self.again):
            if self.over.wait(max(0, moment - time.monotonic())):
                return
            self.again[client] = time.monotonic() + self.ask()

    def ask(self):
        """Seconds after which the client may come again: those that it was told."""
        began = time.monotonic()
        with socket.create_connection(("127.0.0.1", self.larder.port), timeout=30) as connection:
            connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = connection.recv(4096).decode()
        if answer.startswith("HTTP/1.1 200"):
            return 0.01  # the load has not begun yet, or is over
        found = re.search(r"^retry-after: (\d+)\r$", answer, re.M | re.I)
        if not answer.startswith("HTTP/1.1 503") or not found:
            raise Failure(f"it was answered {answer[:200]!r}")
        self.waits.append((time.monotonic() - began) * 1000)
        return int(found[1])


def open_idle(port, count):
    """Connections that have made one request each and now wait."""
    connections = []
    for _ in range(count):
        connection = socket.create_connection(("127.0.0.1", port), timeout=30)
        connections.append(connection)
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        if not connection.recv(4096).startswith(b"HTTP/1.1 200"):
            raise Failure(f"connection {len(connections)} was not served")
    return connections


def used(larder, seconds):
    """Percent of one processor that the server takes by itself."""
    before = larder.server.cpu_seconds()
    time.sleep(seconds)
    return (larder.server.cpu_seconds() - before) / seconds * 100
