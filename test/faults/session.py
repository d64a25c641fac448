"""Runs the session's steps with the n-th call failing, and keeps account of what came of it."""
import collections
import http.client
import random
import threading
import time

from faults import ERRORS, FROM_THEN_ON, KINDS, ONCE, Client, FaultyServer
from steps import Wrong, fixed, must, session

REFUSED = (500, 503, 507)
LASTS_S = 0.15  # how long a lasting fault lasts
CLOSED = (http.client.HTTPException, ConnectionError, TimeoutError, OSError)
Trial = collections.namedtuple("Trial", "step kind nth error lasting")


class Account:
    def __init__(self):
        self.outcomes = collections.Counter()
        self.wrong = []

    def __str__(self):
        return ", ".join(f"{count} {what}" for what, count in sorted(self.outcomes.items()))


class Session:
    def __init__(self, faults, region, **server):
        self.faults, self.account, self.kept = faults, Account(), []
        self.server = FaultyServer(faults, region=region, **server)
        self.steps = session()
        fixed(self.http)

    @property
    def http(self):
        return Client(self.server.port, timeout_s=20)

    def count(self):
        """How many calls of each kind each step makes: the first time fills caches, and what others do meanwhile does not count."""
        counted = []
        for step in self.steps:
            times = []
            for _ in range(3):
                step.prepare(self.http)
                before = self.faults.calls()
                answer = step.act(self.http)
                times.append([b - a for a, b in zip(before, self.faults.calls())])
                must(answer.status in (200, 201, 204), step.name, answer)
                step.judge(self.http, True)
            counted.append([min(counts) for counts in zip(*times[1:])])
        return counted

    def trials(self, counted):
        """Every call of every kind of every step once, and a few that go on failing."""
        for step, counts in zip(self.steps, counted):
            for kind, count in zip(KINDS, counts):
                for nth in range(1, count + 1):
                    for error in ERRORS[kind][:1 if nth % 3 else 3]:
                        yield Trial(step, kind, nth, error, ONCE)
                    if nth % 7 == 1:
                        yield Trial(step, kind, nth, ERRORS[kind][0], FROM_THEN_ON)

    def sample(self, counted, size, seed):
        """From every pair of step and kind at least one, then at random over all."""
        chance = random.Random(seed)
        groups = collections.defaultdict(list)
        for trial in self.trials(counted):
            groups[trial.step.name, trial.kind].append(trial)
        chosen = [chance.choice(group) for group in groups.values()]
        rest = [trial for group in groups.values() for trial in group]
        chosen += chance.sample(rest, max(0, min(size - len(chosen), len(rest))))
        chance.shuffle(chosen)
        return chosen

    def run(self, trials):
        for trial in trials:
            self.run_one(trial)
        return self.account

    def run_one(self, trial):
        try:
            trial.step.prepare(self.http)
            answer = self.act(trial)
            outcome, acknowledged = self.outcome(trial, answer)
            self.account.outcomes[outcome] += 1
            trial.step.judge(self.http, acknowledged)
            if acknowledged:
                self.kept += trial.step.kept()
        except (Wrong, *CLOSED, KeyError, ValueError, TypeError) as wrong:
            self.faults.disarm()
            self.note(trial, wrong)

    def act(self, trial):
        self.faults.arm(trial.kind, trial.nth, trial.error, trial.lasting)
        timer = threading.Timer(LASTS_S, self.faults.disarm) if trial.lasting else None
        if timer:
            timer.start()
        try:
            return trial.step.act(self.http)
        except CLOSED as closed:
            return closed
        finally:
            self.faults.disarm()
            if timer:
                timer.cancel()

    def outcome(self, trial, answer):
        """(what to count it as, was it acknowledged)"""
        if self.server.has_gone() if isinstance(answer, CLOSED) else self.server.has_died():
            raise Wrong("the server ended with", self.server.process.returncode)
        if isinstance(answer, TimeoutError):
            raise Wrong("no answer in time")
        if isinstance(answer, BaseException):
            if trial.kind != "memory":
                raise Wrong("no answer, though there was memory:", repr(answer))
            return "connection closed", False
        if 200 <= answer.status < 300:
            return ("done all the same" if self.faults.fired() else "not reached"), True
        must(answer.status in REFUSED, "refused as", answer)
        must(b"OperationOutcome" in answer.raw, "refused without a reason", answer)
        return f"refused with {answer.status}", False

    def note(self, trial, wrong):
        said = f"{trial.step.name}: {trial.kind} call {trial.nth}{' and on' if trial.lasting else ''} fails with {trial.error}: {wrong!r}"
        if self.server.has_gone():
            said += "\n" + self.server.last_words()
            self.server.stop()
            self.server.start()
        self.account.wrong.append(said)
        self.account.outcomes["WRONG"] += 1

    def end(self):
        """Stops, starts and stops again: what was acknowledged is there, and the folder is sound."""
        self.verify("before the end")
        code = self.server.stop()
        if code != 0:
            self.account.wrong.append(f"the server ended with {code}: {self.server.last_words()}")
        self.server.start()
        self.verify("after the start")
        self.server.stop()
        sound = self.server.check()
        if sound.returncode != 0:
            self.account.wrong.append("check: " + sound.stdout + sound.stderr)

    def verify(self, when):
        for path, text in self.kept:
            answer = self.http.get(path)
            if text is None and answer.status != 410 or text is not None and (answer.status != 200 or text not in answer.raw.decode()):
                self.account.wrong.append(f"{when}: {path} was acknowledged with {text}: {answer}")
