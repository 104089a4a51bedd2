"""Child processes: started with their output in a file, watched, and stopped by their own id."""

import os
import signal
import socket
import subprocess
import time

TICKS = os.sysconf("SC_CLK_TCK")


class Failure(Exception):
    """What makes a benchmark worthless: a program that fails, a wrong answer, an empty shelf."""


def free_port():
    """A TCP port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def eventually(what, condition, seconds=30):
    """Waits until `condition` gives a true value, which is returned."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failure(f"waited {seconds} s for {what}")
        time.sleep(0.005)


def run(command, **options):
    """Runs a program to its end and gives its standard output; its errors are kept for a failure."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    if done.returncode != 0:
        errors = done.stderr.decode(errors="replace")[-2000:]
        raise Failure(f"{' '.join(map(str, command[:3]))} … ended with {done.returncode}: {errors}")
    return done.stdout.decode()


class Server:
    """A server that was started here. It has a process group of its own, so that a Ctrl-C in the
    terminal does not reach it before its driver."""

    def __init__(self, command, log, **options):
        self.log = log
        self.name = os.path.basename(command[0])
        with open(log, "ab") as output:
            self.process = subprocess.Popen(
                list(map(str, command)), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True, **options)

    @property
    def pid(self):
        return self.process.pid

    def ready(self, condition, seconds=30):
        """Waits until `condition` holds; fails at once where the server has ended."""

        def check():
            if self.process.poll() is not None:
                raise Failure(f"{self.name} ended with {self.process.returncode}: {self.tail()}")
            return condition()

        return eventually(f"{self.name} to be ready", check, seconds)

    def tail(self):
        with open(self.log, "rb") as log:
            return log.read()[-2000:].decode(errors="replace")

    def stop(self, kind=signal.SIGTERM, seconds=60):
        """Ends it with `kind`, and with SIGKILL where it has not ended after so long."""
        if self.process.poll() is not None:
            return
        self.process.send_signal(kind)
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Failure(f"{self.name} did not end within {seconds} s") from None

    def cpu_seconds(self):
        """Processor time so far, that of its children included."""
        own = cpu_ticks(self.pid)
        if own is None:
            raise Failure(f"{self.name} has ended: {self.tail()}")
        spent, reaped = own
        for child in children(self.pid):
            spent += (cpu_ticks(child) or (0, 0))[0]
        return (spent + reaped) / TICKS

    def resident_mib(self):
        """Resident memory in MiB. Pages that it shares with its children count once."""
        family = children(self.pid)
        if not family:
            return (status_kib(self.pid, "status", "VmRSS:") or 0) / 1024
        parts = [status_kib(pid, "smaps_rollup", "Pss:") or 0 for pid in [self.pid, *family]]
        return sum(parts) / 1024


def stop_all(systems):
    """Stops every one of them, also where one of them does not end as it should."""
    failures = []
    for system in systems:
        try:
            system.stop()
        except Failure as failure:
            failures.append(failure)
    if failures:
        raise failures[0]


def cpu_ticks(pid):
    """Ticks of a process itself, and of its children that it has waited for; None where it ended."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            fields = stat.read().rpartition(")")[2].split()
    except OSError:
        return None
    user, system, children_user, children_system = map(int, fields[11:15])
    return user + system, children_user + children_system


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as listed:
            return list(map(int, listed.read().split()))
    except OSError:
        return []


def status_kib(pid, file, name):
    try:
        with open(f"/proc/{pid}/{file}") as lines:
            for line in lines:
                if line.startswith(name):
                    return int(line.split()[1])
    except OSError:
        pass
    return None


class Program:
    """A program that runs beside this one until `finish`; it is killed where that isn't reached."""

    def __init__(self, command, folder):
        self.name = command[0]
        self.process = subprocess.Popen(
            list(map(str, command)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, start_new_session=True, cwd=folder)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()

    def finish(self, meanwhile=lambda: None):
        """Waits for its end, calls `meanwhile` twice a second, and gives its standard output."""
        while True:
            try:
                output, errors = self.process.communicate(timeout=0.5)
                break
            except subprocess.TimeoutExpired:
                meanwhile()
        output = output.decode(errors="replace")
        if self.process.returncode != 0:
            raise Failure(
                f"{self.name} ended with {self.process.returncode}: "
                f"{errors.decode(errors='replace')[-1000:]} {output[-1000:]}")
        return output


class Load:
    """A load generator's run against a server: its output, and what the server spent meanwhile."""

    def __init__(self, command, server, folder):
        self.memory_mib = 0
        before = server.cpu_seconds()

        def watch():
            self.memory_mib = max(self.memory_mib, server.resident_mib())

        with Program(command, folder) as program:
            self.output = program.finish(watch)
        self.cpu_seconds = server.cpu_seconds() - before
        watch()
