#!/usr/bin/env python3
"""What the example `ets` of covid-training does, by Nixtla's statsforecast: a damped trend on ln(1 + count) for every series.

AutoETS with season_length 1, model ZZN, damped, on two processes. Reading does not count, nor does the import or the
compilation by numba (a forecast of a few series before). It chooses among error and trend types by likelihood, and estimates
the first state; the project's `ets` estimates the three parameters by least squares over the last 182 days. `--days 182` gives
it the same days.

One line of JSON: `series`, `seconds` and `rmsle` (of the two targets, all days ahead).
"""
import argparse
import json
import time
from pathlib import Path

import numpy as np
import pandas as pd
from statsforecast import StatsForecast
from statsforecast.models import AutoETS

from read import series


def long_table(x):
    places, days = x.shape
    return pd.DataFrame(
        {
            "unique_id": np.repeat(np.arange(places), days),
            "ds": np.tile(np.arange(1, days + 1), places),
            "y": x.ravel(),
        }
    )


def main():
    args = argparse.ArgumentParser()
    args.add_argument("folder", type=Path)
    args.add_argument("ahead", type=int, help="the forecast is made so many days before the last one, for so many days")
    args.add_argument("--days", type=int, help="use the last days alone")
    args = args.parse_args()
    counts = np.maximum(series(args.folder, "global"), 0)
    x = np.log1p(counts).reshape(-1, counts.shape[-1])
    known, later = x[:, : -args.ahead], x[:, -args.ahead :]
    known = known[:, -args.days :] if args.days else known

    forecaster = StatsForecast(models=[AutoETS(season_length=1, model="ZZN", damped=True)], freq=1, n_jobs=2)
    forecaster.forecast(df=long_table(known[:4]), h=args.ahead)
    table = long_table(known)
    start = time.perf_counter()
    forecast = forecaster.forecast(df=table, h=args.ahead)
    seconds = time.perf_counter() - start

    points = forecast["AutoETS"].to_numpy(float).reshape(later.shape)
    errors = ((np.maximum(points, 0) - later) ** 2).reshape(-1, 2, args.ahead)
    rmsle = np.sqrt(errors.mean(axis=(0, 2))).tolist()
    print(json.dumps({"series": len(x), "seconds": seconds, "rmsle": rmsle}))


if __name__ == "__main__":
    main()
