"""The other direction: the program is the client. A script says which requests it is to send; a recorder stands before the server that
it is sent to, and the script's assertions look at what went by.

`origin` 1 is the program, `origin` 2 the runner itself, which looks at the server afterwards. A test's extension `command` is what the program
is called with: {base} is where the server is, {ID} a file with the fixture of that id, {package} an archive of all whose id begins with `definition-`.
The extension `exit` is the exit status that is expected (0)."""
import http.client
import io
import json
import os
import pathlib
import re
import subprocess
import tarfile
import urllib.parse
from http.server import BaseHTTPRequestHandler

from elsewhere import Answer, Elsewhere
from other import serve
from script import METHODS, Exchange, Failure, Script

COMMAND = "https://fhir.soyang.example/StructureDefinition/testscript-command"
EXIT = "https://fhir.soyang.example/StructureDefinition/testscript-exit"


class Recorder(BaseHTTPRequestHandler):
    """Hands every request on and keeps it with its answer."""
    protocol_version = "HTTP/1.1"

    def pass_on(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        connection = http.client.HTTPConnection("127.0.0.1", self.server.upstream, timeout=120)
        connection.request(self.command, self.path, body or None, {k: v for k, v in self.headers.items() if k.lower() not in ("connection", "host")})
        response = connection.getresponse()
        answer = Answer(response.status, response.headers, response.read())
        connection.close()
        path = urllib.parse.unquote(self.path.removeprefix("/fhir").lstrip("/"))
        self.server.exchanges.append(Exchange(self.command, path, dict(self.headers), body, answer))
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            if name.lower() not in ("connection", "content-length", "transfer-encoding", "date", "server"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.raw)))
        self.end_headers()
        self.wfile.write(answer.raw)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = pass_on

    def log_message(self, *_):
        pass


def extension(test, url, value, default):
    return next((e[value] for e in test.get("extension", []) if e["url"] == url), default)


class Awaited(Script):
    """One script, with the program as client of the server on port `upstream`."""

    def __init__(self, resource, program, upstream, folder):
        self.recorder = serve(Recorder, upstream=upstream, exchanges=[])
        self.base = f"http://127.0.0.1:{self.recorder.server_port}/fhir"
        super().__init__(resource, Elsewhere(f"http://127.0.0.1:{upstream}/fhir"), "json", "json")
        self.program, self.folder = program, pathlib.Path(folder)
        self.fixtures = {f["id"]: self.fixture(f["id"], f["resource"]["reference"][1:]) for f in resource.get("fixture", [])}

    def fixture(self, name, contained):
        found = dict(next(c for c in self.resource["contained"] if c["id"] == contained))
        return {k: v for k, v in found.items() if k != "id"} if contained.startswith("fixture-") else found

    def file_of(self, name):
        if name == "package":
            return self.package()
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps(self.fixtures[name], ensure_ascii=False))
        return str(path)

    def package(self):
        path = self.folder / "package.tgz"
        members = {"package.json": {"name": "org.example.testscript", "version": "1.0.0", "fhirVersions": ["4.0.1"]}}
        members.update({f"{name}.json": fixture for name, fixture in self.fixtures.items() if name.startswith("definition-")})
        with tarfile.open(path, "w:gz") as tar:
            for name, member in members.items():
                data = json.dumps(member, ensure_ascii=False).encode()
                entry = tarfile.TarInfo("package/" + name)
                entry.size = len(data)
                tar.addfile(entry, io.BytesIO(data))
        return str(path)

    def call(self, test):
        command = extension(test, COMMAND, "valueString", None)
        if command is None:
            raise Failure("the test names no command")
        words = [re.sub(r"\{([\w-]+)\}", lambda m: self.base if m.group(1) == "base" else self.file_of(m.group(1)), w) for w in command.split()]
        self.recorder.exchanges.clear()
        done = subprocess.run([self.program, *words], capture_output=True, text=True, timeout=120, env={**os.environ, "no_proxy": "*"})
        wanted = extension(test, EXIT, "valueInteger", 0)
        if done.returncode != wanted:
            raise Failure(f"'{command}' ended with {done.returncode}, not {wanted}: {done.stderr[:500]}")

    def operate(self, operation):
        if operation.get("origin") != 1:
            return super().operate(operation)
        code = operation.get("type", {}).get("code", "")
        if not self.recorder.exchanges:
            raise Failure(f"the program sent no {code}")
        self.last = self.recorder.exchanges.pop(0)
        method, path = operation.get("method", METHODS.get(code, "")).upper(), operation.get("resource", "")
        if self.last.method != method or not self.last.url.startswith(path):
            raise Failure(f"a {method} {path} is due, the program sent {self.last.method} {self.last.url}")
        for name in ("responseId", "requestId"):
            if name in operation:
                self.exchanges[operation[name]] = self.last
        return None

    def run(self):
        """Yields (test's name, None or what went wrong). What is sent beyond what the script awaits is wrong too."""
        for test in self.resource["test"]:
            try:
                self.call(test)
                self.act(test["action"])
                if self.recorder.exchanges:
                    more = self.recorder.exchanges[0]
                    raise Failure(f"the program also sent {more.method} {more.url}")
                yield test["name"], None
            except Failure as failure:
                yield test["name"], failure
        self.recorder.shutdown()
        self.recorder.server_close()
