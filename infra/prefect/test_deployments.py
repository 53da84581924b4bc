#!/usr/bin/env python3
"""`make test-live`: deploy, smoke and rollback, and the worker's queue (worker.yaml), at a real Prefect server.

The server is COVID_TEST_PREFECT (`make services-up`). The recipes are run once with the programs themselves; the rest changes
deployments and carries out flow runs by plain calls.
"""
import contextlib
import importlib.util
import io
import os
import re
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
import types
import unittest
import uuid
from pathlib import Path
from unittest import mock

HERE = Path(__file__).resolve().parent
SERVER = os.environ.get("COVID_TEST_PREFECT")
# Seconds for what comes at once, unless the machine is busy with other things.
PATIENCE = 180

spec = importlib.util.spec_from_file_location("deployments", HERE / "deployments.py")
deployments = importlib.util.module_from_spec(spec)
spec.loader.exec_module(deployments)


class Prefect(unittest.TestCase):
    def setUp(self):
        self.enterContext(mock.patch.dict(os.environ, {"PREFECT_API_URL": SERVER}))
        # Flows of the test's own, so that other tests at the same server do not see them.
        self.flow = f"rollback-{uuid.uuid4().hex[:8]}"
        self.enterContext(mock.patch.object(deployments, "FLOWS", [self.flow]))
        self.enterContext(mock.patch.object(deployments, "POLL_SECONDS", 0.1))
        self.file = Path(self.enterContext(tempfile.TemporaryDirectory())) / "saved" / "deployments.json"
        self.pool = f"{self.flow}-pool"
        deployments.call("POST", "work_pools/", {"name": self.pool, "type": "covid"})
        self.addCleanup(deployments.call, "DELETE", f"work_pools/{self.pool}")
        self.flow_id = deployments.call("POST", "flows/", {"name": self.flow})["id"]
        self.addCleanup(deployments.call, "DELETE", f"flows/{self.flow_id}")

    def make(self, name, **fields):
        body = {"name": name, "flow_id": self.flow_id, "work_pool_name": self.pool} | fields
        return deployments.call("POST", "deployments/", body)

    def say(self, *arguments):
        """Exit code, stdout and stderr of the program."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = deployments.main([str(argument) for argument in arguments])
            except SystemExit as end:
                code = end.code
        return code, out.getvalue(), err.getvalue()


class Rollback(Prefect):
    def test_what_was_changed_deleted_or_added_is_put_back(self):
        cron = {"schedule": {"cron": "20 12 * * *", "timezone": "Europe/Berlin"}, "active": True, "slug": "noon"}
        self.make("changed", version="1", tags=["old"], parameters={"horizon": 7}, schedules=[cron], concurrency_limit=3)
        self.make("plain")
        gone = self.make("deleted", version="1", parameters={"shards": 4}, schedules=[{"schedule": {"interval": 3600}}])
        self.assertEqual(self.say("save", self.file), (0, f"saved 3 deployments to {self.file}\n", ""))
        before = deployments.found()
        self.assertEqual(before[0]["schedules"][0]["slug"], "noon")
        self.assertEqual(before[0]["concurrency_limit"], 3)

        other = {"schedule": {"cron": "0 3 * * *", "timezone": "UTC"}, "active": False, "slug": "night"}
        self.make("changed", version="2", tags=["new"], parameters={"horizon": 9}, schedules=[other], paused=True)
        self.make("plain", description="no longer", version="2", schedules=[cron], concurrency_limit=1)
        deployments.call("DELETE", f"deployments/{gone['id']}")
        self.make("added", schedules=[cron])
        self.assertNotEqual(deployments.found(), before)

        code, out, err = self.say("restore", self.file)
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(out, f"{self.flow}/added: paused; it was not there before\nput back 3 deployments from {self.file}\n")
        after = deployments.found()
        self.assertEqual([one for one in after if one["name"] != "added"], before)
        self.assertTrue(after[0]["paused"])
        raw = deployments.call("GET", f"deployments/name/{self.flow}/changed")
        wanted = {"version": "1", "tags": ["old"], "parameters": {"horizon": 7}, "paused": False, "work_pool_name": self.pool}
        self.assertEqual({name: raw[name] for name in wanted}, wanted)
        self.assertEqual([(one["schedule"]["cron"], one["schedule"]["timezone"], one["active"]) for one in raw["schedules"]],
                         [("20 12 * * *", "Europe/Berlin", True)])
        # Again: nothing is left to do, and nothing happens.
        self.assertEqual(self.say("restore", self.file)[1], f"put back 3 deployments from {self.file}\n")

    def test_one_that_cannot_be_put_back_is_named_and_the_others_are(self):
        pool = f"{self.pool}-other"
        deployments.call("POST", "work_pools/", {"name": pool, "type": "covid"})
        self.make("a", work_pool_name=pool)
        self.make("b", version="1")
        self.say("save", self.file)
        deployments.call("DELETE", f"work_pools/{pool}")
        self.make("b", version="2")
        code, _, err = self.say("restore", self.file)
        self.assertEqual(code, 4)
        self.assertRegex(err, f"^error: {self.flow}/a cannot be put back: .*HTTP 404.*\nhint: ")
        self.assertEqual([one["version"] for one in deployments.found()], [None, "1"])

    def test_the_file_is_for_its_owner_and_a_wrong_one_is_refused(self):
        self.say("save", self.file)
        self.assertEqual(self.file.stat().st_mode & 0o777, 0o600)
        self.file.write_text("[]")
        code, _, err = self.say("restore", self.file)
        self.assertEqual(code, 2)
        self.assertIn("hint:", err)

    def test_more_than_a_page_is_saved(self):
        for number in range(5):
            self.make(f"number-{number}")
        with mock.patch.object(deployments, "PAGE", 2):
            self.assertEqual(len(deployments.found()), 5)


class Smoke(Prefect):
    def test_a_completed_flow_run_is_success_and_its_page_is_named(self):
        self.make("today")
        with self.worker("COMPLETED"):
            code, out, err = self.say("run", f"{self.flow}/today", PATIENCE)
        self.assertEqual(code, 0, out + err)
        self.assertRegex(out, rf"{SERVER.removesuffix('/api')}/runs/flow-run/[0-9a-f-]{{36}}\n.*: Completed\n")

    def test_a_failed_flow_run_is_not(self):
        self.make("today")
        with self.worker("FAILED", "no champion"):
            code, out, _ = self.say("run", f"{self.flow}/today", PATIENCE)
        self.assertEqual(code, 1)
        self.assertTrue(out.endswith(": Failed: no champion\n"), out)

    def test_a_flow_run_that_nobody_takes_is_cancelled(self):
        made = self.make("today")
        code, out, _ = self.say("run", f"{self.flow}/today", 0.5)
        self.assertEqual(code, 1)
        self.assertTrue(out.endswith(" after 0.5 s: cancelled\n"), out)
        flow_runs = deployments.call("POST", "flow_runs/filter", {"deployments": {"id": {"any_": [made["id"]]}}})
        self.assertEqual([one["state"]["type"] for one in flow_runs], ["CANCELLED"])

    def test_what_is_wrong_is_said_without_the_key(self):
        code, _, err = self.say("run", f"{self.flow}/nothing")
        self.assertEqual(code, 4)
        self.assertIn("HTTP 404", err)
        with mock.patch.object(deployments, "TRIES", 2), \
                mock.patch.dict(os.environ, {"PREFECT_API_URL": "http://127.0.0.1:1/api", "PREFECT_API_KEY": "pnu_secret"}):
            code, _, err = self.say("save", self.file)
        self.assertEqual(code, 4)
        self.assertNotIn("pnu_secret", err)
        self.assertFalse(self.file.exists())

    def test_what_passes_is_asked_again(self):
        away = deployments.Refused("away", 503)
        with mock.patch.object(deployments, "ask", side_effect=[away, deployments.Refused("silent"), "answer"]), \
                mock.patch.object(time, "sleep") as sleep:
            self.assertEqual(deployments.call("GET", "flows"), "answer")
        self.assertEqual([call.args[0] for call in sleep.call_args_list], [0.5, 1.0])
        refused = deployments.Refused("no", 422)
        with mock.patch.object(deployments, "ask", side_effect=[refused]), self.assertRaises(deployments.Refused):
            deployments.call("GET", "flows")

    @contextlib.contextmanager
    def worker(self, state, message=None):
        """Takes the pool's first flow run and brings it to this state."""
        def work():
            end = time.monotonic() + PATIENCE
            while time.monotonic() < end:
                taken = deployments.call("POST", f"work_pools/{self.pool}/get_scheduled_flow_runs", {})
                for flow_run in taken:
                    for kind in ("PENDING", "RUNNING", state):
                        body = {"state": {"type": kind, "message": message if kind == state else None}}
                        deployments.call("POST", f"flow_runs/{flow_run['flow_run']['id']}/set_state", body)
                if taken:
                    return
                time.sleep(0.1)

        thread = threading.Thread(target=work)
        thread.start()
        yield
        thread.join()


class Queue(Prefect):
    """The function in worker.yaml whose metrics the workers are scaled by, with AWS's library replaced."""

    def test_due_and_open_flow_runs_are_counted(self):
        made = self.make("work")
        create = f"deployments/{made['id']}/create_flow_run"
        self.assertEqual(self.metrics(), {"DueFlowRuns": 0, "OpenFlowRuns": 0})
        deployments.call("POST", create, {})
        running = deployments.call("POST", create, {})
        later = {"type": "SCHEDULED", "state_details": {"scheduled_time": "2100-01-01T00:00:00Z"}}
        deployments.call("POST", create, {"state": later})
        self.assertEqual(self.metrics(), {"DueFlowRuns": 2, "OpenFlowRuns": 2})
        for kind in ("PENDING", "RUNNING"):
            deployments.call("POST", f"flow_runs/{running['id']}/set_state", {"state": {"type": kind}})
        self.assertEqual(self.metrics(), {"DueFlowRuns": 1, "OpenFlowRuns": 2})
        deployments.call("POST", f"flow_runs/{running['id']}/set_state", {"state": {"type": "COMPLETED"}})
        self.assertEqual(self.metrics(), {"DueFlowRuns": 1, "OpenFlowRuns": 1})

    def test_the_key_is_read_where_its_address_says(self):
        queue, client = self.function()
        client.get_parameter.return_value = {"Parameter": {"Value": "one"}}
        client.get_secret_value.return_value = {"SecretString": "two"}
        parameter = "arn:aws:ssm:eu-central-1:123456789012:parameter/covid/prefect-api-key"
        secret = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:covid/prefect-AbCdEf"
        with mock.patch.dict(os.environ, {"API_KEY_ARN": parameter, "AUTH_STRING_ARN": ""}):
            self.assertEqual(queue["authorization"](), {"Authorization": "Bearer one"})
        client.get_parameter.assert_called_once_with(Name="/covid/prefect-api-key", WithDecryption=True)
        with mock.patch.dict(os.environ, {"API_KEY_ARN": "", "AUTH_STRING_ARN": secret}):
            self.assertEqual(queue["authorization"](), {"Authorization": "Basic dHdv"})

    def metrics(self):
        queue, client = self.function()
        settings = {"NAMESPACE": "covid", "POOL": self.pool, "API_KEY_ARN": "", "AUTH_STRING_ARN": ""}
        with mock.patch.dict(os.environ, settings):
            queue["publish"]({}, None)
        put = client.put_metric_data.call_args.kwargs
        self.assertEqual(put["Namespace"], "covid")
        return {one["MetricName"]: one["Value"] for one in put["MetricData"]}

    def function(self):
        template = (HERE.parent / "cloudformation/worker.yaml").read_text()
        code = re.search(r"ZipFile: \|\n(.*?)\n\n  \w", template, re.DOTALL)[1]
        client = mock.Mock()
        library = types.SimpleNamespace(client=lambda name: client)
        queue = {}
        with mock.patch.dict(sys.modules, {"boto3": library}):
            exec(compile(textwrap.dedent(code), "worker.yaml", "exec"), queue)
        return queue, client


class Recipes(unittest.TestCase):
    """`make deploy`, `smoke` and `rollback` with the programs themselves, as cd.yml calls them."""

    def setUp(self):
        programs = Path(os.environ.get("CARGO_TARGET_DIR", HERE.parents[1] / "target")) / "debug"
        if not (programs / "deployment").exists():
            self.skipTest("the programs are not built")
        self.name = f"recipes-{uuid.uuid4().hex[:8]}"
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.programs = programs
        self.env = {name: value for name, value in os.environ.items() if not name.startswith(("COVID_", "PREFECT_"))}
        self.env |= {"PREFECT_API_URL": SERVER, "COVID_STORE": f"file:{self.folder}/store", "COVID_PREFECT_POLL_SECONDS": "0.5"}

    def make(self, recipe, *variables):
        command = ["make", "--no-print-directory", recipe, f"BIN={self.programs}", f"SAVED={self.folder}/saved.json", *variables]
        return subprocess.run(command, cwd=HERE.parents[1], env=self.env, capture_output=True, text=True)

    def deploy(self, version):
        made = self.make("deploy", f"ARGS=--pool {self.name} --name {self.name} --deployment-version {version}")
        self.assertEqual(made.returncode, 0, made.stderr)

    def version(self):
        return deployments.call("GET", f"deployments/name/predict/{self.name}")["version"]

    def test_deployed_run_and_rolled_back(self):
        self.enterContext(mock.patch.dict(os.environ, {"PREFECT_API_URL": SERVER}))
        self.deploy("one")
        worker = subprocess.Popen(
            [self.programs / "deployment", "worker", "--pool", self.name, "--listen", "127.0.0.1:0"],
            env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        self.addCleanup(worker.wait)
        self.addCleanup(worker.terminate)
        smoke = self.make("smoke", f"SMOKE=predict/{self.name}", "SMOKE_SECONDS=120")
        self.assertEqual(smoke.returncode, 0, smoke.stdout + smoke.stderr)
        self.assertIn("Completed", smoke.stdout)
        self.deploy("two")
        self.assertEqual(self.version(), "two")
        back = self.make("rollback")
        self.assertEqual(back.returncode, 0, back.stderr)
        self.assertEqual(self.version(), "one")


if __name__ == "__main__":
    if not SERVER:
        print("skipped: no Prefect server runs (make services-up starts one)")
        sys.exit()
    unittest.main()
