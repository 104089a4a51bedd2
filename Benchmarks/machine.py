"""What a figure means nothing without: the machine, the date, the versions."""

import os
import platform
import re
import subprocess
import time


def first_line(*command):
    """The first line that a program prints, or a dash."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.stdout.decode(errors="replace").strip().splitlines()[0]
    except (OSError, IndexError):
        return "-"


def find(pattern, text):
    found = re.search(pattern, text, re.M)
    return found[1] if found else "-"


def describe(workspace, postgres_programs=None):
    with open("/proc/cpuinfo") as file:
        processor = find(r"^model name\s*:\s*(.*)$", file.read())
    with open("/proc/meminfo") as file:
        memory = int(find(r"^MemTotal:\s*(\d+)", file.read()))
    with open("/etc/os-release") as file:
        system = find(r'^PRETTY_NAME="(.*)"$', file.read())
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    git = first_line("git", "-C", root, "rev-parse", "--short", "HEAD")
    changed = subprocess.run(
        ["git", "-C", root, "status", "--porcelain", "--untracked-files=no"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    facts = {
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "host": platform.node(),
        "processor": f"{processor}, {os.cpu_count()} cores",
        "memory": f"{memory / 1024 / 1024:.1f} GiB",
        "system": f"{system}, Linux {platform.release()}",
        "disk": f"{workspace.device}, {workspace.kind}",
        "load average at the start": "%.2f" % os.getloadavg()[0],
        "larder": git + (" with changes" if changed else ""),
        "redis": find(r"v=(\S+)", first_line("redis-server", "--version")),
        "sqlite": first_line("sqlite3", "--version").split()[0],
        "wrk": find(r"wrk (?:debian/)?(\S+)", first_line("wrk", "--version")),
    }
    if postgres_programs:
        facts["postgresql"] = find(
            r"\) (\S+)", first_line(os.path.join(postgres_programs, "postgres"), "--version"))
    return facts
