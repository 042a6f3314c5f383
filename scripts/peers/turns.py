"""Engines in processes of their own that take turns on one machine."""

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

# A turn is as many runs as fit in this time, and at least so many that the first, which finds the caches
# full of another engine's weights, does not decide the median.
TURN_MS = 600
TURN_RUNS = range(3, 201)


class Worker:
    """A process that holds one network in one engine, ready to run."""

    def __init__(self, engine, threads, command):
        self.engine, self.threads = engine, threads
        self.process = subprocess.Popen(
            [*map(str, command)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.ready = self.read()
        self.rounds, self.turn_runs = [], 1

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{self.engine} on {self.threads} threads broke off, status {self.process.wait()}")
        return json.loads(line)

    def turn(self):
        """Runs a few times; gives the medians of wall and processor milliseconds, and the memory."""
        print(self.turn_runs, file=self.process.stdin, flush=True)
        answer = self.read()
        wall_ms, cpu_ms = (statistics.median(column) for column in zip(*answer["runs"]))
        return {"wall_ms": wall_ms, "cpu_ms": cpu_ms, "memory_kib": answer["memory"]}

    def close(self):
        self.process.stdin.close()
        self.process.wait()

    def cell(self):
        """All that was found, as plain data."""
        resident_kib = {when: self.ready[when][0] for when in ("before", "loaded", "answered")}
        resident_kib["after"], resident_kib["peak"] = self.rounds[-1]["memory_kib"]
        return {
            "engine": self.engine,
            "threads": self.threads,
            "version": self.ready["version"],
            "load_ms": self.ready["load"][0],
            "load_to_answer_ms": self.ready["load_to_answer"][0],
            "resident_kib": resident_kib,
            "runs_a_round": self.turn_runs,
            "cpu_ms": [found["cpu_ms"] for found in self.rounds],
            "wall_ms": [found["wall_ms"] for found in self.rounds],
        }


def alternate(workers, rounds):
    """Warms up, then lets the workers take turns, in every second round in the opposite order.

    Gives the share of the machine that others took in the meantime.
    """
    for worker in workers:
        wall_ms = worker.turn()["wall_ms"]
        wanted = round(TURN_MS / wall_ms)
        worker.turn_runs = min(max(wanted, TURN_RUNS[0]), TURN_RUNS[-1])
    begun_s, busy_s, own_s = time.monotonic(), busy(), own(workers)
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", file=sys.stderr)
        for worker in workers if number % 2 == 0 else reversed(workers):
            worker.rounds.append(worker.turn())
    others_s = busy() - busy_s - (own(workers) - own_s)
    return max(others_s, 0) / (time.monotonic() - begun_s) / os.cpu_count()


def busy():
    """Seconds that all processors have been busy or lent to another guest since the machine began."""
    user, nice, system, _, _, irq, softirq, steal, *_ = map(int, proc("stat").split("\n")[0].split()[1:])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def own(workers):
    """Seconds that the workers have computed."""
    stats = [proc(f"{worker.process.pid}/stat").rpartition(")")[2].split() for worker in workers]
    return sum(int(stat[11]) + int(stat[12]) for stat in stats) / os.sysconf("SC_CLK_TCK")


def proc(name):
    return Path("/proc", name).read_text()
