#!/usr/bin/env python3
"""Exponential smoothing alone: the project's `ets` and Nixtla's statsforecast forecast the same series, side by side in one run.

Each run is a fresh process that says itself how long fit and forecast took; in turns. `compare.py` calls this; alone it needs
the real data.

Usage: smoothing.py [RUNS]
"""
import json
import statistics
import sys
from datetime import date, timedelta

from harness import DATA, HERE, build, call, end, peers_python

# The contract is at least this many times as fast.
WANTED = 5
# JHU's final series, and simulated ones of the same size, end on this day.
LAST, AHEAD = date(2023, 3, 9), 28


def compare(python, series, runs):
    """Prints a line for the whole series, and one for the days that `ets` looks at; returns what misses the contract."""
    ets = build() / "examples" / "ets"
    print(f"\nexponential smoothing, {AHEAD} days ahead (medians of {runs} runs each, in turns; fit and forecast alone)")
    missed = []
    for what, days in (("whole series", []), ("the last 182 days", ["--days", "182"])):
        ours, theirs = [], []
        for _ in range(runs):
            ours.append(json.loads(call([ets, series, str(LAST - timedelta(days=AHEAD)), str(AHEAD)])))
            theirs.append(json.loads(call([python, HERE / "ets.py", series, str(AHEAD), *days])))
            assert ours[-1]["series"] == theirs[-1]["series"], "the sides forecast different series"
        missed += report(what, ours, theirs)
    return missed


def report(what, ours, theirs):
    rust, peer = (statistics.median(result["seconds"] for result in results) for results in (ours, theirs))
    rmsle = [sum(results[0]["rmsle"]) / 2 for results in (ours, theirs)]
    print(
        f"{ours[0]['series']} series, {what:18}  Rust {rust * 1e3:6.1f} ms, RMSLE {rmsle[0]:.4f}"
        f"  statsforecast {peer * 1e3:6.0f} ms, RMSLE {rmsle[1]:.4f}"
        f"  {peer / rust:5.1f} times as fast"
    )
    return [f"ets, {what}: less than {WANTED} times as fast"] if peer < WANTED * rust else []


if __name__ == "__main__":
    end(compare(peers_python(), DATA / "jhu", int(sys.argv[1]) if len(sys.argv) > 1 else 5))
