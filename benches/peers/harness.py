"""What the comparisons share: the peers' interpreter, the release programs, and running both. Standard library only."""
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "covid-peers"
# The real data, where there are any.
DATA = Path(os.environ.get("COVID_TEST_DATA") or ROOT / ".." / "shared" / "data").resolve()


def peers_python():
    """The interpreter of a virtual environment with the pinned packages, made when missing."""
    wanted = (HERE / "requirements.txt").read_bytes()
    folder = CACHE / hashlib.sha256(wanted).hexdigest()[:12]
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        shutil.rmtree(CACHE, ignore_errors=True)  # of other versions: one environment is kept
        print(f"installing {', '.join(wanted.decode().split())}", file=sys.stderr)
        call([sys.executable, "-m", "venv", folder])
        call([python, "-m", "pip", "install", "--quiet", "-r", HERE / "requirements.txt"])
        (folder / "complete").touch()
    return python


def build():
    """Builds the release programs and examples, all in one so that nothing is built twice, and returns their folder."""
    subprocess.run(["cargo", "build", "--quiet", "--release", "--workspace", "--bins", "--examples"], cwd=ROOT, check=True)
    metadata = call(["cargo", "metadata", "--no-deps", "--format-version", "1"])
    return Path(json.loads(metadata)["target_directory"]) / "release"


def call(command, settings=None):
    """Standard output of a command; the caller's own COVID_* settings do not reach it."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("COVID_")} | (settings or {})
    return subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout


def timed(command):
    """Wall seconds and peak memory (KB) of a process, from its start to its end."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("COVID_")}
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"{command[0]} ended with {process.returncode}"
    return seconds, usage.ru_maxrss


def end(missed):
    """Ends with an error if something of the contract is missed."""
    if missed:
        sys.exit("the contract is missed: " + "; ".join(missed))
