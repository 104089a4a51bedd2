#!/usr/bin/env python3
"""A supplier of cinema seats, as slow and as moody as real ones, for the pool movie-tickets.

A show starts every full hour. It goes on sale hours before, so that there is always another
one to sell. Calls, JSON in and out:

  POST /purchases   {"count": 20, "from": SHOW or ""}, with an Idempotency-Key: sells up to
                    count seats, the earliest show first, starting at the show named by "from".
                    Answers {"seats": [{"ticket", "seat", "zone", "show", "starts_at", "code"}],
                    "next": SHOW}: fewer seats than asked for mean that no more are left.
                    The same key again gives the same answer; with another body it is 422.
  GET  /sold        {"purchases": [{"key", "tickets": [...]}]}: who bought what, without codes.
  GET  /health      {"status": "ok", "seats_left": N}

A purchase is written to the state file and synced before it is answered, and the state file is
read again at start: whatever is killed in between, no seat is sold twice.
"""

import argparse
import fcntl
import json
import os
import random
import secrets
import signal
import socket
import socketserver
import struct
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

HOUR = 3600
SEATS_PER_ROW = 12
ROWS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# Sales of a show end this long before it starts, so that a seat can lie in stock for a while.
SALES_END = 3 * HOUR
MAX_COUNT = 2000
MAX_BODY = 4096
MAX_KEY = 6000
RETRY_AFTER_SECONDS = 2
# How long a stop waits for answers that are under way.
STOP_SECONDS = 2.0


def log(message):
    print(f"supplier: {message}", file=sys.stderr, flush=True)


def show_name(start):
    return time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime(start))


class StateError(Exception):
    pass


class KeyReused(Exception):
    pass


class Journal:
    """Purchases, one JSON object a line; a line counts once it is whole and synced."""

    def __init__(self, path):
        created = not os.path.exists(path)
        self.path = path
        self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StateError(f"{path} is in use by another supplier") from None
        if created:
            folder = os.open(os.path.dirname(os.path.abspath(path)), os.O_RDONLY | os.O_DIRECTORY)
            os.fsync(folder)
            os.close(folder)

    def read(self):
        with open(self.path, "rb") as file:
            content = file.read()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            # The end of a write that a crash cut short: its purchase was never answered.
            log(f"{self.path}: dropping {len(content) - whole} bytes of an unfinished purchase")
            os.ftruncate(self.descriptor, whole)
        # What a killed supplier wrote may be readable before it is on disk.
        os.fsync(self.descriptor)
        purchases = []
        for number, line in enumerate(content[:whole].splitlines(), 1):
            try:
                purchase = json.loads(line)
                wanted = {"key", "count", "from", "seats", "next"}
                if purchase.keys() != wanted or not all("ticket" in s for s in purchase["seats"]):
                    raise ValueError
            except (ValueError, AttributeError, TypeError):
                raise StateError(f"{self.path}:{number}: not a purchase") from None
            purchases.append(purchase)
        return purchases

    def append(self, purchase):
        line = json.dumps(purchase).encode() + b"\n"
        if os.write(self.descriptor, line) != len(line):
            raise OSError("short write")
        os.fsync(self.descriptor)


class BoxOffice:
    """Which seats are sold, and to whom. The lock covers both and the journal."""

    def __init__(self, journal, shows, seats):
        self.journal = journal
        self.shows = shows
        self.seats = seats
        self.lock = threading.Lock()
        self.purchases = {}
        self.sold = set()
        for purchase in journal.read():
            self.remember(purchase)

    def remember(self, purchase):
        self.purchases[purchase["key"]] = purchase
        self.sold.update(seat["ticket"] for seat in purchase["seats"])

    def on_sale(self, now):
        first = (int(now) + SALES_END) // HOUR * HOUR + HOUR
        return [first + HOUR * index for index in range(self.shows)]

    def layout(self):
        """The seats of every show, across the rows, so that all zones sell alike."""
        rows = ROWS[: -(-self.seats // SEATS_PER_ROW)]
        names = [(row, number) for number in range(1, SEATS_PER_ROW + 1) for row in rows]
        for row, number in names:
            index = ROWS.index(row)
            if index * SEATS_PER_ROW + number <= self.seats:
                zone = ("front", "middle", "back")[index * 3 // len(rows)]
                yield f"{row}{number}", zone

    def left(self, now):
        with self.lock:
            return sum(
                f"{seat}@{show_name(start)}" not in self.sold
                for start in self.on_sale(now)
                for seat, _ in self.layout()
            )

    def list(self):
        with self.lock:
            return [
                {"key": key, "tickets": [seat["ticket"] for seat in purchase["seats"]]}
                for key, purchase in self.purchases.items()
            ]

    def buy(self, key, count, start_from, now):
        """The purchase of this key: the one that was made before, or a new one, on disk."""
        with self.lock:
            known = self.purchases.get(key)
            if known is not None:
                if (known["count"], known["from"]) != (count, start_from):
                    raise KeyReused()
                return known
            seats, last = [], start_from
            for start in self.on_sale(now):
                show = show_name(start)
                # Names of shows sort as their times do; a show that is over sorts first.
                if show < start_from or len(seats) == count:
                    continue
                last = show
                seats += self.free_seats(show, start, count - len(seats))
            purchase = {"key": key, "count": count, "from": start_from, "seats": seats}
            purchase["next"] = last
            self.journal.append(purchase)
            self.remember(purchase)
            return purchase

    def free_seats(self, show, start, count):
        found = []
        for seat, zone in self.layout():
            if len(found) == count:
                break
            ticket = f"{seat}@{show}"
            if ticket not in self.sold:
                starts_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(start))
                # Codes admit their bearer: never from the seeded generator.
                code = secrets.token_hex(6).upper()
                found.append(
                    {"ticket": ticket, "seat": seat, "zone": zone, "show": show,
                     "starts_at": starts_at, "code": code}
                )
        return found


class Moods:
    """How slow a request is and how it fails, drawn from one seeded generator."""

    def __init__(self, options):
        self.options = options
        self.random = random.Random(options.seed)
        self.lock = threading.Lock()

    def draw(self):
        """One of refuse, error, drop and well."""
        with self.lock:
            value = self.random.random()
        for mood in ("refuse", "error", "drop"):
            value -= getattr(self.options, mood)
            if value < 0:
                return mood
        return "well"

    def latency(self, seats):
        low, high = self.options.latency
        with self.lock:
            return sum(self.random.uniform(low, high) for _ in range(max(seats, 1))) / 1000


class Server(socketserver.ThreadingMixIn, HTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, port, office, moods):
        self.office = office
        self.moods = moods
        self.stopping = threading.Event()
        self.broken = False
        self.answering = 0
        self.idle = threading.Condition()
        super().__init__(("127.0.0.1", port), Handler)

    def server_bind(self):
        # HTTPServer's own looks the host's name up, which may take seconds without DNS.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]

    def handle_error(self, request, client_address):
        error = sys.exc_info()[1]
        if not isinstance(error, ConnectionError):
            log(f"request failed: {error!r}")

    def stop(self, broken=False):
        self.broken = self.broken or broken
        self.stopping.set()
        # From a thread of its own: shutdown waits for the loop that a signal interrupts.
        threading.Thread(target=self.shutdown, daemon=True).start()

    def wait_until_idle(self):
        with self.idle:
            self.idle.wait_for(lambda: self.answering == 0, STOP_SECONDS)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "Supplier"
    timeout = 60
    disable_nagle_algorithm = True

    def log_message(self, format, *arguments):
        pass

    def answer(self, status, body, headers=()):
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers:
            self.send_header(name, value)
        if status >= 400 or self.server.stopping.is_set():
            # An error may leave some of the request unread.
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        self.wfile.write(content)

    def counted(self, work):
        with self.server.idle:
            self.server.answering += 1
        try:
            work()
        finally:
            with self.server.idle:
                self.server.answering -= 1
                self.server.idle.notify_all()

    def do_GET(self):
        self.counted(self.get)

    def do_POST(self):
        self.counted(self.post)

    def get(self):
        if self.path == "/health":
            left = self.server.office.left(time.time())
            self.answer(200, {"status": "ok", "seats_left": left})
        elif self.path == "/sold":
            self.answer(200, {"purchases": self.server.office.list()})
        else:
            self.answer(404, {"error": "try GET /health, GET /sold or POST /purchases"})

    def post(self):
        if self.path != "/purchases":
            return self.answer(404, {"error": "try POST /purchases"})
        key = self.headers.get("Idempotency-Key", "")
        if not 1 <= len(key) <= MAX_KEY:
            return self.answer(400, {"error": "a purchase needs an Idempotency-Key"})
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MAX_BODY:
            return self.answer(400, {"error": f"a body of at most {MAX_BODY} bytes is needed"})
        try:
            body = json.loads(self.rfile.read(int(length)))
            count, start_from = body["count"], body.get("from", "")
            if type(count) is not int or not 1 <= count <= MAX_COUNT or type(start_from) is not str:
                raise ValueError
        except (ValueError, KeyError, TypeError, AttributeError):
            return self.answer(400, {"error": 'wanted: {"count": 1 to 2000, "from": "SHOW"}'})
        self.sell(key, count, start_from)

    def sell(self, key, count, start_from):
        mood = self.server.moods.draw()
        if mood == "refuse":
            log(f"purchase {key}: 503, too busy")
            retry = [("Retry-After", str(RETRY_AFTER_SECONDS))]
            return self.answer(503, {"error": "the box office is busy"}, retry)
        if mood == "error":
            log(f"purchase {key}: 500")
            return self.answer(500, {"error": "the box office has tripped over something"})
        try:
            purchase = self.server.office.buy(key, count, start_from, time.time())
        except KeyReused:
            return self.answer(422, {"error": "this Idempotency-Key had another body before"})
        except OSError as error:
            # Nobody knows whether the purchase reached the disk: the next start finds out.
            log(f"cannot write the state file, stopping: {error}")
            self.server.stop(broken=True)
            return self.answer(500, {"error": "the box office lost its books"})
        # The seats are sold by now; all that follows is about the answer.
        self.server.stopping.wait(self.server.moods.latency(len(purchase["seats"])))
        if mood == "drop":
            log(f"purchase {key}: {len(purchase['seats'])} seats sold, the answer lost on the way")
            return self.reset()
        log(f"purchase {key}: {len(purchase['seats'])} of {count} seats")
        self.answer(200, {"seats": purchase["seats"], "next": purchase["next"]})

    def reset(self):
        self.close_connection = True
        # Closing without lingering resets the connection, once the handler lets go of it too.
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.close()


def milliseconds(text):
    low, _, high = text.partition("-")
    try:
        limits = float(low), float(high or low)
    except ValueError:
        limits = -1.0, -1.0
    if not 0 <= limits[0] <= limits[1] <= 60_000:
        raise argparse.ArgumentTypeError(f"{text!r} is neither milliseconds nor LOW-HIGH")
    return limits


def whole(low, high):
    def parse(text):
        if not text.isdecimal() or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number from {low} to {high}")
        return int(text)

    return parse


def rate(text):
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a rate from 0 to 1")
    return value


def read_options():
    parser = argparse.ArgumentParser(
        description="Sells cinema seats on http://127.0.0.1:PORT, slowly and with failures.",
        epilog="Calls: POST /purchases, GET /sold, GET /health. SIGTERM ends it with exit 0.",
    )
    add = parser.add_argument
    add("--port", type=whole(0, 65535), default=8421, help="0: any free one (default: 8421)")
    add("--port-file", metavar="FILE", help="where to write the port once it is open")
    add("--state", metavar="FILE", required=True, help="what is sold; made if it is missing")
    add("--shows", type=whole(1, 100), default=6, help="shows on sale at a time (default: 6)")
    add("--seats", type=whole(1, SEATS_PER_ROW * len(ROWS)), default=96,
        help="seats of a show (default: 96)")
    add("--latency", type=milliseconds, default=(50.0, 300.0), metavar="LOW-HIGH",
        help="milliseconds that each seat takes (default: 50-300)")
    add("--refuse", type=rate, default=0.05, metavar="RATE",
        help="purchases answered 503 with Retry-After (default: 0.05)")
    add("--error", type=rate, default=0.02, metavar="RATE",
        help="purchases answered 500 (default: 0.02)")
    add("--drop", type=rate, default=0.03, metavar="RATE",
        help="purchases made, but reset before they are answered (default: 0.03)")
    add("--seed", type=int, help="makes latencies and failures repeatable")
    options = parser.parse_args()
    if options.refuse + options.error + options.drop > 1:
        parser.error("--refuse, --error and --drop are above 1 together")
    return options


def write_port(path, port):
    with open(path + ".new", "w") as file:
        file.write(f"{port}\n")
    os.replace(path + ".new", path)


def remove(path):
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def main():
    options = read_options()
    try:
        if options.port_file:
            # One of an earlier start would send clients to a port that is gone.
            remove(options.port_file)
        office = BoxOffice(Journal(options.state), options.shows, options.seats)
        server = Server(options.port, office, Moods(options))
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: server.stop())
        if options.port_file:
            write_port(options.port_file, server.server_port)
    except (StateError, OSError) as error:
        log(f"cannot start: {error}")
        return 1
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    log(f"{len(office.sold)} seats sold so far, {office.left(time.time())} left")
    server.serve_forever(poll_interval=0.1)
    server.socket.close()
    server.wait_until_idle()
    if options.port_file:
        remove(options.port_file)
    return 1 if server.broken else 0


if __name__ == "__main__":
    sys.exit(main())
