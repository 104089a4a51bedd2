#!/usr/bin/env python3
"""Measures Larder against its peers. `make bench` calls it; README.md says what it does."""

import argparse
import os
import resource
import signal
import sys

import comparison
import report
import scale
from processes import Failure
from workspace import Workspace


def interrupted(number, _frame):
    """Ends this program in order, so that every server is stopped and the folder removed."""
    signal.signal(number, signal.SIG_IGN)
    raise SystemExit(128 + number)


def say(text):
    print(text, file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("form", choices=["full", "quick", "scale"])
    parser.add_argument("--larder", required=True, help="the program, built for release")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=int)
    parser.add_argument("--items", type=int)
    parser.add_argument("--keyed", action="store_true", help="items have keys, which are unique")
    parser.add_argument("--plain-postgres", action="store_true",
                        help="PostgreSQL has no index on what is available")
    parser.add_argument("--scenario", action="append", choices=scale.Scale.SCENARIOS,
                        help="of scale; may be repeated; all if not told")
    parser.add_argument("--size", type=float, default=1, help="part of scale's numbers of rows")
    options = parser.parse_args()
    for number in [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]:
        signal.signal(number, interrupted)
    # A connection is an open file, in the servers and in what loads them.
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    program = os.path.abspath(options.larder)
    try:
        with Workspace() as workspace:
            (scaled if options.form == "scale" else compare)(options, program, workspace)
    except Failure as failure:
        sys.exit(f"bench: {failure}")


def compare(options, program, workspace):
    form = comparison.FULL if options.form == "full" else comparison.QUICK
    form.rounds = options.rounds or form.rounds
    form.seconds = options.seconds or form.seconds
    form.items = options.items or form.items
    measured = comparison.Comparison(
        form, program, workspace, options.keyed, not options.plain_postgres, say)
    measured.run()
    text = measured.text()
    print(text)
    path = report.keep(measured.machine, form.name, text, measured.data())
    say(f"kept as {os.path.relpath(path)}")
    print(measured.last_line())


def scaled(options, program, workspace):
    measured = scale.Scale(
        program, workspace, options.size, options.rounds or 5, options.seconds or 4, say)
    measured.run(options.scenario or scale.Scale.SCENARIOS)
    text = measured.text()
    path = report.keep(measured.machine, "scale", text, measured.data())
    say(f"kept as {os.path.relpath(path)}")
    print(text)


if __name__ == "__main__":
    main()
