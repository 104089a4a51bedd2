"""Larder as its users have it: `larder serve`, claims over HTTP, each on disk before its answer."""

import http.client
import json
import os
import resource
import shutil
import signal
import time
import uuid

import measures
import store
from items import SLICE, write_parts
from processes import Failure, Load, Program, Server, free_port, run

POOL = "codes"
DIRECTORY = os.path.dirname(os.path.abspath(__file__))

# Open files that the server keeps for itself (HTTPLimits.reservedFiles).
RESERVED_FILES = 128

# Nothing is produced but what a benchmark asks for: the shelf is never below its target.
SCHEDULE = """\
pool: {pool}
producer:
  command: [./copy-part, {parts}]
  slice: {slice}
stock: {{target: 1, max: 100000000}}
claims: {{per_user: {per_user}}}
"""

# The fastest producer there is: what it prints was made before.
PRODUCER = """\
#!/bin/sh
exec cat "$1/$LARDER_SLICE"
"""


class Larder:
    name = "larder"

    def __init__(self, program, folder, slice=SLICE):
        self.program = program
        self.folder = folder
        self.slice = slice
        self.store = os.path.join(folder, "larder.db")
        self.template = os.path.join(folder, "template.db")
        self.schedules = os.path.join(folder, "Schedules")
        self.parts = os.path.join(folder, "parts")
        self.server = None
        self.port = None
        self.past = 0  # claims that the store began with
        self.legs = []  # what was claimed since then

    def write_files(self, items, keyed):
        """The schedule file, its producer, and what it prints."""
        os.makedirs(self.schedules, exist_ok=True)
        self.write_schedule(POOL)
        producer = os.path.join(self.schedules, "copy-part")
        with open(producer, "w") as file:
            file.write(PRODUCER)
        os.chmod(producer, 0o755)
        self.write_parts(items, keyed)

    def write_parts(self, items, keyed=False):
        shutil.rmtree(self.parts, ignore_errors=True)
        write_parts(self.parts, items, keyed, self.slice)

    def write_schedule(self, pool, per_user=1):
        with open(os.path.join(self.schedules, f"{pool}.yaml"), "w") as file:
            file.write(SCHEDULE.format(
                pool=pool, parts=self.parts, slice=self.slice, per_user=per_user))

    # The store

    def options(self):
        return ["--store", f"sqlite:{self.store}", "--schedules", self.schedules]

    def command(self, *words):
        return run([self.program, *words, *self.options()])

    def remove_store(self):
        for suffix in ["", "-wal", "-shm", ".sock", ".lock"]:
            if os.path.exists(self.store + suffix):
                os.remove(self.store + suffix)

    def fill_anew(self, count):
        """A new store, filled by one run of the producer; gives how many items a second."""
        self.remove_store()
        answer = json.loads(self.command("prefill", POOL, "--count", str(count), "--json"))
        if answer["state"] != "succeeded" or answer["stored"] != count:
            raise Failure(f"the run that fills the shelf is {answer}")
        return count / store.run_seconds(self.store, answer["run"])

    def keep_template(self):
        """Keeps the store as it is, for every round to start with. No server runs."""
        store.checkpoint(self.store)
        os.replace(self.store, self.template)
        self.remove_store()

    def prepare(self, _items):
        """The server, on a fresh copy of the filled store."""
        self.stop()
        self.remove_store()
        shutil.copyfile(self.template, self.store)
        os.sync()
        self.start()
        self.legs = []

    # The server

    def start(self, connections=None):
        """Starts the server and gives the seconds until it was ready. It may have so many
        `connections`, or as many as it wants."""
        options = {}
        if connections:
            files = connections + RESERVED_FILES
            options["preexec_fn"] = lambda: resource.setrlimit(
                resource.RLIMIT_NOFILE, (files, files))
        self.port = free_port()
        began = time.monotonic()
        self.server = Server(
            [self.program, "serve", "--listen", f"127.0.0.1:{self.port}", *self.options()],
            os.path.join(self.folder, "larder.log"), **options)
        self.server.ready(lambda: self.get("/readyz") is not None, seconds=600)
        return time.monotonic() - began

    def stop(self, kind=signal.SIGTERM):
        if self.server:
            self.server.stop(kind)
        self.server = None

    def exchange(self, method, path, body=None):
        """Status and bytes of one call's answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def request(self, method, path, body=None):
        """Status and parsed body of one call."""
        status, answer = self.exchange(method, path, body)
        return status, json.loads(answer or b"null")

    def get(self, path):
        """The parsed body of a 200 answer, or None for anything else."""
        try:
            status, body = self.request("GET", path)
        except (OSError, http.client.HTTPException):
            return None
        return body if status == 200 else None

    def level(self, pool=POOL):
        return self.get(f"/v1/pools/{pool}/level") or {}

    # Load

    def wrk(self, clients, seconds, pool=POOL, *arguments):
        """The command of a load; claims.lua has its arguments. One thread, as redis-benchmark has."""
        return [
            "wrk", "-t", 1, "-c", clients, "-d", f"{seconds}s", "--timeout", "30s",
            "-s", os.path.join(DIRECTORY, "claims.lua"), f"http://127.0.0.1:{self.port}", "--",
            pool, uuid.uuid4().hex[:12], *arguments]

    def load(self, clients, seconds, refusals=False):
        """Claims by so many connections for so long."""
        claimed = self.claimed()
        load = Load(self.wrk(clients, seconds), self.server, self.folder)
        measure = measures.of_wrk(load.output, clients, refusals).spent(load)
        self.legs.append(measure)
        self.check_leg(measure, self.claimed() - claimed)
        return measure

    def claimed(self, pool=POOL, state="claimed"):
        """Claimed items, once what a load left under way is done; or those in another state."""
        last = None
        while True:
            now = self.level(pool).get(state)
            if now is not None and now == last:
                return now
            last = now
            time.sleep(0.05)

    @staticmethod
    def check_leg(measure, claimed):
        """Each answered claim took an item, and no more are without an answer than were under
        way when the load ended: one a connection."""
        beyond = claimed - measure.claims
        if not 0 <= beyond <= measure.unanswered:
            raise Failure(f"{measure.claims} claims were answered 2xx, and {claimed} items claimed")

    # Verification

    def verify(self):
        """That every item went to one user, and every 2xx has its claim in the store. Ends the
        server."""
        witnessed = self.witness()
        for user, item in witnessed.items():
            status, body = self.claim(user)
            if status != 200 or body["items"][0]["id"] != item:
                raise Failure(f"user {user} asked again and got another item")
        self.stop()
        answered = sum(leg.claims for leg in self.legs) + len(witnessed)
        unanswered = sum(leg.unanswered for leg in self.legs)
        facts = store.facts(self.store)
        answered += self.past
        if not answered <= facts["claims"] <= answered + unanswered:
            raise Failure(f"{answered} claims were answered 2xx, and the store has {facts['claims']}")
        if not facts["claims"] == facts["claimed"] == facts["claims_with_items"] == facts["users"]:
            raise Failure(f"claims, claimed items, their claims and their users differ: {facts}")
        if facts["orphans"]:
            raise Failure(f"{facts['orphans']} claimed items have no claim")
        kept = store.owners(self.store, witnessed)
        if kept != witnessed:
            raise Failure("items that were answered are not their users' in the store")
        run([self.program, "verify", "--store", f"sqlite:{self.store}"])
        return {"answered": answered, "in the store": facts["claims"]}

    def claim(self, user):
        return self.request("POST", f"/v1/pools/{POOL}/claims", json.dumps({"user": user}))

    def witness(self, count=200):
        """Claims of its own beside a load of 64, whose answers are read: user to item."""
        found = {}
        with Program(self.wrk(64, 1), self.folder) as program:
            for _ in range(count):
                user = f"witness-{uuid.uuid4().hex}"
                status, body = self.claim(user)
                if status != 201 or len(body["items"]) != 1:
                    raise Failure(f"a witness was answered {status}")
                found[user] = body["items"][0]["id"]
            self.legs.append(measures.of_wrk(program.finish(), 64))
        if len(set(found.values())) != len(found):
            raise Failure("one item was answered to two users")
        return found
