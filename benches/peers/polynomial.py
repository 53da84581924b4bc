#!/usr/bin/env python3
"""What `deployment --source FOLDER` does, in pandas and scikit-learn: read JHU's two time series, fit the polynomial of
degree 2 on the 21 pairs of days that end at the as-of date, forecast 7 days for every location, write the rows as CSV.

The conventions are those of the project's `polynomial-2` with `--repair none`. Left out, though the project does them: the
checks of every cell, repair, quantiles, digests, the copy of the panel that was read (vintage), plan, Parquet part and
manifest, and the printed table. Done here, though the project finds it in its registry: the fit.
"""
import argparse

import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import PolynomialFeatures

PAIRS, DEGREE = 21, 2
KEYS = ["Province/State", "Country/Region"]
TARGETS = {"ConfirmedCases": "confirmed", "Fatalities": "deaths"}


def read(folder):
    tables = [pd.read_csv(f"{folder}/time_series_covid19_{name}_global.csv") for name in TARGETS.values()]
    assert tables[0][KEYS].equals(tables[1][KEYS]) and list(tables[0]) == list(tables[1])
    days = pd.to_datetime(tables[0].columns[4:], format="%m/%d/%y")
    counts = np.stack([table.iloc[:, 4:].to_numpy(float) for table in tables], -1)
    return tables[0][KEYS], days, np.log1p(np.maximum(counts, 0))


def forecast(x, horizon):
    """x: locations x days x targets, on ln(1 + count)."""
    expand = PolynomialFeatures(DEGREE, include_bias=False)
    yesterday, today = x[:, -PAIRS - 1 : -1].reshape(-1, 2), x[:, -PAIRS:].reshape(-1, 2)
    model = LinearRegression().fit(expand.fit_transform(yesterday), today)
    now, path = x[:, -1], []
    for _ in range(horizon):
        now = model.predict(expand.transform(now))
        path.append(now)
    return np.maximum(np.expm1(np.stack(path, 1)), 0)


def rows(places, as_of, points):
    country, province = places["Country/Region"], places["Province/State"]
    names = country.where(province.isna(), province + ", " + country)
    count, horizon, targets = points.shape
    index = pd.MultiIndex.from_product([range(count), list(TARGETS), range(1, horizon + 1)])
    place, target, ahead = (index.get_level_values(level).to_numpy() for level in range(3))
    table = pd.DataFrame(
        {
            "location": names.to_numpy()[place],
            "Admin2": None,
            "Province_State": province.to_numpy()[place],
            "Country_Region": country.to_numpy()[place],
            "target": target,
            "date": as_of + pd.to_timedelta(ahead, unit="D"),
            "horizon": ahead,
            "point": points.transpose(0, 2, 1).ravel(),
            "model_name": "pandas and scikit-learn",
            "model_version": "polynomial-2",
        }
    )
    return table.sort_values(["location", "target", "date"])


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--source", required=True)
    args.add_argument("--as-of", type=pd.Timestamp)
    args.add_argument("--horizon", type=int, default=7)
    args.add_argument("--out", required=True)
    args = args.parse_args()
    places, days, x = read(args.source)
    as_of = args.as_of or days[-1]
    x = x[:, : days.get_loc(as_of) + 1]
    table = rows(places, as_of, forecast(x, args.horizon))
    table.to_csv(args.out, index=False)
    print(f"{len(table)} rows in {args.out}")


if __name__ == "__main__":
    main()
