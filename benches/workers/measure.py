#!/usr/bin/env python3
"""How long one prediction of many places takes with 1, 2 and 3 workers of a Prefect work pool, and on one machine without.

`make services-up`, then `make bench-workers`. Each run has a store of its own in S3; champion and data are the same, and so
are the committed rows, to the byte. Standard library only.
"""
import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main():
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--places", type=int, default=20_000)
    asked.add_argument("--days", type=int, default=400)
    asked.add_argument("--horizon", type=int, default=28)
    asked.add_argument("--shards", type=int, default=12)
    asked.add_argument("--bin", type=Path, default=Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release")
    asked = asked.parse_args()
    services = servers()
    if services is None:
        print("skipped: no server runs (make services-up starts them)")
        return
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(asked, services, Path(folder))
        bench.prepare()
        print(f"{asked.places} places x {asked.days} days, {asked.horizon} days ahead, {asked.shards} parts, {os.cpu_count()} cores")
        alone, rows = bench.alone()
        print(f"one process, no Prefect        {alone:6.1f} s")
        for workers in (1, 2, 3):
            seconds, same = bench.pool(workers, rows)
            print(f"{workers} worker{'s' if workers > 1 else ' '}, one flow run at once {seconds:6.1f} s  {same}", flush=True)


def servers():
    """The variables of the servers that `make services-up` started."""
    said = subprocess.run([sys.executable, "-B", ROOT / "infra/services/services.py", "env"], capture_output=True, text=True)
    if said.returncode != 0:
        return None
    lines = [line.removeprefix("export ").split("=", 1) for line in said.stdout.splitlines()]
    return {name: value for name, value in lines}


class Bench:
    def __init__(self, asked, services, folder):
        self.asked, self.services, self.folder = asked, services, folder
        self.dataset = f"bench-{uuid.uuid4().hex[:8]}"
        self.prefect = services["COVID_TEST_PREFECT"]
        self.env = {name: value for name, value in os.environ.items() if not name.startswith(("COVID_", "PREFECT_", "AWS_"))}
        self.env |= {
            "COVID_DATASET": self.dataset, "COVID_SOURCE": str(folder / "places"),
            "COVID_PREDICTION_HORIZON": str(asked.horizon), "COVID_PREFECT_POLL_SECONDS": "1",
            "MLFLOW_TRACKING_URI": services["COVID_TEST_MLFLOW"], "PREFECT_API_URL": self.prefect,
            "AWS_ENDPOINT_URL_S3": services["COVID_TEST_S3"], "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ACCESS_KEY_ID": services["COVID_TEST_S3_ADMIN_KEY"],
            "AWS_SECRET_ACCESS_KEY": services["COVID_TEST_S3_ADMIN_SECRET"],
        }

    def run(self, program, *arguments, **variables):
        command = [self.asked.bin / program, "-q", *arguments]
        done = subprocess.run(command, env=self.env | variables, cwd=self.folder, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{program} {arguments}: {done.stderr}")
        return done.stdout

    def prepare(self):
        """Simulates the places, and trains the champion on fifty."""
        days = str(self.asked.days)
        self.run("eda", "simulate", "--locations", str(self.asked.places), "--days", days, "--out", "places")
        self.run("eda", "simulate", "--locations", "50", "--days", days, "--out", "few")
        self.run("exp-track-mod-reg", "--source", "few")

    def store(self):
        return f"s3://{self.services['COVID_TEST_S3_BUCKET']}/bench-{uuid.uuid4().hex}"

    def alone(self):
        store = self.store()
        begin = time.monotonic()
        self.run("deployment", COVID_STORE=store)
        return time.monotonic() - begin, self.rows(store)

    def rows(self, store):
        """A digest of the committed rows."""
        self.run("deployment", "export", "--data-only", "--out", "rows.parquet", COVID_STORE=store)
        return hashlib.sha256((self.folder / "rows.parquet").read_bytes()).hexdigest()

    def pool(self, count, rows):
        store, pool = self.store(), f"{self.dataset}-{count}"
        variables = {"COVID_STORE": store, "COVID_PREFECT_POOL": pool}
        self.run("deployment", "deploy", "--name", pool, "--shards", str(self.asked.shards), **variables)
        command = [self.asked.bin / "deployment", "-q", "worker", "--listen", "127.0.0.1:0"]
        workers = [subprocess.Popen(command, env=self.env | variables, cwd=self.folder) for _ in range(count)]
        try:
            time.sleep(3)
            begin = time.monotonic()
            deployment = self.call(f"deployments/name/predict/{pool}")["id"]
            run = self.call(f"deployments/{deployment}/create_flow_run", {})["id"]
            while (state := self.call(f"flow_runs/{run}")["state_type"]) not in ("COMPLETED", "FAILED", "CRASHED"):
                time.sleep(0.2)
            seconds = time.monotonic() - begin
        finally:
            for worker in workers:
                worker.terminate()
            for worker in workers:
                worker.wait()
        same = "the same rows" if state == "COMPLETED" and self.rows(store) == rows else f"OTHER ROWS ({state})"
        return seconds, same

    def call(self, path, document=None):
        data = None if document is None else json.dumps(document).encode()
        request = urllib.request.Request(f"{self.prefect}/{path}", data, {"content-type": "application/json"})
        for _ in range(20):
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                if error.code != 503:
                    raise
                # Prefect on SQLite is busy at times.
                time.sleep(0.5)
        raise SystemExit(f"{path}: Prefect stays busy")


if __name__ == "__main__":
    main()
