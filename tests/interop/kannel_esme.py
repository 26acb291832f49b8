"""Kannel as ESME on an SMSC of ours: messages and receipts through its HTTP interface, and messages to it.

Usage: kannel_esme.py SMSC_PORT MOBILE_ORIGINATED FOLDER

Runs bearerbox and smsbox in the folder, with MOBILE_ORIGINATED messages expected from the SMSC. The first mistake ends
the run with status 1.
"""

import http.server
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

DEADLINE_SECONDS = 60
# Kannel's bits of a delivery report (dlr-mask): what the phone did, and what the SMSC answered.
DELIVERED, UNDELIVERABLE, ACCEPTED = 1, 2, 8

CONFIGURATION = """
group = core
admin-port = {admin}
admin-password = secret
admin-allow-ip = 127.0.0.1
smsbox-port = {boxes}
box-allow-ip = 127.0.0.1
dlr-storage = internal

group = smsc
smsc = smpp
smsc-id = bindery
host = 127.0.0.1
port = {smsc}
smsc-username = kannel
smsc-password = secret
system-type = ""
transceiver-mode = true
interface-version = 34
enquire-link-interval = 1
max-pending-submits = 10
source-addr-ton = 5
source-addr-npi = 0
dest-addr-ton = 1
dest-addr-npi = 1
msg-id-type = 0x00

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {send}

group = sendsms-user
username = interop
password = secret
max-messages = 10
concatenation = true

group = sms-service
keyword = default
catch-all = true
max-messages = 0
get-url = "http://127.0.0.1:{calls}/message?from=%p&to=%P&text=%a"
"""


def check(condition, *what):
    if not condition:
        print("FAILED:", *what)
        sys.exit(1)


def free_ports(count):
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


class Calls(http.server.BaseHTTPRequestHandler):
    """What Kannel tells us: delivery reports and messages."""

    seen = queue.Queue()

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        self.seen.put((url.path, dict(urllib.parse.parse_qsl(url.query))))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def get(url, ready=lambda status, body: status < 400):
    """The body, asked for again until it is as wanted: the boxes take a moment to start."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    answer = "no answer"
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=10) as response:
                answer = response.read().decode()
                if ready(response.status, answer):
                    return answer
        except urllib.error.HTTPError as error:
            answer = f"{error.code} {error.read().decode()}"
        except OSError as error:
            answer = str(error)
        time.sleep(0.1)
    check(False, url, "said", answer)


class Boxes:
    """bearerbox and smsbox, stopped in good order."""

    def __init__(self, folder):
        self.folder, self.running = folder, []
        self.file = os.path.join(folder, "kannel.conf")

    def start_all(self, ports):
        with open(self.file, "w") as file:
            file.write(CONFIGURATION.format(**ports))
        self.start("bearerbox")
        status = f"http://127.0.0.1:{ports['admin']}/status.txt?password=secret"
        get(status, lambda _, body: "(online" in body)
        self.start("smsbox")
        get(status, lambda _, body: "smsbox:" in body)

    def start(self, name):
        log = open(os.path.join(self.folder, f"{name}.log"), "w")
        self.running.append(subprocess.Popen([name, self.file], stdout=log, stderr=log))

    def stop(self):
        for process in reversed(self.running):
            process.terminate()
        for process in reversed(self.running):
            try:
                process.wait(DEADLINE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def send(port, number, text, calls):
    report = f"http://127.0.0.1:{calls}/report?message={number}&state=%d"
    query = {
        "username": "interop",
        "password": "secret",
        "from": "Shop",
        "to": f"44770090{number:04}",
        "text": text,
        "coding": 0 if text.isascii() else 2,
        "charset": "UTF-8",
        "dlr-mask": DELIVERED | UNDELIVERABLE | ACCEPTED,
        "dlr-url": report,
    }
    answer = get(f"http://127.0.0.1:{port}/cgi-bin/sendsms?{urllib.parse.urlencode(query)}")
    check(answer.startswith("0: Accepted"), "Kannel did not take the message:", answer)


def messages():
    for number in range(30):
        yield [f"Hello {number}", f"Привет {number}", f"A long one, number {number}. " * 12][number % 3]


def run(ports, mobile_originated):
    texts = list(messages())
    for number, text in enumerate(texts):
        send(ports["send"], number, text, ports["calls"])

    # Every message is accepted and has one end. Kannel reports one of its parts, and that is the last.
    accepted, ended, received = set(), {}, []
    deadline = time.monotonic() + DEADLINE_SECONDS
    while len(ended) < len(texts) or len(accepted) < len(texts) or len(received) < mobile_originated:
        try:
            path, query = Calls.seen.get(timeout=max(0.1, deadline - time.monotonic()))
        except queue.Empty:
            check(False, f"{len(accepted)} accepted, {len(ended)} ended, {len(received)} received")
        if path == "/message":
            received.append((query["from"], query["to"], query["text"]))
            continue
        number, state = int(query["message"]), int(query["state"])
        check(state in (DELIVERED, UNDELIVERABLE, ACCEPTED), "delivery report", query)
        if state == ACCEPTED:
            accepted.add(number)
        else:
            check(number not in ended, "message", number, "ended twice")
            ended[number] = state
    check(sorted(received) == sorted(set(received)), "a message came twice:", received)
    for source, destination, text in received:
        check((source.lstrip("+"), destination) == ("447700900001", "12345"), source, destination)
        check(text.startswith("Hello "), "text:", text)
    states = list(ended.values())
    counts = f"{states.count(DELIVERED)} delivered, {states.count(UNDELIVERABLE)} not"
    print(f"ok: {len(texts)} messages ({counts}), {len(received)} received")


def main():
    smsc, mobile_originated, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Calls)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    ports = dict(zip(("admin", "boxes", "send"), free_ports(3)), smsc=smsc, calls=server.server_address[1])
    boxes = Boxes(folder)
    # So that the boxes end with us.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        boxes.start_all(ports)
        run(ports, mobile_originated)
    finally:
        boxes.stop()


main()
