// node-smpp (npm: smpp) as ESME on an SMSC of ours: binds, messages with receipts, other requests, unbind.
//
// Usage: node_smpp_esme.js PORT
//
// The first mistake ends the run with status 1.

'use strict';

const assert = require('node:assert/strict');
const smpp = require('smpp');

const port = Number(process.argv[2]);
const LONG = 'Ten characters each with [brackets] of two septets, and this goes on. '.repeat(5);

/** One session; `ask` gives the response to a request. */
class Esme {
  constructor() {
    this.deliveries = [];
    this.waiting = [];
    this.session = smpp.connect({ host: '127.0.0.1', port });
    this.session.on('error', (error) => { throw error; });
    this.session.on('deliver_sm', (pdu) => {
      this.deliveries.push(pdu);
      this.session.send(pdu.response());
      this.waiting = this.waiting.filter(({ count, resolve }) => this.deliveries.length < count || resolve());
    });
    this.closed = new Promise((resolve) => this.session.on('close', resolve));
    this.connected = new Promise((resolve) => this.session.on('connect', resolve));
  }

  ask(command, fields = {}) {
    return new Promise((resolve) => this.session[command](fields, resolve));
  }

  delivered(count) {
    if (this.deliveries.length >= count) return Promise.resolve();
    return new Promise((resolve) => this.waiting.push({ count, resolve }));
  }

  async bound(command, system_id) {
    await this.connected;
    const answer = await this.ask(command, { system_id, password: 'secret', interface_version: 0x34 });
    assert.equal(answer.command, `${command}_resp`);
    assert.equal(answer.command_status, 0);
    assert.equal(answer.sc_interface_version, 0x34);
    return this;
  }

  async unbind() {
    const answer = await this.ask('unbind');
    assert.deepEqual([answer.command, answer.command_status], ['unbind_resp', 0]);
    this.session.close();
    await this.closed;
  }
}

const address = { source_addr_ton: 5, source_addr_npi: 0, source_addr: 'Shop', dest_addr_ton: 1, dest_addr_npi: 1 };
const submit = (more) => ({ ...address, destination_addr: '447700900123', registered_delivery: 1, ...more });

async function messagesAndReceipts() {
  const esme = await new Esme().bound('bind_transceiver', 'node');
  const requests = [];
  for (let number = 0; number < 50; number += 1) {
    requests.push(submit({ short_message: `Hello {${number}} €` }));
  }
  requests.push(submit({ short_message: 'Привет', data_coding: 8 }));
  requests.push(submit({ short_message: '', message_payload: LONG }));
  for (const part of [1, 2]) {
    requests.push(submit({ short_message: { udh: Buffer.from([5, 0, 3, 7, 2, part]), message: LONG.slice(0, 100) } }));
  }
  requests.push(submit({ short_message: 'TLVs', user_message_reference: 77, source_port: 1, language_indicator: 1 }));
  const silent = submit({ short_message: 'no receipt', registered_delivery: 0 });

  // All at once: more requests are open than answers have come.
  const answers = await Promise.all([...requests, silent].map((fields) => esme.ask('submit_sm', fields)));
  for (const answer of answers) assert.deepEqual([answer.command, answer.command_status], ['submit_sm_resp', 0]);
  const ids = answers.map((answer) => answer.message_id);
  assert.equal(new Set(ids).size, requests.length + 1, 'the ids are unique');

  await esme.delivered(requests.length);
  const owed = ids.slice(0, requests.length).sort();
  const receipted = (pdu) => pdu.receipted_message_id.toString().replace('\0', '');
  assert.deepEqual(esme.deliveries.map(receipted).sort(), owed);
  for (const pdu of esme.deliveries) {
    assert.equal(pdu.esm_class & 0x3c, 0x04);
    assert.equal(pdu.message_state, 2);
    assert.deepEqual([pdu.source_addr, pdu.destination_addr], ['447700900123', 'Shop']);
    assert.match(pdu.short_message.message, new RegExp(`^id:${receipted(pdu)} sub:001 dlvrd:001 .*stat:DELIVRD err:000`));
  }

  const query = await esme.ask('query_sm', { ...address, message_id: ids[0] });
  assert.deepEqual([query.command_status, query.message_id, query.message_state], [0, ids[0], 2]);
  const unknown = await esme.ask('query_sm', { ...address, message_id: 'nothing' });
  assert.equal(unknown.command_status, smpp.ESME_RINVMSGID);

  const data = await esme.ask('data_sm', { ...address, destination_addr: '447700900123', message_payload: 'data' });
  assert.deepEqual([data.command, data.command_status], ['data_sm_resp', 0]);
  const multi = await esme.ask('submit_multi', {
    ...address,
    dest_address: [
      { dest_addr_ton: 1, dest_addr_npi: 1, destination_addr: '447700900124' },
      { dest_addr_ton: 1, dest_addr_npi: 1, destination_addr: '447700900125' },
    ],
    short_message: 'to two',
  });
  assert.deepEqual([multi.command, multi.command_status], ['submit_multi_resp', 0]);
  const alive = await esme.ask('enquire_link');
  assert.deepEqual([alive.command, alive.command_status], ['enquire_link_resp', 0]);

  await esme.unbind();
  assert.equal(esme.deliveries.length, requests.length, 'no receipt that nobody asked for');
  console.log(`ok: ${ids.length} messages, ${esme.deliveries.length} receipts, query_sm, data_sm, submit_multi`);
}

async function oneWayBinds() {
  const sender = await new Esme().bound('bind_transmitter', 'one-way');
  const receiver = await new Esme().bound('bind_receiver', 'one-way');
  const answer = await sender.ask('submit_sm', submit({ short_message: 'one way' }));
  await receiver.delivered(1);
  assert.equal(receiver.deliveries[0].receipted_message_id.toString().replace('\0', ''), answer.message_id);
  const refused = await receiver.ask('submit_sm', submit({ short_message: 'wrong way' }));
  assert.equal(refused.command_status, smpp.ESME_RINVBNDSTS);
  await sender.unbind();
  await receiver.unbind();
  assert.equal(sender.deliveries.length, 0);
  console.log('ok: a receipt comes on the receiver, and a receiver may not send');
}

async function main() {
  await messagesAndReceipts();
  await oneWayBinds();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
