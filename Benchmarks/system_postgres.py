"""PostgreSQL with the claim that its users write: SKIP LOCKED, prepared, and the same promise that
a user has one item, by a unique index."""

import glob
import os
import pwd
import shutil
import signal
import subprocess

import measures
from processes import Failure, Load, Server, free_port, run

SCHEMA = """
DROP TABLE IF EXISTS items;
CREATE TABLE items (
  id bigserial PRIMARY KEY, payload text NOT NULL, user_id bigint, claimed_at timestamptz);
CREATE UNIQUE INDEX items_user ON items (user_id) WHERE user_id IS NOT NULL;
"""

# Without it each claim looks through the rows that were taken before.
SHELF_INDEX = "CREATE INDEX items_available ON items (id) WHERE user_id IS NULL;"

CLAIM = """\\set user random(1, 9223372036854775807)
UPDATE items SET user_id = :user, claimed_at = now() WHERE id = (
  SELECT id FROM items WHERE user_id IS NULL ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, payload;
"""


class Postgres:
    name = "postgresql"

    def __init__(self, folder, shelf_index=True):
        self.folder = folder
        self.schema = SCHEMA + (SHELF_INDEX if shelf_index else "")
        self.programs = newest_programs()
        self.server = None
        self.port = None
        self.claims = 0
        self.filled = 0
        self.data = os.path.join(folder, "postgresql")
        self.claim = os.path.join(folder, "claim.sql")
        with open(self.claim, "w") as file:
            file.write(CLAIM)

    def program(self, name):
        return os.path.join(self.programs, name)

    def owner(self):
        """Options that start a program as the user of Debian's package: root may not serve."""
        if os.geteuid() != 0:
            return {}
        user = pwd.getpwnam("postgres")
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}

    def start(self):
        os.makedirs(self.data)
        if self.owner():
            shutil.chown(self.data, "postgres", "postgres")
        os.chmod(self.data, 0o700)
        cluster = os.path.join(self.data, "cluster")
        run([self.program("initdb"), "-D", cluster, "-U", "bench", "--auth=trust", "--no-locale",
             "-E", "UTF8"], cwd=self.data, **self.owner())
        self.port = free_port()
        settings = {
            "listen_addresses": "127.0.0.1", "port": self.port, "fsync": "on",
            "unix_socket_directories": self.data, "synchronous_commit": "on",
            "shared_buffers": "256MB", "max_wal_size": "8GB", "checkpoint_timeout": "1h"}
        options = [word for name, value in settings.items() for word in ["-c", f"{name}={value}"]]
        self.server = Server(
            [self.program("postgres"), "-D", cluster, *options],
            os.path.join(self.folder, "postgresql.log"), cwd=self.data, **self.owner())
        self.server.ready(lambda: subprocess.run(
            [self.program("pg_isready"), *self.address()], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL).returncode == 0)

    def address(self):
        return ["-h", "127.0.0.1", "-p", str(self.port), "-U", "bench", "-d", "postgres"]

    def psql(self, script, **options):
        words = ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", script]
        return run([self.program("psql"), *self.address(), *words], **options).strip()

    def prepare(self, items):
        """All items in a new table of a server that goes on."""
        if not self.server:
            self.start()
        self.psql(self.schema)
        rows = "".join(f"{item}\n" for item in items).encode()
        self.psql("COPY items (payload) FROM STDIN", input=rows)
        self.psql("VACUUM ANALYZE items")
        self.filled, self.claims = len(items), 0

    def stop(self):
        if self.server:
            self.server.stop(signal.SIGINT)  # ends its sessions and itself, at once and in order
        self.server = None

    def load(self, clients, seconds):
        """Claims by so many clients. pgbench's time includes that of connecting, its rate does
        not: many clients get a second more."""
        for log in glob.glob(os.path.join(self.folder, "pgbench_log.*")):
            os.remove(log)
        address = ["-h", "127.0.0.1", "-p", self.port, "-U", "bench"]
        command = [
            self.program("pgbench"), *address, "-n", "-M", "prepared", "-f", self.claim,
            "-c", clients, "-j", 1, "-T", seconds + clients // 64, "-l", "--log-prefix",
            os.path.join(self.folder, "pgbench_log"), "postgres"]
        load = Load(command, self.server, self.folder)
        latencies = []
        for log in glob.glob(os.path.join(self.folder, "pgbench_log.*")):
            with open(log) as lines:
                latencies += [int(line.split()[2]) for line in lines]
        measure = measures.of_pgbench(load.output, latencies).spent(load)
        self.claims += measure.claims
        return measure

    def verify(self):
        """That each claim took one item, and each user has one."""
        taken, users, left = map(int, self.psql(
            "SELECT count(user_id), count(DISTINCT user_id), count(*) - count(user_id) FROM items"
        ).split("|"))
        if not left or taken != users or taken != self.claims or taken + left != self.filled:
            raise Failure(
                f"PostgreSQL: {self.claims} claims of {self.filled} items left {taken} taken by "
                f"{users} users, {left} items")
        return {"answered": self.claims, "in the store": taken}


def newest_programs():
    """The folder of Debian's newest PostgreSQL, which is not on the PATH."""
    found = glob.glob("/usr/lib/postgresql/*/bin/pgbench")
    if not found:
        raise Failure("PostgreSQL's programs are not in /usr/lib/postgresql")
    return os.path.dirname(max(found, key=lambda path: float(path.split("/")[4])))
