"""smpplib (PyPI) as ESME on an SMSC of ours: binds, messages with receipts, queries, refusals, unbind.

Usage: smpplib_esme.py HOST PORT

Everything is checked against what SMPP 3.4 says; the first mistake ends the run with status 1.
"""

import re
import socket
import sys
import time

import smpplib.client
import smpplib.consts
import smpplib.exceptions
import smpplib.gsm

DEADLINE_SECONDS = 30
SHORT = "Hello from smpplib #{}#"
LONG = "This text is longer than one message holds, so it is sent in parts. " * 6 + "#{}#"
UNICODE = "Привет, smpplib #{}#"


def check(condition, *what):
    if not condition:
        print("FAILED:", *what)
        sys.exit(1)


class Esme:
    """One session, and everything that came back over it."""

    def __init__(self, host, port, **bind):
        self.client = smpplib.client.Client(host, port, timeout=10, allow_unknown_opt_params=True)
        self.responses = {}
        self.receipts = []
        self.queries = []
        self.errors = []
        self.client.set_message_sent_handler(self.on_response)
        self.client.set_message_received_handler(self.on_delivery)
        self.client.set_query_resp_handler(self.queries.append)
        self.client.set_error_pdu_handler(self.errors.append)
        self.client.connect()
        self.bind_response = getattr(self.client, bind.pop("mode", "bind_transceiver"))(**bind)

    def on_response(self, pdu):
        check(pdu.sequence not in self.responses, "two responses to sequence", pdu.sequence)
        self.responses[pdu.sequence] = text(pdu.message_id)

    def on_delivery(self, pdu):
        self.receipts.append(pdu)
        return smpplib.consts.SMPP_ESME_ROK

    def submit(self, message, registered_delivery=True):
        """Sends a text in as many parts as it takes; returns the sequence numbers."""
        parts, data_coding, esm_class = smpplib.gsm.make_parts(message)
        sequences = []
        for part in parts:
            pdu = self.client.send_message(
                source_addr_ton=smpplib.consts.SMPP_TON_ALNUM,
                source_addr="Shop",
                dest_addr_ton=smpplib.consts.SMPP_TON_INTL,
                dest_addr_npi=smpplib.consts.SMPP_NPI_ISDN,
                destination_addr="447700900123",
                short_message=part,
                data_coding=data_coding,
                esm_class=esm_class,
                registered_delivery=registered_delivery,
            )
            sequences.append(pdu.sequence)
        return sequences

    def wait_for(self, done, what):
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not done():
            check(time.monotonic() < deadline, "waited in vain for", what)
            self.client.read_once(auto_send_enquire_link=False)

    def close(self):
        response = self.client.unbind()
        check(response.command == "unbind_resp", "unbind was answered with", response.command)
        self.client.disconnect()


def text(value):
    return value.decode("ascii") if isinstance(value, bytes) else value


def messages_and_receipts(host, port):
    esme = Esme(host, port, system_id="interop", password="secret")
    check(esme.bind_response.command == "bind_transceiver_resp", "bind was answered with", esme.bind_response.command)
    check(not esme.bind_response.is_error(), "bind was refused with", esme.bind_response.status)

    with_receipt = []
    for number in range(20):
        with_receipt += esme.submit(SHORT.format(number))
    with_receipt += esme.submit(LONG.format(20))
    with_receipt += esme.submit(UNICODE.format(21))
    without_receipt = esme.submit(SHORT.format(22), registered_delivery=False)
    sent = with_receipt + without_receipt
    check(len(sent) > 23, "the long text went out in one part")

    esme.wait_for(lambda: len(esme.responses) == len(sent), "responses")
    check(sorted(esme.responses) == sorted(sent), "responses to", sorted(esme.responses), "requests", sorted(sent))
    ids = list(esme.responses.values())
    check(all(ids) and len(set(ids)) == len(ids), "message ids are not unique:", ids)

    esme.wait_for(lambda: len(esme.receipts) == len(with_receipt), "receipts")
    expected = sorted(esme.responses[sequence] for sequence in with_receipt)
    check(sorted(text(pdu.receipted_message_id).rstrip("\0") for pdu in esme.receipts) == expected, "receipted_message_id")
    for pdu in esme.receipts:
        body = text(pdu.short_message)
        check(pdu.esm_class & 0x3C == 0x04, "esm_class of a receipt:", pdu.esm_class)
        check(pdu.message_state == 2, "message_state:", pdu.message_state)
        check((text(pdu.source_addr), text(pdu.destination_addr)) == ("447700900123", "Shop"), "addresses of a receipt")
        form = r"id:(\S+) sub:001 dlvrd:001 submit date:(\d{10}) done date:(\d{10}) stat:DELIVRD err:000 text:"
        match = re.match(form, body, re.IGNORECASE)
        check(match, "text of a receipt:", body)
        check(match.group(1) == text(pdu.receipted_message_id).rstrip("\0"), "id in the text:", body)

    esme.client.query_message(
        message_id=ids[0], source_addr_ton=smpplib.consts.SMPP_TON_ALNUM, source_addr_npi=0, source_addr="Shop"
    )
    esme.wait_for(lambda: esme.queries, "query_sm_resp")
    check(esme.queries[0].message_state == 2, "state of a delivered message:", esme.queries[0].message_state)

    esme.close()
    check(len(esme.receipts) == len(with_receipt), "a receipt that nobody asked for")
    check(not esme.errors, "errors:", [(pdu.command, pdu.status) for pdu in esme.errors])
    print(f"ok: {len(sent)} messages, {len(esme.receipts)} receipts, one query")


def one_way_binds(host, port):
    sender = Esme(host, port, mode="bind_transmitter", system_id="one-way", password="x")
    receiver = Esme(host, port, mode="bind_receiver", system_id="one-way", password="x")
    sequences = sender.submit(SHORT.format(1))
    sender.wait_for(lambda: len(sender.responses) == len(sequences), "a response on the transmitter")
    receiver.wait_for(lambda: receiver.receipts, "a receipt on the receiver")
    check(not sender.receipts, "a receipt on a transmitter")
    sender.close()
    receiver.close()
    print("ok: the receipt of a transmitter came on the receiver of its account")


def liveness(host, port):
    esme = Esme(host, port, system_id="live", password="x")
    esme.client.send_pdu(smpplib.smpp.make_pdu("enquire_link", client=esme.client))
    pdu = esme.client.read_pdu()
    check(pdu.command == "enquire_link_resp" and not pdu.is_error(), "enquire_link was answered with", pdu.command)
    esme.close()
    print("ok: enquire_link")


def a_request_before_the_bind(host, port):
    with socket.create_connection((host, port), timeout=10) as connection:
        # query_sm, sequence 12, before any bind.
        connection.sendall(bytes.fromhex("0000002000000003000000000000000c303030303030316100050053686f7000"))
        answer = connection.recv(64)
    check(answer == bytes.fromhex("0000001080000003000000040000000c"), "query_sm before the bind:", answer.hex())
    print("ok: a request before the bind is answered with ESME_RINVBNDSTS")


def main():
    host, port = sys.argv[1], int(sys.argv[2])
    try:
        a_request_before_the_bind(host, port)
        messages_and_receipts(host, port)
        one_way_binds(host, port)
        liveness(host, port)
    except (smpplib.exceptions.PDUError, smpplib.exceptions.ConnectionError, OSError) as error:
        check(False, type(error).__name__, error)


main()
