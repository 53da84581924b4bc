#!/usr/bin/env python3
"""`make deploy`, `make smoke` and `make rollback`: what is done at Prefect around a new version of the flows.

The server is PREFECT_API_URL, with PREFECT_API_KEY (Prefect Cloud) or PREFECT_API_AUTH_STRING (USER:PASSWORD of a server of
one's own), as for Prefect's own client. Needs Python 3.11 or later, and its standard library only.

Usage: deployments.py save FILE | restore FILE | run FLOW/NAME [SECONDS]
    save     writes the deployments of the project's flows to FILE
    restore  puts them back as they were; one that was made since is paused, not deleted, for what it did may matter
    run      makes a flow run of a deployment and waits for its end, at most SECONDS (900), then it is cancelled

Exit codes: 0 done, and the flow run is Completed; 1 the flow run ended otherwise, or not in time; 2 bad usage; 4 Prefect does
not answer, or refuses.
"""
import base64
import http.client
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from pathlib import Path

FLOWS = ["train-and-promote", "predict", "predict-shard", "monitor", "deliver"]
# What a deployment is. The rest is Prefect's: ids, times, states.
FIELDS = ["name", "version", "description", "tags", "labels", "parameters", "parameter_openapi_schema", "enforce_parameter_schema",
          "paused", "schedules", "concurrency_limit", "concurrency_options", "work_pool_name", "work_queue_name", "job_variables",
          "entrypoint", "path", "pull_steps"]
SCHEDULE_FIELDS = ["schedule", "active", "max_scheduled_runs", "parameters", "slug"]
FINAL = {"COMPLETED", "FAILED", "CANCELLED", "CRASHED"}
PAGE = 200
TRIES = 6
POLL_SECONDS = float(os.environ.get("POLL_SECONDS", 5))


class Refused(Exception):
    """Prefect's answer, or its silence."""

    def __init__(self, message, status=None, hint="look at PREFECT_API_URL, and at the key or user if it asks for one"):
        super().__init__(message)
        self.status = status
        self.hint = hint


def save(file):
    deployments = found()
    write(Path(file), json.dumps({"format": 1, "flows": FLOWS, "deployments": deployments}, indent=1, sort_keys=True))
    print(f"saved {len(deployments)} deployments to {file}")


def restore(file):
    saved = {key(deployment): deployment for deployment in json.loads(Path(file).read_text())["deployments"]}
    # One that cannot be put back keeps none of the others from it.
    faults = list(filter(None, map(fault_of_putting, saved.values())))
    present = {key(deployment): deployment for deployment in found()}
    for name in present.keys() - saved.keys():
        if not present[name]["paused"]:
            call("PATCH", f"deployments/{id_of(present[name])}", {"paused": True})
            print(f"{name}: paused; it was not there before")
    for name, before in saved.items():
        fields = [field for field in before if before[field] != present.get(name, {}).get(field)]
        if fields and not faults:
            faults.append(f"{name} is not as it was: {', '.join(fields)}")
    if faults:
        raise Refused("; ".join(faults), hint=f"{file} has what they were: put right what is said, and restore again")
    print(f"put back {len(saved)} deployments from {file}")


def fault_of_putting(deployment):
    try:
        put(deployment)
    except Refused as error:
        return f"{key(deployment)} cannot be put back: {error}"


def run(name, seconds="900"):
    end = time.monotonic() + float(seconds)
    deployment = call("GET", f"deployments/name/{urllib.parse.quote(name)}")
    # With the key, a try that is made again makes no second flow run.
    body = {"name": f"smoke-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}", "tags": ["smoke"],
            "idempotency_key": str(uuid.uuid4())}
    flow_run = call("POST", f"deployments/{deployment['id']}/create_flow_run", body)
    print(f"{name}: flow run {flow_run['name']}, {page(flow_run['id'])}", flush=True)
    while (state := flow_run["state"])["type"] not in FINAL:
        if time.monotonic() > end:
            # Its worker ends it when it sees the wish; where none has it, Prefect does.
            call("POST", f"flow_runs/{flow_run['id']}/set_state", {"state": {"type": "CANCELLING"}})
            print(f"{name}: {state['name']} after {seconds} s: cancelled")
            return False
        time.sleep(POLL_SECONDS)
        flow_run = call("GET", f"flow_runs/{flow_run['id']}")
    print(f"{name}: {state['name']}{': ' + state['message'] if state.get('message') else ''}")
    return state["type"] == "COMPLETED"


def found():
    """The deployments of the project's flows, in the order of their names."""
    flows = {flow["id"]: flow["name"] for flow in pages("flows/filter", {"flows": {"name": {"any_": FLOWS}}})}
    wanted = {"flows": {"name": {"any_": FLOWS}}}
    return sorted((picture(one, flows[one["flow_id"]]) for one in pages("deployments/filter", wanted)), key=key)


def picture(deployment, flow):
    fields = {field: deployment[field] for field in FIELDS if field in deployment}
    # It is given under one name and shown under another.
    fields["concurrency_limit"] = (deployment.get("global_concurrency_limit") or {}).get("limit")
    # None, an empty one and this one say the same, and Prefect makes one of another.
    fields["parameter_openapi_schema"] = deployment.get("parameter_openapi_schema") or {"type": "object", "properties": {}}
    schedules = [{field: one[field] for field in SCHEDULE_FIELDS if field in one} for one in deployment["schedules"]]
    return fields | {"flow": flow, "schedules": sorted(schedules, key=lambda one: json.dumps(one, sort_keys=True))}


def put(deployment):
    """Makes it, or changes the one of its name. Prefect's PATCH will not do: it keeps schedules that have a slug."""
    flow = call("POST", "flows/", {"name": deployment["flow"]})
    body = {name: value for name, value in deployment.items() if name != "flow"}
    call("POST", "deployments/", body | {"flow_id": flow["id"]})


def key(deployment):
    return f"{deployment['flow']}/{deployment['name']}"


def id_of(deployment):
    return call("GET", f"deployments/name/{urllib.parse.quote(key(deployment))}")["id"]


def pages(path, body):
    offset = 0
    while True:
        rows = call("POST", path, body | {"limit": PAGE, "offset": offset})
        yield from rows
        offset += PAGE
        if len(rows) < PAGE:
            return


def page(flow_run):
    """Where a person sees it."""
    address = os.environ.get("PREFECT_UI_URL") or api().removesuffix("/api")
    if "/api/accounts/" in address:
        host, place = address.split("/api/accounts/", 1)
        account, _, workspace = place.partition("/workspaces/")
        address = f"{host.replace('//api.', '//app.')}/account/{account}/workspace/{workspace}"
    return f"{address}/runs/flow-run/{flow_run}"


def api():
    url = os.environ.get("PREFECT_API_URL", "").rstrip("/")
    if not url.startswith(("http://", "https://")):
        usage("PREFECT_API_URL is not the address of Prefect's API", "as in http://127.0.0.1:4200/api")
    return url


def call(method, path, body=None):
    """Asks again when what failed may pass: no connection, a time-out, too much at once, an error of the server."""
    for left in reversed(range(TRIES)):
        try:
            return ask(method, path, body)
        except Refused as error:
            passing = error.status is None or error.status in (408, 429) or error.status >= 500
            if not passing or left == 0:
                raise
            time.sleep(0.5 * 2 ** (TRIES - 1 - left))


def ask(method, path, body):
    request = urllib.request.Request(f"{api()}/{path}", None if body is None else json.dumps(body).encode(),
                                     {"Content-Type": "application/json"} | authorization(), method=method)
    try:
        with OPENER.open(request, timeout=30) as answer:
            text = answer.read()
            return json.loads(text) if text else None
    except urllib.error.HTTPError as error:
        said = error.read(500).decode(errors="replace")
        raise Refused(f"{method} {path} at Prefect: HTTP {error.code}: {said}", error.code) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Refused(f"{method} {path} at Prefect: {getattr(error, 'reason', error)}") from None


def authorization():
    if api_key := os.environ.get("PREFECT_API_KEY"):
        return {"Authorization": f"Bearer {api_key}"}
    if user := os.environ.get("PREFECT_API_AUTH_STRING"):
        return {"Authorization": f"Basic {base64.b64encode(user.encode()).decode()}"}
    return {}


class Stay(urllib.request.HTTPRedirectHandler):
    """The key is for one server: no answer sends it to another."""

    def redirect_request(self, *_):
        return None


OPENER = urllib.request.build_opener(Stay)


def write(path, text):
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(path.name + ".new")
    new.touch(mode=0o600)
    new.write_text(text + "\n")
    new.replace(path)


def usage(message, hint):
    print(f"error: {message}\nhint: {hint}", file=sys.stderr)
    sys.exit(2)


def main(arguments):
    commands = {"save": (save, 1, 1), "restore": (restore, 1, 1), "run": (run, 1, 2)}
    command, least, most = commands.get(arguments[0] if arguments else "", (None, 0, 0))
    if command is None or not least <= len(arguments) - 1 <= most:
        usage("not a command of deployments.py: " + (" ".join(arguments) or "nothing"), __doc__.split("Usage: ")[1].split("\n")[0])
    try:
        return 0 if command(*arguments[1:]) is not False else 1
    except Refused as error:
        print(f"error: {error}\nhint: {error.hint}", file=sys.stderr)
        return 4
    except (OSError, ValueError, KeyError, TypeError) as error:
        usage(f"{' '.join(arguments)}: {error}", "FILE is one that `save` wrote, SECONDS a number")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
