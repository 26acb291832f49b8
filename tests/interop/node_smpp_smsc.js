// node-smpp (npm: smpp) as SMSC for `bindery send`.
//
// Usage: node_smpp_smsc.js                              serves until SIGTERM, then prints what it got
//        node_smpp_smsc.js --messages                   prints what is to be sent
//        node_smpp_smsc.js --compare MESSAGES SENT GOT  whether both sides agree
//
// Status 1 where something was not as it should be.

'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');

// By the end of the destination: what is special about the message. What is throttled comes late, since all after it
// goes slowly.
const THROTTLED_ONCE = '021';
const REFUSED = '2';
const RECEIPT_BEFORE_RESPONSE = '3';
const RECEIPT_WITHOUT_TLVS = '4';
const UNDELIVERABLE = '5';

function messages() {
  const list = [];
  for (let number = 0; number < 24; number += 1) {
    const texts = [`Hello {${number}} €`, `Привет 😀 ${number}`, `A long one, [${number}]. `.repeat(20), `naïve Ω ${number}`];
    list.push({ id: `m${number}`, to: `4477009${String(number).padStart(5, '0')}`, from: 'Shop', text: texts[number % 4] });
  }
  return list;
}

function serve() {
  const smpp = require('smpp');
  const got = { binds: 0, unbinds: 0, enquire_links: 0, answered: 0, parts: [], mistakes: [] };
  let throttled = false;
  let sessions = 0;

  const check = (condition, what) => condition || got.mistakes.push(what);
  const receipt = (session, pdu, id, last) => {
    const state = last === UNDELIVERABLE ? ['UNDELIV', 5, '003'] : ['DELIVRD', 2, '000'];
    const fields = {
      esm_class: 4,
      source_addr: pdu.destination_addr,
      destination_addr: pdu.source_addr,
      data_coding: 0,
      short_message: `id:${id} sub:001 dlvrd:001 submit date:2601010000 done date:2601010001 stat:${state[0]} err:${state[2]} text:x`,
    };
    if (last !== RECEIPT_WITHOUT_TLVS) {
      fields.receipted_message_id = id;
      fields.message_state = state[1];
    }
    session.deliver_sm(fields, (answer) => {
      check(answer.command === 'deliver_sm_resp' && answer.command_status === 0, `receipt ${id}: ${answer.command_status}`);
      got.answered += 1;
    });
  };

  const server = smpp.createServer({}, (session) => {
    sessions += 1;
    session.on('error', (error) => got.mistakes.push(String(error)));
    session.on('bind_transceiver', (pdu) => {
      got.binds += 1;
      const known = pdu.system_id === 'interop' && pdu.password === 'secret' && pdu.interface_version === 0x34;
      check(known, 'credentials');
      session.send(pdu.response({ system_id: 'node' }));
      session.enquire_link((answer) => check(answer.command === 'enquire_link_resp', 'no answer to enquire_link'));
    });
    session.on('enquire_link', (pdu) => {
      got.enquire_links += 1;
      session.send(pdu.response());
    });
    session.on('unbind', (pdu) => {
      got.unbinds += 1;
      session.send(pdu.response());
      session.close();
    });
    session.on('submit_sm', (pdu) => {
      const to = pdu.destination_addr;
      const last = to.slice(-1);
      if (last === REFUSED) {
        session.send(pdu.response({ command_status: smpp.ESME_RINVDSTADR }));
        return;
      }
      if (to.endsWith(THROTTLED_ONCE) && !throttled) {
        throttled = true;
        session.send(pdu.response({ command_status: smpp.ESME_RTHROTTLED }));
        return;
      }
      const id = `node-${got.parts.length}`;
      const udh = (pdu.short_message.udh || []).map((element) => [...element]);
      got.parts.push({ id, to, from: pdu.source_addr, text: pdu.short_message.message, udh });
      check(pdu.registered_delivery === 1, `registered_delivery ${pdu.registered_delivery}`);
      if (last === RECEIPT_BEFORE_RESPONSE) receipt(session, pdu, id, last);
      session.send(pdu.response({ message_id: id }));
      if (last !== RECEIPT_BEFORE_RESPONSE) receipt(session, pdu, id, last);
    });
  });
  server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ listening: `127.0.0.1:${server.address().port}` })));
  process.on('SIGTERM', () => {
    check(sessions === 1 && got.binds === 1 && got.unbinds === 1, 'one session, bound and unbound in good order');
    check(throttled, 'nothing was throttled');
    check(got.answered === got.parts.length, `${got.answered} of ${got.parts.length} receipts were answered`);
    console.log(JSON.stringify(got));
    got.mistakes.forEach((mistake) => console.error(mistake));
    process.exit(got.mistakes.length === 0 ? 0 : 1);
  });
}

const lines = (file) => fs.readFileSync(file, 'utf8').trim().split('\n').map((line) => JSON.parse(line));

/** The parts of one message in the order of their concatenation header. */
function inOrder(parts) {
  const place = (part) => {
    const element = part.udh.find(([kind]) => kind === 0);
    return element ? element[4] : 0;
  };
  return [...parts].sort((a, b) => place(a) - place(b));
}

function compare(messagesFile, sentFile, gotFile) {
  const sent = lines(sentFile);
  const { parts } = lines(gotFile).at(-1);
  const outcomes = sent.filter((line) => line.outcome);
  const receipts = sent.filter((line) => line.receipt).map((line) => line.receipt);
  const expected = lines(messagesFile);
  assert.equal(outcomes.length, expected.length, 'one outcome for each message');
  let receipted = 0;
  for (const message of expected) {
    const outcome = outcomes.find((line) => line.id === message.id);
    const last = message.to.slice(-1);
    const theirs = inOrder(parts.filter((part) => part.to === message.to));
    if (last === REFUSED) {
      assert.equal(outcome.outcome, 'rejected', JSON.stringify(outcome));
      continue;
    }
    assert.equal(outcome.outcome, 'submitted', JSON.stringify(outcome));
    assert.deepEqual([...outcome.message_ids].sort(), theirs.map((part) => part.id).sort(), message.id);
    assert.equal(theirs.map((part) => part.text).join(''), message.text);
    assert.ok(theirs.every((part) => part.from === 'Shop'));
    for (const id of outcome.message_ids) {
      const ours = receipts.filter((receipt) => receipt.message_id === id);
      assert.equal(ours.length, 1, `one receipt for ${id}`);
      assert.deepEqual([ours[0].id, ours[0].stat], [message.id, last === UNDELIVERABLE ? 'UNDELIV' : 'DELIVRD']);
      receipted += 1;
    }
  }
  assert.equal(receipts.length, receipted);
  console.log(`ok: ${outcomes.length} messages in ${parts.length} parts, ${receipted} receipts`);
}

const [mode, ...files] = process.argv.slice(2);
if (mode === '--messages') {
  messages().forEach((message) => console.log(JSON.stringify(message)));
} else if (mode === '--compare') {
  compare(...files);
} else {
  serve();
}
