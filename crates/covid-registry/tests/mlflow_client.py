"""What MLflow's own client sees of what the Rust side wrote, as JSON; and a promotion made with it.

    mlflow_client.py read URI EXPERIMENT MODEL
    mlflow_client.py promote URI MODEL VERSION

The live tests run it with the Python that COVID_TEST_MLFLOW_PYTHON names, in which MLflow is installed.
"""

import hashlib
import json
import math
import sys
import tempfile
from pathlib import Path

import mlflow
from mlflow import MlflowClient


def read(uri, experiment_name, model):
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name(experiment_name)
    runs = client.search_runs([experiment.experiment_id], order_by=["metrics.rmsle ASC"])
    return {"runs": [run_as_json(client, run) for run in runs], "model": model_as_json(client, model)}


def run_as_json(client, run):
    return {
        "run_id": run.info.run_id,
        "name": run.info.run_name,
        "status": run.info.status,
        "start_ms": run.info.start_time,
        "end_ms": run.info.end_time,
        "params": run.data.params,
        "metrics": run.data.metrics,
        "tags": run.data.tags,
        "history": {key: history(client, run, key) for key in run.data.metrics},
        "datasets": [
            {"name": it.dataset.name, "digest": it.dataset.digest, "context": {tag.key: tag.value for tag in it.tags}}
            for it in run.inputs.dataset_inputs
        ],
        "logged_models": [logged_model(client, it.model_id) for it in run.outputs.model_outputs],
        "artifacts": digests(lambda folder: mlflow.artifacts.download_artifacts(run_id=run.info.run_id, dst_path=folder)),
    }


def history(client, run, key):
    metrics = client.get_metric_history(run.info.run_id, key)
    return sorted([it.step, it.timestamp, it.value] for it in metrics)


def logged_model(client, model_id):
    model = client.get_logged_model(model_id)
    return {
        "name": model.name,
        "status": str(model.status.value if hasattr(model.status, "value") else model.status),
        "params": model.params,
        "metrics": sorted([it.key, it.step, it.value] for it in model.metrics or []),
        "files": digests(lambda folder: mlflow.artifacts.download_artifacts(f"models:/{model_id}", dst_path=folder)),
    }


def model_as_json(client, name):
    versions = [
        {
            "version": int(it.version),
            "stage": it.current_stage,
            "run_id": it.run_id,
            "source": it.source,
            "status": it.status,
            "description": it.description,
            "tags": it.tags,
        }
        for it in client.search_model_versions(f"name='{name}'")
    ]
    aliases = client.get_registered_model(name).aliases
    by_alias = {alias: int(client.get_model_version_by_alias(name, alias).version) for alias in aliases}
    in_production = [int(it.version) for it in client.get_latest_versions(name, ["Production"])]
    champion = None
    if "champion" in aliases:
        champion = digests(lambda folder: mlflow.artifacts.download_artifacts(f"models:/{name}@champion", dst_path=folder))
    return {
        "description": client.get_registered_model(name).description,
        "versions": sorted(versions, key=lambda it: it["version"]),
        "by_alias": by_alias,
        "in_production": in_production,
        "champion_files": champion,
    }


def digests(download):
    """SHA-256 of every file that is downloaded, by its path; without the note that the client itself adds to a model."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(download(folder))
        files = sorted(it for it in root.rglob("*") if it.is_file() and it.name != "registered_model_meta")
        return {it.relative_to(root).as_posix(): hashlib.sha256(it.read_bytes()).hexdigest() for it in files}


def promote(uri, model, version):
    client = MlflowClient(uri)
    client.set_registered_model_alias(model, "champion", version)
    return {"champion": int(client.get_model_version_by_alias(model, "champion").version)}


def as_json(value):
    """The same, with NaN as text: JSON has no such number."""
    if isinstance(value, dict):
        return {key: as_json(it) for key, it in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(it) for it in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def main():
    command, uri, *rest = sys.argv[1:]
    mlflow.set_tracking_uri(uri)
    print(json.dumps(as_json({"read": read, "promote": promote}[command](uri, *rest)), allow_nan=False))


if __name__ == "__main__":
    main()
