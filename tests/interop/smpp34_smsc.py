"""smpp34 (PyPI) as SMSC for `bindery send`.

Usage: smpp34_smsc.py                              serves until SIGTERM, then prints what it got
       smpp34_smsc.py --messages                   prints what is to be sent
       smpp34_smsc.py --compare MESSAGES SENT GOT  whether both sides agree

Status 1 where something was not as it should be. The library tells no password, so that is not looked at.
"""

import asyncio
import collections
import json
import signal
import socket
import sys

# By the end of the destination: what is special about the message.
REFUSED = "2"
RECEIPT_BEFORE_RESPONSE = "3"
UNDELIVERABLE = "5"
THROTTLED_ONCE = "0021"


def messages():
    texts = ["Hello {}", "Привет 😀 {}", "A long one, {}. " * 20, "Привет {}! " * 12]
    for number in range(24):
        text = texts[number % 4].replace("{}", str(number))
        yield {"id": f"m{number}", "to": f"4477009{number:05}", "from": "Shop", "text": text}


def free_port():
    """It does not tell which port it was given, so it is given one."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Centre:
    def __init__(self):
        self.got = {"binds": 0, "unbinds": 0, "answered": 0, "parts": [], "mistakes": []}
        self.esmes, self.tasks, self.throttled = {}, set(), False

    async def serve(self):
        import smpp34

        port = free_port()
        server = smpp34.Server("127.0.0.1", port, system_id="smpp34")
        await server.start()
        print(json.dumps({"listening": f"127.0.0.1:{port}"}), flush=True)
        while True:
            event = await server.next()
            if isinstance(event, smpp34.Esme):
                self.got["binds"] += 1
                self.check(event.system_id == "interop" and event.can_receive, "who is bound")
                self.esmes[event.session_id] = event
            elif isinstance(event, smpp34.SubmitSmEvent):
                await self.message(event, smpp34)
            elif isinstance(event, smpp34.Unbound):
                self.got["unbinds"] += 1

    async def message(self, event, smpp34):
        to = event.destination_addr
        if to.endswith(REFUSED):
            return event.reject(smpp34.ESME_RINVDSTADR)
        if to.endswith(THROTTLED_ONCE) and not self.throttled:
            self.throttled = True
            return event.reject(smpp34.ESME_RTHROTTLED)
        message_id = f"smpp34-{len(self.got['parts'])}"
        octets = event.short_message
        part = 0
        if event.esm_class & 0x40:
            header, octets = octets[1 : octets[0] + 1], octets[octets[0] + 1 :]
            self.check(header[:2] == b"\x00\x03", "user data header")
            part = header[4]
        text = octets.decode("utf-16-be" if event.data_coding == 8 else "ascii", "surrogatepass")
        self.got["parts"].append({"id": message_id, "to": to, "from": event.source_addr, "part": part, "text": text})
        self.check(event.registered_delivery == 1, f"registered_delivery {event.registered_delivery}")
        receipt = self.receipt(event, message_id, smpp34)
        if to.endswith(RECEIPT_BEFORE_RESPONSE):
            await receipt
            event.accept(message_id)
        else:
            event.accept(message_id)
            task = asyncio.create_task(receipt)
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    async def receipt(self, event, message_id, smpp34):
        undeliverable = event.destination_addr.endswith(UNDELIVERABLE)
        stat, state, error = ("UNDELIV", 5, "003") if undeliverable else ("DELIVRD", 2, "000")
        text = f"id:{message_id} sub:001 dlvrd:001 submit date:2601010000 done date:2601010001 stat:{stat} err:{error} text:x"
        answer = await self.esmes[event.session_id].deliver_sm(
            event.source_addr,
            text.encode(),
            source_addr=event.destination_addr,
            esm_class=4,
            tlvs=[
                smpp34.Tlv(smpp34.TLV_RECEIPTED_MESSAGE_ID, message_id.encode() + b"\0"),
                smpp34.Tlv(smpp34.TLV_MESSAGE_STATE, bytes([state])),
            ],
        )
        self.check(answer.is_success, f"receipt {message_id}: {answer.command_status}")
        self.got["answered"] += 1

    def check(self, condition, what):
        if not condition:
            self.got["mistakes"].append(what)

    def sum_up(self):
        got = self.got
        self.check(got["binds"] == 1 and got["unbinds"] == 1, "one session, bound and unbound")
        self.check(self.throttled, "nothing was throttled")
        self.check(got["answered"] == len(got["parts"]), f"{got['answered']} of {len(got['parts'])} receipts were answered")
        print(json.dumps(got), flush=True)
        print(*got["mistakes"], sep="\n", file=sys.stderr)
        return 1 if got["mistakes"] else 0


async def serve():
    centre = Centre()
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    serving = asyncio.create_task(centre.serve())
    await asyncio.wait([serving, asyncio.create_task(ended.wait())], return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        await serving
    return centre.sum_up()


def lines(file):
    with open(file, encoding="utf-8") as text:
        return [json.loads(line) for line in text]


def compare(expected_file, sent_file, got_file):
    sent, parts = lines(sent_file), lines(got_file)[-1]["parts"]
    outcomes = {line["id"]: line for line in sent if "outcome" in line}
    receipts = collections.defaultdict(list)
    for line in sent:
        if "receipt" in line:
            receipts[line["receipt"]["message_id"]].append(line["receipt"])
    expected = lines(expected_file)
    assert len(outcomes) == len(expected), "one outcome for each message"
    receipted = 0
    for message in expected:
        outcome = outcomes[message["id"]]
        theirs = sorted((part for part in parts if part["to"] == message["to"]), key=lambda part: part["part"])
        if message["to"].endswith(REFUSED):
            assert outcome["outcome"] == "rejected" and not theirs, outcome
            continue
        assert outcome["outcome"] == "submitted", outcome
        assert outcome["message_ids"] == [part["id"] for part in theirs], (outcome, theirs)
        assert "".join(part["text"] for part in theirs) == message["text"], theirs
        assert all(part["from"] == "Shop" for part in theirs)
        stat = "UNDELIV" if message["to"].endswith(UNDELIVERABLE) else "DELIVRD"
        for message_id in outcome["message_ids"]:
            assert [(r["id"], r["stat"]) for r in receipts[message_id]] == [(message["id"], stat)], message_id
            receipted += 1
    assert sum(map(len, receipts.values())) == receipted
    print(f"ok: {len(outcomes)} messages in {len(parts)} parts, {receipted} receipts")


if sys.argv[1:] == ["--messages"]:
    for one in messages():
        print(json.dumps(one))
elif sys.argv[1:2] == ["--compare"]:
    compare(*sys.argv[2:])
else:
    sys.exit(asyncio.run(serve()))
