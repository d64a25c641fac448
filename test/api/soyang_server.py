"""A server of the real program in a fresh folder, and a plain HTTP client: it holds no Soyang code."""
import http.client
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED = pathlib.Path(os.environ.get("SOYANG_SHARED", ROOT.parent / "shared"))
PROGRAM = os.environ.get("SOYANG", str(ROOT / "build/release/soyang"))
STATE = "https://fhir.soyang.example/CodeSystem/referral-state"
DECLINE = "https://fhir.soyang.example/CodeSystem/decline-reason"
START_TIMEOUT_S = 60


class Answer:
    def __init__(self, status, headers, raw):
        self.status, self.headers, self.raw = status, headers, raw

    @property
    def json(self):
        return json.loads(self.raw) if self.raw else None

    @property
    def diagnostics(self):
        body = self.json
        if not body or body.get("resourceType") != "OperationOutcome":
            return ""
        return "; ".join(i.get("diagnostics", "") + " " + " ".join(i.get("expression", [])) for i in body["issue"])

    def __repr__(self):
        return f"<{self.status} {self.raw[:500]!r}>"


class Client:
    """One caller. `who` is a dict of the X-Soyang headers' values, or nothing: the local operator."""

    def __init__(self, port, organization=None, role=None, purpose="ETREAT", who=None, timeout_s=120):
        self.port, self.timeout_s = port, timeout_s
        self.headers = {}
        if role:
            self.headers = {"X-Soyang-Who": who or "Practitioner/tester", "X-Soyang-Organization": "Organization/" + organization,
                            "X-Soyang-Role": role, "X-Soyang-Purpose": purpose}

    def send(self, method, path, body=None, headers=None, raw_path=False):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.timeout_s)
        sent = {"Content-Type": "application/fhir+json", **self.headers, **(headers or {})}
        if isinstance(body, (dict, list)):
            body = json.dumps(body, ensure_ascii=False)
        if isinstance(body, str):
            body = body.encode()
        try:
            connection.request(method, path if raw_path else "/fhir" + ("/" + path if path else ""), body, sent)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def get(self, path, **headers):
        return self.send("GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()})

    def put(self, path, body, if_match=None, headers=None):
        return self.send("PUT", path, body, {**({"If-Match": if_match} if if_match else {}), **(headers or {})})

    def post(self, path, body, headers=None):
        return self.send("POST", path, body, headers)

    def delete(self, path):
        return self.send("DELETE", path)


class Server:
    """The program, started in `folder` (a new one by default) on a free port."""

    def __init__(self, folder=None, region=None, options=()):
        self.folder = folder or tempfile.mkdtemp(prefix="soyang-test-")
        self.process = None
        self.options = list(options)
        if region:
            self.load(region)
        self.start()

    def load(self, region):
        done = subprocess.run([PROGRAM, "region", "load", str(region), "--data", self.folder, "--assumptions"], capture_output=True, text=True)
        if done.returncode != 0:
            raise AssertionError("region load: " + done.stderr)

    def start(self):
        self.log = open(self.folder.rstrip("/") + ".log", "ab")
        self.process = subprocess.Popen([PROGRAM, "serve", "--data", self.folder, "--port", "0", *self.options], stdout=subprocess.PIPE,
                                        stderr=self.log, text=True)
        line = self.process.stdout.readline()
        if "listens on http://127.0.0.1:" not in line:
            self.process.wait(10)
            raise AssertionError("the server did not start: " + line + open(self.log.name).read()[-2000:])
        self.port = int(line.split("127.0.0.1:")[1].split("/")[0])
        self.client = Client(self.port)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()
        self.log.close()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdout.close()
        self.log.close()
        return self.process.returncode

    def close(self):
        code = self.stop()
        log = self.log.name
        text = pathlib.Path(log).read_text(errors="replace")
        shutil.rmtree(self.folder, ignore_errors=True)
        os.unlink(log)
        if code != 0 or "ERROR: AddressSanitizer" in text or "runtime error:" in text:
            raise AssertionError(f"the server ended with {code}: {text[-4000:]}")


class ServerCase(unittest.TestCase):
    """Tests that share one server of a fresh folder."""
    region, options = None, ()

    @classmethod
    def setUpClass(cls):
        cls.server = Server(region=cls.region, options=cls.options)
        cls.http = cls.server.client

    @classmethod
    def tearDownClass(cls):
        cls.server.close()


def wait_until(true, timeout_s=30, step_s=0.05):
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        value = true()
        if value:
            return value
        time.sleep(step_s)
    raise AssertionError("it did not come true in time")
