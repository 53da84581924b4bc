#!/usr/bin/env python3
"""`make bench-peers`: the release `deployment` and the capstone's job in pandas and scikit-learn, side by side in one run;
then the reading of each layout alone (`reading.py`), and exponential smoothing alone (`smoothing.py`).

Both are timed as whole processes, in turns, on the same files. The Rust side has a champion in its registry, as the contract
says; each of its runs starts from a copy of a store that holds the registry and nothing else (the copy is not timed), so
that it reads, checks, repairs, predicts and commits anew. Only Python's standard library is used here.

Usage: compare.py [RUNS]
"""
import csv
import json
import math
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

import reading
import smoothing
from harness import DATA, HERE, build, call, end, peers_python, timed

# As of this date, within the real data and the simulated ones, the champion is trained, and `polynomial-2` is held to be the
# same model on both sides.
CHECKED = "2022-11-01"


def main():
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    programs = build()
    python = peers_python()
    with tempfile.TemporaryDirectory(prefix="covid-peers-") as scratch:
        scratch = Path(scratch)
        if (DATA / "jhu").is_dir():
            source, what = DATA / "jhu", "JHU's final series, 289 locations x 1143 days"
        else:
            source, what = scratch / "simulated", "simulated, 289 locations x 1143 days"
            call([programs / "eda", "-q", "simulate", "--locations", "289", "--days", "1143", "--out", source])
        prepared = scratch / "prepared"
        train = [programs / "exp-track-mod-reg", "--source", source, "--store", f"file:{prepared}", "--as-of", CHECKED]
        train += ["--format", "json", "-q"]
        champion = json.loads(call(train))["spec"]

        print(f"source: {what}; champion: {champion}")
        check_polynomial(python, programs, source, scratch)
        rust_times, rust_kb, python_times, python_kb = [], [], [], []
        for run in range(runs + 1):
            store = fresh(prepared, scratch / "store")
            rust = timed([programs / "deployment", "--source", source, "--store", f"file:{store}", "-q"])
            committed = list(store.glob("*/predictions/commits/*/*.json"))
            assert len(committed) == 1, "the Rust side did not do its work"
            out = scratch / "predictions.csv"
            out.unlink(missing_ok=True)
            peer = timed([python, HERE / "polynomial.py", "--source", source, "--out", out])
            assert rows(out) == json.loads(committed[0].read_text())["rows"], "the sides made different numbers of rows"
            if run:  # the first of each warms the file cache and does not count
                for (seconds, kb), times, peaks in ((rust, rust_times, rust_kb), (peer, python_times, python_kb)):
                    times.append(seconds)
                    peaks.append(kb)
        report("Rust", rust_times, rust_kb)
        report("Python", python_times, python_kb)
        ratio = statistics.median(python_times) / statistics.median(rust_times)
        print(f"Rust is {ratio:.1f} times as fast (medians of {runs} runs each, in turns)")
        end(reading.compare(python, source, scratch, runs) + smoothing.compare(python, source, 5))


def fresh(prepared, store):
    shutil.rmtree(store, ignore_errors=True)
    shutil.copytree(prepared, store)
    return store


def rows(path):
    with open(path, newline="") as file:
        return sum(1 for _ in csv.DictReader(file))


def points(path):
    with open(path, newline="") as file:
        rows = (row for row in csv.DictReader(file) if row.get("measure", "cumulative") == "cumulative")
        return {(row["location"], row["target"], row["date"]): float(row["point"]) for row in rows}


def check_polynomial(python, programs, source, scratch):
    """Both sides fit polynomial-2 as of the same date: their forecasts must be the same but for rounding."""
    ours, theirs = scratch / "ours.csv", scratch / "theirs.csv"
    origin = ["--from", CHECKED, "--every", "365d", "--horizon", "7", "--models", "polynomial-2", "--out", ours]
    call([programs / "exp-track-mod-reg", "--source", source, "--repair", "none", "-q", "backtest", *origin])
    call([python, HERE / "polynomial.py", "--source", source, "--as-of", CHECKED, "--out", theirs])
    ours, theirs = points(ours), points(theirs)
    assert ours.keys() == theirs.keys(), "the sides name different rows"
    worst = max(abs(math.log1p(ours[key]) - math.log1p(theirs[key])) for key in ours)
    assert worst < 1e-6, f"the forecasts as of {CHECKED} differ by {worst} on ln(1 + count)"
    print(f"check: {len(ours)} forecasts of polynomial-2 as of {CHECKED} agree to {worst:.0e} on ln(1 + count)")


def report(side, times, kilobytes):
    median, low, high = statistics.median(times), min(times), max(times)
    print(f"{side:6}  median {median:.3f} s  (from {low:.3f} to {high:.3f})  peak memory {max(kilobytes) / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
