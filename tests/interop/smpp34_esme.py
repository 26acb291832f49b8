"""smpp34 (PyPI) as ESME on an SMSC of ours: many messages at once, TLVs, receipts, one-way binds, unbind.

Usage: smpp34_esme.py PORT

The first mistake ends the run with status 1.
"""

import asyncio
import os
import re
import sys

import smpp34

DEADLINE_SECONDS = 30
TOGETHER = 200
LONG = b"A text that is too long for short_message stands in message_payload. " * 8


def check(condition, *what):
    if not condition:
        print("FAILED:", *what)
        sys.exit(1)


async def bound(port, system_id, bind_type="TRX", window=50):
    client = smpp34.Client("127.0.0.1", port, system_id, "secret", bind_type=bind_type, window_size=window)
    return client, await asyncio.wait_for(client.connect(), DEADLINE_SECONDS)


async def submit(smsc, text, registered_delivery=1, **fields):
    answer = await smsc.submit_sm(
        "447700900123",
        text,
        source_addr="Shop",
        source_addr_ton=5,
        dest_addr_ton=1,
        dest_addr_npi=1,
        registered_delivery=registered_delivery,
        **fields,
    )
    check(answer.is_success and answer.command_status == 0, "submit_sm was answered with", answer.command_status)
    return answer.message_id


async def deliveries(smsc, count):
    """So many deliver_sm, each acknowledged by the library itself."""
    found = []
    while len(found) < count:
        event = await asyncio.wait_for(smsc.next(), DEADLINE_SECONDS)
        check(isinstance(event, smpp34.DeliverSmEvent), "instead of a receipt:", event)
        found.append(event)
    return found


def check_receipt(event):
    """The id that a receipt is for, which stands in its text and in its TLV."""
    check(event.esm_class & 0x3C == 0x04, "esm_class of a receipt:", event.esm_class)
    check((event.source_addr, event.destination_addr) == ("447700900123", "Shop"), "addresses of a receipt")
    tlvs = {tlv.tag: tlv for tlv in event.tlvs}
    check(tlvs[smpp34.TLV_MESSAGE_STATE].as_int() == 2, "message_state")
    message_id = tlvs[smpp34.TLV_RECEIPTED_MESSAGE_ID].as_string()
    form = rb"id:(\S+) sub:001 dlvrd:001 submit date:\d{10} done date:\d{10} stat:DELIVRD err:000 text:"
    match = re.match(form, event.short_message, re.IGNORECASE)
    check(match and match.group(1).decode() == message_id, "text of a receipt:", event.short_message)
    return message_id


async def messages_and_receipts(port):
    client, smsc = await bound(port, "interop")
    texts = [submit(smsc, b"Hello #%d#" % number) for number in range(TOGETHER)]
    texts.append(submit(smsc, b"", tlvs=[smpp34.Tlv(smpp34.TLV_MESSAGE_PAYLOAD, LONG)]))
    texts.append(submit(smsc, "Привет".encode("utf-16-be"), data_coding=8))
    reference = smpp34.Tlv(smpp34.TLV_USER_MESSAGE_REFERENCE, (42).to_bytes(2, "big"))
    texts.append(submit(smsc, b"vendor", tlvs=[reference, smpp34.Tlv(0x1403, b"\xAA\xBB")]))
    ids = await asyncio.wait_for(asyncio.gather(*texts), DEADLINE_SECONDS)
    check(len(set(ids)) == len(ids) and all(ids), "message ids are not unique")
    receipts = [check_receipt(event) for event in await deliveries(smsc, len(ids))]
    check(sorted(receipts) == sorted(ids), "receipts for other messages")
    check(await client.is_alive(), "the session has ended")
    await smsc.unbind()
    print(f"ok: {len(ids)} messages, {len(receipts)} receipts")


async def one_way_binds(port):
    _, sender = await bound(port, "one-way", "TX")
    _, receiver = await bound(port, "one-way", "RX")
    message_id = await submit(sender, b"one way")
    check([check_receipt(event) for event in await deliveries(receiver, 1)] == [message_id], "another receipt")
    await sender.unbind()
    await receiver.unbind()
    print("ok: the receipt of a transmitter came on the receiver of its account")


async def main():
    port = int(sys.argv[1])
    await messages_and_receipts(port)
    await one_way_binds(port)


asyncio.run(main())
sys.stdout.flush()
# Its threads do not outlive the interpreter in good order: 1.5.0 crashes there now and then.
os._exit(0)
