"""A server of the real program with fault_shim preloaded: which call of which kind fails is told through a shared file."""
import http.client
import mmap
import os
import pathlib
import re
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "laws"))
from province import PROGRAM, REGION, Client, Server  # noqa: E402,F401

KINDS = ("memory", "write", "sync", "read", "open", "sql")
ENOENT, EIO, ENOMEM, ENFILE, ENOSPC = 2, 5, 12, 23, 28
SQLITE_BUSY, SQLITE_NOMEM, SQLITE_IOERR, SQLITE_FULL = 5, 7, 10, 13
ERRORS = {"memory": (ENOMEM,), "write": (ENOSPC, EIO), "sync": (EIO, ENOSPC), "read": (EIO,), "open": (ENFILE, EIO),
          "sql": (SQLITE_NOMEM, SQLITE_IOERR, SQLITE_FULL)}
LAYOUT = struct.Struct("<IIqiIqQ6Q")  # struct control of fault_shim.c
ARMED, LASTING, OFFSET_S, FIRED, CALLS = 0, 4, 24, 32, 40
ONCE, FROM_THEN_ON = 0, 1


def shim():
    """Built beside the program, or beside the sanitized one. In a run of all suites it has to be there."""
    folders = [pathlib.Path(p).parent for p in (PROGRAM, os.environ.get("SOYANG", ""), os.environ.get("SOYANG_RELEASE", "")) if p]
    found = next((f / "test/fault_shim.so" for f in folders if (f / "test/fault_shim.so").exists()), None)
    if found is None and "SOYANG_RELEASE" in os.environ:
        raise FileNotFoundError("test/fault_shim.so is not built")
    return found


class Faults:
    """The shared file."""

    def __init__(self):
        self.file = tempfile.NamedTemporaryFile(prefix="soyang-faults-")
        self.file.write(bytes(LAYOUT.size))
        self.file.flush()
        self.map = mmap.mmap(self.file.fileno(), LAYOUT.size)

    def close(self):
        self.map.close()
        self.file.close()

    def environment(self):
        loud = {"SOYANG_FAULTS_TRACE": "1"} if os.environ.get("SOYANG_FAULTS_TRACE") else {}
        return {**os.environ, "LD_PRELOAD": str(shim()), "SOYANG_FAULTS": self.file.name, **loud}

    def number(self, at, size=8):
        return int.from_bytes(self.map[at:at + size], "little")

    def calls(self):
        return [self.number(CALLS + 8 * i) for i in range(len(KINDS))]

    def fired(self):
        return self.number(FIRED)

    def arm(self, kind, nth, error, lasting=ONCE):
        self.disarm()
        struct.pack_into("<Iqi", self.map, LASTING, lasting, nth, error)
        struct.pack_into("<Q", self.map, FIRED, 0)
        struct.pack_into("<I", self.map, ARMED, 1 + KINDS.index(kind))

    def disarm(self):
        struct.pack_into("<I", self.map, ARMED, 0)

    def clock(self, offset_s):
        struct.pack_into("<q", self.map, OFFSET_S, offset_s)


class FaultyServer(Server):
    """`faults` outlives the program, which is started again after each end. `program` may be another build."""

    def __init__(self, faults, folder=None, region=None, options=(), program=None):
        self.faults, self.program = faults, program or os.environ.get("SOYANG_RELEASE") or PROGRAM
        super().__init__(folder, region, options)

    def start(self):
        self.log = open(self.folder.rstrip("/") + ".log", "ab")
        self.process = self.spawn("serve", "--data", self.folder, "--port", "0", *self.options, stdout=subprocess.PIPE, stderr=self.log)
        line = self.process.stdout.readline()
        if "listens on http://127.0.0.1:" not in line:
            self.process.wait(20)
            raise AssertionError("the server did not start: " + line + self.last_words())
        self.port = int(line.split("127.0.0.1:")[1].split("/")[0])
        self.client = Client(self.port, timeout_s=20)

    def spawn(self, *arguments, **streams):
        return subprocess.Popen([self.program, *arguments], text=True, env=self.faults.environment(), **streams)

    def has_died(self):
        return self.process.poll() is not None

    def has_gone(self, within_s=10):
        """After a connection that ended without an answer. A process that dies closes its sockets before it can be waited for: that
        it is not dead yet says nothing until it answers again."""
        until = time.monotonic() + within_s
        while not self.has_died() and time.monotonic() < until:
            try:
                Client(self.port, timeout_s=5).get("Patient/nobody")
                return self.has_died()
            except (http.client.HTTPException, OSError):
                time.sleep(0.02)
        return self.has_died()

    def last_words(self, size=3000):
        text = pathlib.Path(self.log.name).read_text(errors="replace")[-size:]
        return self.with_lines(text)

    def with_lines(self, text):
        """Addresses of a trace as functions and lines, where the program has them."""
        found = sorted(set(re.findall(re.escape(self.program) + r"\((?:\w*)\+(0x[0-9a-f]+)\)", text)))
        if not found:
            return text
        said = subprocess.run(["addr2line", "-sfpe", self.program, *found], capture_output=True, text=True).stdout.splitlines()
        names = dict(zip(found, said))
        return re.sub(re.escape(self.program) + r"\((?:\w*)\+(0x[0-9a-f]+)\)\S*", lambda m: names.get(m.group(1), m.group(0)), text)

    def check(self):
        """`soyang check` of the stopped server's folder."""
        return subprocess.run([self.program, "check", self.folder], capture_output=True, text=True, timeout=120)
