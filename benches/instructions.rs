//! One piece of work, so and so often: what valgrind counts instructions of.
//!
//! `benches/instructions` runs it; `cargo bench --bench instructions -- WORK TIMES` does the work alone.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a benchmark that cannot start says so"
)]

#[path = "fixtures/yes.rs"]
mod yes;

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use bindery::esme::Esme;
use bindery::pdu::{self, CommandStatus, Leniency, RegisteredDelivery, SequenceNumber, SubmitSm};
use bindery::settings::{BindSettings, Settings};
use bindery::sm::{Alphabet, Correlator, CorrelatorLimits, Receipt, SplitOptions, Unencodable, split_text};

const RECEIPT: &str = "id:0123456789 sub:001 dlvrd:001 submit date:2611221656 done date:2611221657 \
                       stat:DELIVRD err:000 text:The quick brown fox ";
const TEXT: &str =
    "The quick brown fox jumps over the lazy dog, then it has a rest and jumps over the lazy dog";

/// Messages on their way at a time.
const WINDOW: usize = 100;

/// Messages whose receipts are owed.
const KEPT: usize = 32_768;

fn main() {
    let arguments: Vec<_> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let [work, times] = arguments.as_slice() else {
        return; // run by `cargo test --benches` or the like
    };
    let times: usize = times.parse().unwrap();
    let submit = SubmitSm {
        destination_addr: "447700900123".try_into().unwrap(),
        short_message: TEXT.into(),
        ..SubmitSm::default()
    };
    if work == "message" || work == "message-in-batch" {
        return send(&submit, times, work == "message-in-batch");
    }
    let mut out = Vec::with_capacity(4_096);
    let put = |out: &mut Vec<u8>| {
        pdu::encode(&submit, CommandStatus::ESME_ROK, SequenceNumber::FIRST, out).unwrap()
    };
    put(&mut out);
    let frame = out.clone();
    let leniency = Leniency::default();
    let options = SplitOptions::default();
    let long = "Привет, мир! ".repeat(50);
    // As many receipts are owed as are kept, so that for each message another is given up.
    let limits = CorrelatorLimits {
        messages: KEPT,
        ..CorrelatorLimits::default()
    };
    let (mut correlator, now) = (Correlator::new(limits), Instant::now());
    correlator.set_heeded(false);
    let ids: Vec<_> = (0..2 * KEPT).map(|number| format!("{number:010}")).collect();
    for id in ids.iter().take(if work == "receipt-owed" { KEPT } else { 0 }) {
        correlator.handle_submitted(0, 1, [(0, &**id)], now);
    }
    for number in 0..times {
        match work.as_str() {
            "receipt" => drop(black_box(Receipt::parse(black_box(RECEIPT)))),
            "receipt-owed" => {
                let id = &*ids[(KEPT + number) % ids.len()];
                correlator.handle_submitted(number as u32, 1, [(0, id)], now);
            }
            "submit_sm-encode" => {
                out.clear();
                put(black_box(&mut out));
            }
            "submit_sm-view" => {
                black_box(&pdu::view(black_box(&frame), &leniency));
            }
            "gsm7-encode" => {
                out.clear();
                black_box(Alphabet::GSM7.encode(black_box(TEXT), Unencodable::Refuse, &mut out)).unwrap();
            }
            "split-ucs2" => drop(black_box(split_text(black_box(&long), &options, 7)).unwrap()),
            other => panic!("no work called {other}"),
        }
    }
}

/// Messages that ask for a receipt, from caller through router and bind and back, a window at a time; what the SMSC in
/// memory does is counted too.
fn send(submit: &SubmitSm, times: usize, in_batch: bool) {
    let submit = SubmitSm {
        registered_delivery: RegisteredDelivery::FINAL,
        ..submit.clone()
    };
    let bind = BindSettings::new("smsc:2775", "a", "secret").window(WINDOW);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    tokio::task::LocalSet::new().block_on(&runtime.unwrap(), async {
        let esme = Esme::start_local(Settings::default().bind("a-1", bind), Arc::new(yes::Yes)).unwrap();
        // Buffers and tables reach their size before what is counted begins.
        for _ in 0..20 + times / WINDOW {
            let window = std::iter::repeat_n(&submit, WINDOW).cloned();
            if in_batch {
                let results = esme.submit_batch(window).await;
                assert!(results.iter().all(Result::is_ok));
                continue;
            }
            let pending: Vec<_> = window.map(|submit| esme.try_submit(submit).unwrap()).collect();
            for pending in pending {
                pending.await.unwrap();
            }
        }
    });
}
