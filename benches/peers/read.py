#!/usr/bin/env python3
"""What `covid_data::load` does, in pandas: one of JHU's layouts from its files to one array, locations x targets x days.

The layouts: `global`, `counties` (two files each, one row a place and one column a day) and `daily` (one file a day, one row
a county or province, added up to provinces and countries). Left out, though the project does them: the recognition of the
layout, the check of every cell and name, what was odd in the files, populations. Done on both sides: repair is not part of
the time, and is not done here.

One line of JSON, as from the example `read_source` of covid-data: `locations`, `days`, `confirmed`, `deaths` (sums over all
counts), `read_seconds` (without the time that Python takes to import pandas) and `peak_bytes` above the start.
"""
import argparse
import json
import re
import time
from pathlib import Path

import numpy as np
import pandas as pd

TARGETS = {"Confirmed": "confirmed", "Deaths": "deaths"}
PLACES = {"global": ["Province/State", "Country/Region"], "counties": ["Admin2", "Province_State", "Country_Region"]}
DAY = re.compile(r"\d+/\d+/\d+")


def series(folder, layout):
    """Both time series, the deaths in the order of the confirmed cases."""
    area, places = ("global" if layout == "global" else "US"), PLACES[layout]
    tables = []
    for name in TARGETS.values():
        [path] = folder.glob(f"time_series_covid19_{name}_{area}.csv*")
        table = pd.read_csv(path)
        table[places] = table[places].fillna("")
        tables.append(table.set_index(places))
    days = [column for column in tables[0] if DAY.fullmatch(column)]
    pd.to_datetime(days, format="%m/%d/%y")
    assert tables[0].index.is_unique
    confirmed, deaths = tables[0][days], tables[1][days].loc[tables[0].index]
    return np.stack([confirmed.to_numpy(float), deaths.to_numpy(float)], axis=1)


def daily(folder, year):
    """The daily reports of one year, folded to (province, country)."""
    reports = []
    for path in sorted(folder.glob(f"*-{year}.csv")):
        report = pd.read_csv(path)
        report = report.rename(columns={"Province/State": "Province_State", "Country/Region": "Country_Region"})
        places = [report["Province_State"].fillna(""), report["Country_Region"]]
        report = report[list(TARGETS)].groupby(places).sum(min_count=1)
        reports.append(report.assign(date=pd.to_datetime(path.stem, format="%m-%d-%Y")).set_index("date", append=True))
    table = pd.concat(reports).unstack("date")
    return np.stack([table[target].to_numpy(float) for target in TARGETS], axis=1)


def memory(name):
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    return None


def main():
    args = argparse.ArgumentParser()
    args.add_argument("layout", choices=["global", "counties", "daily"])
    args.add_argument("folder", type=Path)
    args.add_argument("--year", default="2022")
    args = args.parse_args()
    before, start = memory("VmRSS"), time.perf_counter()
    counts = daily(args.folder, args.year) if args.layout == "daily" else series(args.folder, args.layout)
    seconds = time.perf_counter() - start
    locations, _, days = counts.shape
    confirmed, deaths = np.nansum(counts, axis=(0, 2)).tolist()
    result = {"locations": locations, "days": days, "confirmed": confirmed, "deaths": deaths}
    print(json.dumps(result | {"read_seconds": seconds, "peak_bytes": memory("VmHWM") - before}))


if __name__ == "__main__":
    main()
