"""The failures of .ci/chaos.sh, and the account at the end of each.

Messages are told apart by their destination. What is told comes from the standard output of `bindery send`, what was
seen from the file of `bindery smsc --seen`, when binds came and went from the log.
"""

import bisect
import collections
import datetime
import json
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time

BINDS = 4
TEXT = "Your code is 4711. It is good for ten minutes, and nobody will ever ask you for it. Thank you, the shop."
# No SMSC has a message that was told so.
NOT_TAKEN = {"rejected", "not_sent", "expired", "cancelled", "busy", "no_route", "invalid", "shutting_down"}
PHASE = re.compile(r"^(\S+Z) .* phase bind=(\S+) phase=(\S+) cause=(.*)$")


class Smsc:
    """An SMSC as a process, on a port that it keeps when it is started again."""

    def __init__(self, run, name, settings="", arguments=()):
        self.run, self.seen_file = run, run.folder / f"{name}.seen.jsonl"
        config = run.folder / f"{name}.toml"
        config.write_text(f"[smsc.{name}]\n{settings}\n")
        self.arguments = ["--config", config, "--seen", self.seen_file, "--json", *arguments]
        self.port = 0
        self.start()

    def start(self):
        command = [self.run.binary, "smsc", "--listen", f"127.0.0.1:{self.port}", *self.arguments]
        self.process = self.run.start(command, stderr=subprocess.DEVNULL)
        self.port = int(json.loads(self.process.stdout.readline())["listening"].rsplit(":", 1)[1])
        self.started = time.time()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def seen(self):
        """Every part that it decoded, in order."""
        with open(self.seen_file, encoding="utf-8") as lines:
            return [json.loads(line) for line in lines]

    def wait_until_seen(self, parts):
        """Returns when it has decoded so many parts."""
        while self.run.goes_on():
            with open(self.seen_file, "rb") as lines:
                if sum(1 for _ in lines) >= parts:
                    return
            time.sleep(0.02)
        raise SystemExit(f"{self.run.name}: everything was over before {parts} parts were seen")


class Run:
    """One failure: SMSCs, messages on their way, and what becomes of them."""

    def __init__(self, name, binary, folder):
        self.name, self.binary = name, binary
        self.folder = folder
        self.folder.mkdir()
        self.processes, self.smscs = [], []
        self.told, self.told_at, self.log, self.peak_kib = {}, [], [], 0

    def start(self, command, **options):
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, **options)
        self.processes.append(process)
        return process

    def end(self):
        for process in self.processes:
            process.kill()
            process.wait()

    def smsc(self, name="centre", settings="", arguments=()):
        self.smscs.append(Smsc(self, name, settings, arguments))
        return self.smscs[-1]

    def send(self, messages, settings, others=""):
        """Puts messages on their way, over BINDS binds with these settings, shared among the SMSCs."""
        config = f'{others}\n[log]\nlevel = "info"\n'
        for number in range(BINDS):
            smsc = self.smscs[number % len(self.smscs)]
            config += f'[binds.a-{number + 1}]\naccount = "a"\nhosts = ["127.0.0.1:{smsc.port}"]\n'
            config += f'system_id = "chaos"\npassword = "secret"\n{settings}\n'
        (self.folder / "bindery.toml").write_text(config)
        file = self.folder / "messages.jsonl"
        with open(file, "w", encoding="utf-8") as lines:
            for number in range(messages):
                lines.write(json.dumps({"to": destination(number), "text": TEXT}) + "\n")
        self.messages = messages
        command = [self.binary, "send", "-c", self.folder / "bindery.toml", "--file", file, "--json", "--timeout", "15m"]
        self.sending = self.start(command, stderr=subprocess.PIPE, text=True)
        self.readers = [threading.Thread(target=read) for read in (self.read_outcomes, self.read_log)]
        for reader in self.readers:
            reader.start()

    def read_outcomes(self):
        for line in self.sending.stdout:
            outcome = json.loads(line)
            self.told_at.append(time.time())
            self.told.setdefault(outcome["line"] - 1, []).append(outcome["outcome"])
            if len(self.told_at) % 256 == 0:
                self.look_at_memory()

    def read_log(self):
        for line in self.sending.stderr:
            if phase := PHASE.match(line):
                at = datetime.datetime.fromisoformat(phase[1]).timestamp()
                self.log.append((at, *phase.groups()[1:]))

    def look_at_memory(self):
        try:
            status = pathlib.Path(f"/proc/{self.sending.pid}/status").read_text(encoding="utf-8")
        except OSError:
            return
        if peak := re.search(r"VmHWM:\s*(\d+)", status):
            self.peak_kib = int(peak[1])

    def goes_on(self):
        return self.sending.poll() is None

    def phases(self, phase, since=0.0, cause=""):
        """Who came to this phase, and when."""
        return [(at, bind) for at, bind, to, why in self.log if to == phase and at >= since and cause in why]

    def bound_after(self, since):
        """How long after a moment the last of the binds was bound; none while not all are."""
        first = {}
        for at, bind in self.phases("bound", since):
            first.setdefault(bind, at)
        return max(first.values()) - since if len(first) == BINDS else None

    def account(self):
        """Waits for the end, and holds what was told against what was seen."""
        self.sending.wait()
        for reader in self.readers:
            reader.join()
        self.seen = [part for smsc in self.smscs for part in smsc.seen()]
        self.accepted = [number_of(part) for part in self.seen if part["command_status"] == 0]
        times = collections.Counter(self.accepted)
        doubled = sum(count - 1 for count in times.values())
        self.outcomes = collections.Counter(outcomes[0] for outcomes in self.told.values())
        wrong = []
        if sorted(self.told) != list(range(self.messages)) or any(len(told) != 1 for told in self.told.values()):
            wrong.append(f"{len(self.told)} of {self.messages} messages have an outcome, {len(self.told_at)} were told")
        lost = [n for n, told in self.told.items() if told[0] == "submitted" and n not in times]
        if lost:
            wrong.append(f"{len(lost)} lost: told as submitted and never seen, such as {destination(lost[0])}")
        if doubled:
            wrong.append(f"{doubled} doubled")
        untrue = [n for n, told in self.told.items() if told[0] in NOT_TAKEN and n in times]
        if untrue:
            wrong.append(f"{len(untrue)} told as not taken and seen, such as {destination(untrue[0])}")
        self.rate = self.messages / max(0.001, self.told_at[-1] - self.seen[0]["at_ms"] / 1000)
        self.elapsed = self.messages / self.rate
        self.wrong = wrong

    def expect(self, holds, otherwise):
        if not holds:
            self.wrong.append(otherwise)

    def report(self, *figures):
        told = ", ".join(f"{count} {name}" for name, count in sorted(self.outcomes.items(), key=lambda told: -told[1]))
        unknown = {n for n, outcomes in self.told.items() if outcomes[0] == "unknown"}
        if unknown:
            told += f" ({len(unknown & set(self.accepted))} of these were taken)"
        verdict = "; ".join(["0 lost, 0 doubled"] if not self.wrong else ["FAILED", *self.wrong])
        print(f"{self.name}: {told}; {verdict}; {'; '.join(figures)}", flush=True)
        return not self.wrong


def destination(number):
    return f"4477{number:08}"


def number_of(part):
    return int(part["destination"][4:])


def seconds(time_taken):
    return "never" if time_taken is None else f"{time_taken:.2f} s"


def plain(run, full):
    """Messages through a file, nothing goes wrong."""
    run.smsc()
    run.send(20_000 if full else 3_000, "window = 100")
    run.account()
    run.expect(run.outcomes["submitted"] == run.messages, "not all were submitted")
    return run.report(f"{run.rate:,.0f} messages/s", f"{run.peak_kib / 1024:.0f} MiB at most")


def slow(window):
    def slow(run, full):
        """The SMSC answers after 20 ms."""
        run.smsc(arguments=["--delay", "20ms"])
        run.send(20_000 if full else 2_000, f"window = {window}")
        run.account()
        run.expect(run.outcomes["submitted"] == run.messages, "not all were submitted")
        most = BINDS * window / 0.02
        return run.report(f"{run.rate:,.0f} messages/s, where window ÷ delay × binds is {most:,.0f}")

    return slow


def killed(settings):
    def killed(run, full):
        """The SMSC is killed under load, and comes back."""
        smsc = run.smsc(arguments=["--delay", "20ms"])
        run.send(20_000 if full else 3_000, f"window = 10\n{settings}")
        smsc.wait_until_seen(5_000 if full else 1_000)
        smsc.kill()
        at = time.time()
        time.sleep(10 if full else 1)
        smsc.start()
        run.account()
        back = smsc.started
        moved = next((part["at_ms"] / 1000 - back for part in run.seen if part["at_ms"] / 1000 >= back), None)
        run.expect(run.outcomes["unknown"] <= BINDS * 10, "more are unknown than were in flight")
        run.expect(run.outcomes["submitted"] + run.outcomes["unknown"] == run.messages, "others did not go on")
        run.expect(run.bound_after(back) is not None, "not all binds are bound again")
        told = [told for told in run.told_at if told >= at]
        return run.report(
            f"away for {back - at:.1f} s",
            f"all bound again {seconds(run.bound_after(back))} after it was back, the next message {seconds(moved)} after",
            f"everything told {seconds(told[-1] - back)} after",
        )

    return killed


def lost_responses(settings):
    def lost_responses(run, full):
        """The SMSC takes messages and does not answer one in a hundred."""
        run.smsc(settings="faults.lost_responses = 0.01", arguments=["--seed", "7"])
        run.send(5_000 if full else 2_000, settings)
        run.account()
        silent = sum(part["answer"] == "lost" for part in run.seen)
        run.expect(run.outcomes["unknown"] >= silent > 0, f"{silent} responses were lost")
        run.expect(run.outcomes["submitted"] + run.outcomes["unknown"] == run.messages, "others did not go on")
        at = sorted(run.told_at)
        answered = at[min(len(at), run.outcomes["submitted"]) - 1] - run.seen[0]["at_ms"] / 1000
        downs = len(run.phases("waiting"))
        return run.report(
            f"{silent} responses lost", f"all told within {run.elapsed:.1f} s, all but those within {answered:.1f} s",
            f"{downs} binds gave up their link",
        )

    return lost_responses


def throttled(settings, others=""):
    def throttled(run, full):
        """The SMSC takes 200 messages a second and refuses the others."""
        run.smsc(arguments=["--rate", "200"])
        run.send(5_000 if full else 600, settings, others)
        run.account()
        run.expect(run.outcomes["submitted"] == run.messages, "not all were submitted")
        refused = sum(part["command_status"] != 0 for part in run.seen)
        passed = overtaken(run.accepted)
        if others:
            # Nothing is refused: each bind may be behind the others by its seats, here twice that.
            run.expect(passed <= 2 * BINDS * 10, f"one was overtaken by {passed}")
        return run.report(
            f"{run.elapsed:.1f} s, {run.rate:.0f} messages/s", f"refused {refused} times",
            f"none was overtaken by more than {passed} others",
        )

    return throttled


def overtaken(numbers):
    """The most greater numbers that stand before a smaller one."""
    before, most = [], 0
    for number in numbers:
        most = max(most, len(before) - bisect.bisect(before, number))
        bisect.insort(before, number)
    return most


def frozen(alone):
    def frozen(run, full):
        """An SMSC stops where it stands (SIGSTOP), with its connections open: one of two, or the only one."""
        first = run.smsc("first")
        concerned = BINDS
        if not alone:
            run.smsc("second")
            concerned = BINDS // 2
        settings = 'enquire_link_interval = "5s"\nenquire_link_timeout = "5s"\nbackoff_max = "1s"' if full else (
            'enquire_link_interval = "500ms"\nenquire_link_timeout = "500ms"\nbackoff_max = "1s"\nbind_timeout = "1s"')
        run.send(24_000 if full else 2_000, f"{settings}\nwindow = 10\nrate = 100.0\nburst = 10")
        first.wait_until_seen(500 if full else 200)
        first.process.send_signal(signal.SIGSTOP)
        at = time.time()
        time.sleep(90 if full else 3)
        first.process.send_signal(signal.SIGCONT)
        back = time.time()
        run.account()
        given_up = [(when, bind) for when, bind in run.phases("waiting", at) if when < back]
        noticed = max([when - at for when, _ in given_up[:concerned]], default=None)
        run.expect(len({bind for _, bind in given_up}) == concerned, "nobody noticed")
        run.expect(run.outcomes["unknown"] <= concerned * 10, "more are unknown than were in flight")
        run.expect(run.outcomes["submitted"] + run.outcomes["unknown"] == run.messages, "others did not go on")
        figures = [f"frozen for {back - at:.1f} s", f"noticed after {seconds(noticed)}"]
        if alone:
            told = min((told - back for told in run.told_at if told >= back), default=None)
            run.expect(run.bound_after(back) is not None, "not all binds are bound again")
            figures.append(f"all bound again {seconds(run.bound_after(back))} after, the next outcome {seconds(told)} after")
        else:
            told = [told for told in run.told_at if at <= told <= back]
            pause = max(b - a for a, b in zip([at, *told], [*told, back]))
            figures.append(f"at most {pause:.2f} s without an outcome meanwhile")
        return run.report(*figures)

    return frozen


DEFAULT = "with default settings"
# Each failure in its variants: with which settings, what happens, whether it is part of the short form.
FAILURES = {
    "plain": [("with a window of 100", plain, True)],
    "slow": [(f"with a window of {window}", slow(window), window == 50) for window in (10, 50)],
    "killed": [
        (DEFAULT, killed(""), False),
        ("with backoff_max 1s", killed('backoff_initial = "250ms"\nbackoff_max = "1s"'), True),
    ],
    "lost-responses": [
        (DEFAULT, lost_responses(""), False),
        ("with response_timeout 1s and a window of 100", lost_responses('response_timeout = "1s"\nwindow = 100'), True),
    ],
    "throttled": [
        (DEFAULT, throttled(""), False),
        ("with a budget of 200/s", throttled('budget = "a"', "[budgets.a]\nrate = 200.0"), True),
    ],
    "frozen": [
        (f"{which}, with enquire_link_interval 5s, enquire_link_timeout 5s", frozen(alone), True)
        for which, alone in (("one of two", False), ("the only one", True))
    ],
}


def main(binary, folder, only=None):
    if only is not None and only not in FAILURES:
        raise SystemExit(f"no failure {only}; there are: {', '.join(FAILURES)}")
    fine = True
    for name, variants in FAILURES.items():
        for number, (label, failure, is_short) in enumerate(variants):
            if name != only if only is not None else not is_short:
                continue
            folder_of_run = pathlib.Path(folder) / f"{name}-{number}"
            run = Run(f"{name}, {label}" if only is not None else name, binary, folder_of_run)
            try:
                fine &= failure(run, full=only is not None)
            finally:
                run.end()
    sys.exit(not fine)


if __name__ == "__main__":
    main(*sys.argv[1:])
