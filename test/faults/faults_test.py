"""The n-th allocation, write, sync, read, opening and SQL call fails in turn over the API: a clean error each time, and a sound store.

A seeded sample in the tests; all of it with SOYANG_FAULTS_ALL=1 (./dev soak faults)."""
import os
import time
import unittest

from faults import REGION, Faults, shim
from session import Session

SAMPLE = int(os.environ.get("SOYANG_FAULTS_SAMPLE", "320"))
SEED = int(os.environ.get("SOYANG_FAULTS_SEED", "20261122"))
SHOWN = int(os.environ.get("SOYANG_FAULTS_SHOWN", "20"))
ALL = bool(os.environ.get("SOYANG_FAULTS_ALL"))


@unittest.skipIf(shim() is None, "fault_shim.so is not built")
class EveryCallFails(unittest.TestCase):
    def test_over_the_api(self):
        faults = Faults()
        self.addCleanup(faults.close)
        began = time.monotonic()
        session = Session(faults, REGION)
        self.addCleanup(session.server.close)
        counted = session.count()
        whole = [sum(counts[i] for counts in counted) for i in range(len(counted[0]))]
        trials = list(session.trials(counted)) if ALL else session.sample(counted, SAMPLE, SEED)
        account = session.run(trials)
        session.end()
        session.server.start()  # cleaning up stops it
        print(f"{len(session.steps)} steps; calls of memory, write, sync, read, open, sql: {whole}; {len(trials)} faults in "
              f"{time.monotonic() - began:.0f} s: {account}")
        if account.wrong:
            self.fail(f"{len(account.wrong)} went wrong:\n\n" + "\n\n".join(account.wrong[:SHOWN]))


if __name__ == "__main__":
    unittest.main()
