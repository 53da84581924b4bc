#!/usr/bin/env python3
"""Reading alone: `covid_data::load` and pandas bring the same files into the same shape, side by side in one run.

Each side is a fresh process, in turns, that says itself how long it took to read: the time that Python needs to import pandas
does not count. Shapes and sums of all counts must agree. `compare.py` calls this; alone it needs the real data.

Usage: reading.py [RUNS]
"""
import json
import statistics
import sys
import tempfile
from pathlib import Path

from harness import DATA, HERE, build, call, end, peers_python

# The contract: at least so many times as fast as pandas; milliseconds for reading and repair, by layout; and memory above the
# start, in sizes of the panel, for the counties.
WANTED = 5
MOST_MILLISECONDS = {"global": 60, "counties": 600, "daily": 150}
MOST_PANELS = 3


def compare(python, series, scratch, runs):
    """Prints a line for each layout, and returns what misses the contract; `series` is a folder of global series, real or
    simulated."""
    read_source = build() / "examples" / "read_source"
    print(f"\nreading alone (medians of {runs} runs each, in turns; without the start of the process)")
    missed = []
    for layout, what, folder in layouts(series, scratch):
        if folder is None:
            print(f"{what:38}  skipped: there are no real data")
            continue
        ours, theirs = [], []
        for run in range(runs + 1):
            rust = json.loads(call([read_source, folder]))
            peer = json.loads(call([python, HERE / "read.py", layout, folder]))
            for key in ("locations", "days", "confirmed", "deaths"):
                assert rust[key] == peer[key], f"{layout}: {key} is {rust[key]} in Rust, {peer[key]} in pandas"
            if run:  # the first of each warms the file cache and does not count
                ours.append(rust)
                theirs.append(peer)
        missed += [f"{layout}: {miss}" for miss in report(layout, what, ours, theirs)]
    return missed


def layouts(series, scratch):
    """Name, description and folder of each layout; no folder where there are no data."""
    counties = DATA / "us_counties"
    return [
        ("global", "global series, 289 x 1143", series),
        ("counties", "US counties, 3340 x 1143, gzip", counties if counties.is_dir() else None),
        ("daily", "32 daily reports of 2022", reports_of_2022(scratch)),
    ]


def reports_of_2022(scratch):
    """A folder with the daily reports of one year alone."""
    reports = sorted((DATA / "daily_reports").glob("*-2022.csv"))
    if not reports:
        return None
    folder = Path(scratch) / "daily_reports"
    folder.mkdir()
    for report in reports:
        (folder / report.name).symlink_to(report)
    return folder


def report(layout, what, ours, theirs):
    """Prints what was measured, and returns what of the contract is missed."""
    median = lambda results, key: statistics.median(result[key] for result in results)
    rust, pandas = median(ours, "read_seconds"), median(theirs, "read_seconds")
    memory = [max(result["peak_bytes"] for result in results) / 2**20 for results in (ours, theirs)]
    repaired = (rust + median(ours, "repair_seconds")) * 1e3
    panels = max(result["peak_bytes"] / result["panel_bytes"] for result in ours)
    print(
        f"{what:32}  Rust {rust * 1e3:6.1f} ms, {memory[0]:4.0f} MiB"
        f"  pandas {pandas * 1e3:6.0f} ms, {memory[1]:4.0f} MiB"
        f"  {pandas / rust:5.1f} times as fast"
        f"  (with repair {repaired:.1f} ms, {MOST_MILLISECONDS[layout]} allowed; memory {panels:.1f} times the panel)"
    )
    checks = {
        f"less than {WANTED} times as fast": pandas < WANTED * rust,
        f"{repaired:.0f} ms": repaired > MOST_MILLISECONDS[layout],
        f"{panels:.1f} times the panel in memory": layout == "counties" and panels > MOST_PANELS,
    }
    return [miss for miss, is_missed in checks.items() if is_missed]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="covid-peers-") as scratch:
        end(compare(peers_python(), DATA / "jhu", scratch, int(sys.argv[1]) if len(sys.argv) > 1 else 9))
