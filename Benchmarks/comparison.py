"""The comparison: every system once a round with each number of clients, one after another."""

from dataclasses import asdict, dataclass

import filling
import report
from items import payloads
from machine import describe
from probe import SyncProbe
from processes import stop_all
from report import median, ratio
from system_larder import Larder
from system_postgres import Postgres
from system_redis import Redis
from system_sqlite import SQLite

@dataclass
class Form:
    """How much is done."""

    name: str
    rounds: int
    seconds: int  # of each system with each number of clients
    items: int  # on each shelf at the start of a round
    clients: list
    postgres_clients: list
    best_postgres_only: bool  # after the first round, PostgreSQL at its best number of clients alone
    fills: int


FULL = Form(
    name="full", rounds=5, seconds=4, items=1_000_000, clients=[1, 16, 64, 256],
    postgres_clients=[1, 16, 64], best_postgres_only=False, fills=5)
QUICK = Form(
    name="quick", rounds=3, seconds=1, items=200_000, clients=[1, 64, 256],
    postgres_clients=[1, 16, 64], best_postgres_only=True, fills=2)


class Comparison:
    def __init__(self, form, program, workspace, keyed, shelf_index, say):
        self.form = form
        self.say = say
        self.folder = workspace.path
        self.items = payloads(form.items)
        self.probe = SyncProbe(self.folder)
        self.larder = Larder(program, self.folder)
        self.redis = Redis(self.folder)
        self.postgres = Postgres(self.folder, shelf_index)
        self.sqlite = SQLite(self.folder)
        self.systems = [self.larder, self.redis, self.postgres, self.sqlite]
        self.machine = describe(workspace, self.postgres.programs)
        if keyed:
            self.machine["items"] = "with keys"
        if not shelf_index:
            self.machine["postgresql"] += ", without an index on what is available"
        self.larder.write_files(self.items, keyed)
        self.rounds = []  # (system, clients) to Measure
        self.syncs = []  # ms, one a round
        self.fills = []
        self.verified = []

    def run(self):
        try:
            self.fills = filling.compare(self.larder, self.form.items, self.form.fills, self.say)
            self.larder.keep_template()
            for number in range(self.form.rounds):
                self.round(number)
        finally:
            self.probe.close()
            stop_all(self.systems)

    def round(self, number):
        for system in self.systems:
            system.prepare(self.items)
        measures, syncs = {}, []
        postgres_clients = self.form.postgres_clients
        if number and self.form.best_postgres_only:
            first = self.rounds[0]
            postgres_clients = [max(
                postgres_clients, key=lambda clients: first["postgresql", clients].rate)]
        for clients in sorted({*self.form.clients, *postgres_clients}):
            # Whoever begins changes from round to round.
            order = [self.larder, self.redis] if clients in self.form.clients else []
            if clients in postgres_clients:
                order.append(self.postgres)
            shift = number % len(order)
            for system in order[shift:] + order[:shift]:
                measures[system.name, clients] = self.leg(number, system, clients, syncs)
        measures[self.sqlite.name, 64] = self.leg(number, self.sqlite, 64, syncs)
        self.rounds.append(measures)
        self.syncs.append(median(syncs))
        self.verified.append({system.name: system.verify() for system in self.systems})

    def leg(self, number, system, clients, syncs):
        if clients == 1 and system is self.larder:
            syncs.append(self.probe.median_ms(self.form.seconds / 4))
        measure = system.load(clients, self.form.seconds)
        if clients == 1 and system is self.larder:
            syncs.append(self.probe.median_ms(self.form.seconds / 4))
        self.say(f"round {number + 1}/{self.form.rounds}, {clients} clients: {system.name} "
                 f"{measure.rate:,.0f} claims/s, p50 {measure.p50:.2f} ms, p99 {measure.p99:.2f} ms")
        return measure

    # Results

    def ratios(self, peer, clients):
        """Larder's rate over a peer's, a round each."""
        return [
            r["larder", clients].rate / r[peer, clients].rate
            for r in self.rounds if (peer, clients) in r and ("larder", clients) in r
        ]

    def ratios_to_best_postgres(self):
        return [
            r["larder", 64].rate / max(
                measure.rate for (system, _), measure in r.items() if system == "postgresql")
            for r in self.rounds
        ]

    def claims_over_sync(self):
        return [r["larder", 1].p50 / sync for r, sync in zip(self.rounds, self.syncs)]

    def spread(self):
        return [r["larder", 64].p99 / r["larder", 64].p50 for r in self.rounds]

    def goals(self):
        """Name, the figures of the rounds, and the goal with its sense."""
        goals = [
            (f"claims/s over Redis, {clients} clients", self.ratios("redis", clients),
             "≥", 1.0 if clients >= 64 else 0.9)
            for clients in self.form.clients
        ]
        return goals + [
            ("claims/s at 64 clients over PostgreSQL's best", self.ratios_to_best_postgres(),
             "≥", 25),
            ("p50 of one client's claim over fdatasync", self.claims_over_sync(), "≤", 1.5),
            ("p99 over p50 at 64 clients", self.spread(), "≤", 3),
            ("filling over sqlite3 .import", [f / i for f, i in self.fills], "≥", 0.5),
        ]

    def text(self):
        parts = [f"# Claims, {self.machine['date']}, {self.machine['host']}",
                 report.facts(self.machine)]
        parts.append(
            f"{self.form.rounds} rounds of {self.form.seconds} s a system and number of clients, "
            f"medians; shelves of {self.form.items:,} items. fdatasync of an overwritten 4 KiB: "
            f"{median(self.syncs):.3f} ms.")
        rows = []
        keys = sorted({key for r in self.rounds for key in r}, key=lambda key: (
            key[1], [system.name for system in self.systems].index(key[0])))
        for system, clients in keys:
            of = [r[system, clients] for r in self.rounds if (system, clients) in r]
            by_round = self.ratios(system, clients) if system != "larder" else []
            rows.append([
                clients, system, f"{median([m.rate for m in of]):,.0f}",
                f"{median([m.p50 for m in of]):.2f}", f"{median([m.p99 for m in of]):.2f}",
                f"{median([m.p999 for m in of]):.2f}",
                f"{median([m.cpu_per_1000 for m in of]):.4f}",
                f"{median([m.memory_mib for m in of]):.0f}",
                " ".join(map(ratio, by_round)) or "-",
                ratio(median(by_round)) if by_round else "-"])
        parts.append(report.table(
            ["clients", "system", "claims/s", "p50 ms", "p99 ms", "p99.9 ms", "CPU s/1000",
             "MiB", "larder over it, by round", "median"], rows))
        parts.append(report.goals(self.goals()))
        parts.append(report.table(
            ["filling", "larder items/s", "sqlite3 .import rows/s"],
            [[number + 1, f"{f:,.0f}", f"{i:,.0f}"] for number, (f, i) in enumerate(self.fills)]))
        parts.append("Verified after each round, claims answered and in the store: " + "; ".join(
            f"{system.name} " + ", ".join(
                "{answered}/{in the store}".format(**verified[system.name])
                for verified in self.verified) for system in self.systems) + ".")
        return "\n\n".join(parts)

    def data(self):
        return {
            "form": asdict(self.form),
            "rounds": [
                {f"{system} {clients}": asdict(measure)
                 for (system, clients), measure in r.items()} for r in self.rounds],
            "fdatasync_ms": self.syncs,
            "fills": self.fills,
            "verified": self.verified,
        }

    def last_line(self):
        values = {
            "ratio_redis_64": self.ratios("redis", 64),
            "ratio_redis_256": self.ratios("redis", 256),
            "ratio_pg_best": self.ratios_to_best_postgres(),
            "p50_1_over_sync": self.claims_over_sync(),
            "fill_ratio": [f / i for f, i in self.fills],
        }
        return " ".join(f"{name}={median(of):.2f}" for name, of in values.items())
