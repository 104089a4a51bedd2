"""Redis with every write synced before its answer, and a script that gives a user one item for
good: what many would build instead."""

import os
import socket

import measures
from processes import Failure, Load, Server, free_port

CLAIM = """\
local item = redis.call('HGET', KEYS[2], ARGV[1])
if item then return item end
item = redis.call('LPOP', KEYS[1])
if item then redis.call('HSET', KEYS[2], ARGV[1], item) end
return item
"""

# redis-benchmark replaces each of these by another number below 2³¹: together a user that
# nobody had before.
# The seed of redis-benchmark's numbers is the time with the process's number: two loads may get the
# same. The first number is the load's own.
USER = "u-%d-__rand_int__-__rand_int__"
KEYSPACE = 2**31 - 1
WARM_UP = {1: 500, 16: 3000, 64: 6000, 256: 6000}


class Redis:
    name = "redis"

    def __init__(self, folder):
        self.folder = folder
        self.server = None
        self.port = None
        self.script = None
        self.filled = 0
        self.claims = 0
        self.rates = {}

    def prepare(self, items):
        """A new server with all items on one list."""
        self.stop()
        data = os.path.join(self.folder, "redis")
        os.makedirs(data, exist_ok=True)
        for root, _, files in os.walk(data):
            for name in files:
                os.remove(os.path.join(root, name))
        self.port = free_port()
        self.server = Server(
            ["redis-server", "--bind", "127.0.0.1", "--port", self.port, "--dir", data,
             "--appendonly", "yes", "--appendfsync", "always", "--save", "",
             "--auto-aof-rewrite-percentage", "0", "--daemonize", "no"],
            os.path.join(self.folder, "redis.log"))
        self.server.ready(self.answers)
        self.script = self.call("SCRIPT", "LOAD", CLAIM)
        for start in range(0, len(items), 1000):
            self.call("RPUSH", "items", *items[start:start + 1000])
        self.filled, self.claims = len(items), 0

    def answers(self):
        try:
            return self.call("PING") == "PONG"
        except OSError:
            return False

    def stop(self):
        if self.server:
            self.server.stop()
        self.server = None

    def call(self, *words):
        """One command, whose answer is a text or a number."""
        encoded = [word.encode() if isinstance(word, str) else word for word in words]
        request = b"*%d\r\n" % len(encoded)
        request += b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded)
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection:
            connection.sendall(request)
            answer = connection.makefile("rb")
            kind, text = answer.read(1), answer.readline().strip().decode()
            if kind == b"$":
                return answer.read(int(text)).decode()
        if kind == b"-":
            raise Failure(f"Redis answered {text}")
        return int(text) if kind == b":" else text

    def load(self, clients, seconds):
        """Claims by so many clients, as many as they made in so long before."""
        if clients not in self.rates:
            self.rates[clients] = self.benchmark(clients, WARM_UP.get(clients, 5000)).rate
        measure = self.benchmark(clients, max(100, int(self.rates[clients] * seconds)))
        self.rates[clients] = measure.rate
        return measure

    def benchmark(self, clients, claims):
        command = [
            "redis-benchmark", "-h", "127.0.0.1", "-p", self.port, "-c", clients, "-n", claims,
            "-r", KEYSPACE, "EVALSHA", self.script, 2, "items", "users",
            USER % self.claims]
        load = Load(command, self.server, self.folder)
        self.claims += claims
        return measures.of_redis_benchmark(load.output).spent(load)

    def verify(self):
        """That each claim took one item off the list, and each user has one."""
        users, left = self.call("HLEN", "users"), self.call("LLEN", "items")
        if not left or users != self.claims or users + left != self.filled:
            raise Failure(
                f"Redis: {self.claims} claims of {self.filled} items left {users} users, {left} items")
        self.stop()
        return {"answered": self.claims, "in the store": users}
