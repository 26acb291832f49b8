//! What callers want, and how they ask for it.

use std::fmt;
use std::time::Duration;

use bindery::submit::Submit;
use fastrand::Rng;

use crate::world::{chance, millis};

/// One message, or one batch of them.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// When it is made.
    pub(crate) at: Duration,
    pub(crate) way: Way,
    pub(crate) messages: Vec<Message>,
}

/// How a caller asks.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    /// `Esme::submit`.
    Wait,
    /// `Esme::try_submit`.
    Try,
    /// `Esme::submit_batch`.
    Batch,
    /// `router().send(Submit)`.
    Ask,
    /// `router().do_send(Submit)`: the outcome is an event.
    Tell,
    /// `Esme::try_post`: the outcome is an event.
    Post,
    /// `Esme::submit`, given up after this time.
    Leave(Duration),
}

#[derive(Clone)]
pub(crate) struct Message {
    pub(crate) number: u64,
    pub(crate) parts: usize,
    pub(crate) at_least_once: bool,
    pub(crate) submit: Submit,
    /// When it comes in, where nothing has to be waited for.
    pub(crate) taken: Option<Duration>,
}

/// Calls of at least `count` messages in all, made within `span`.
pub(crate) fn calls(random: &mut Rng, count: u64, span: Duration, binds: &[String]) -> Vec<Call> {
    let mut calls = Vec::new();
    // Callers like to come all at once.
    let rushes: Vec<f64> = (0..random.usize(1..6)).map(|_| random.f64()).collect();
    let mut number = 0;
    while number < count {
        let way = match random.u8(0..12) {
            0..4 => Way::Wait,
            4..6 => Way::Try,
            6 => Way::Batch,
            7..9 => Way::Ask,
            9 => Way::Tell,
            10 => Way::Post,
            _ => Way::Leave(millis(random.u64(0..3_000))),
        };
        let size = if matches!(way, Way::Batch) {
            random.u64(2..30)
        } else {
            1
        };
        let messages = (0..size).map(|_| {
            number += 1;
            message(random, number, binds)
        });
        let mut messages: Vec<Message> = messages.collect();
        let at = if chance(random, 0.6) {
            let rush = random.choice(&rushes).copied().unwrap_or_default();
            span.mul_f64(rush) + millis(random.u64(0..200))
        } else {
            span.mul_f64(random.f64())
        };
        let at = millis(at.as_millis() as u64);
        if matches!(way, Way::Try | Way::Ask | Way::Tell | Way::Post) {
            messages.iter_mut().for_each(|message| message.taken = Some(at));
        }
        calls.push(Call { at, way, messages });
    }
    calls.sort_by_key(|call| call.at);
    calls
}

fn message(random: &mut Rng, number: u64, binds: &[String]) -> Message {
    let parts = if chance(random, 0.15) {
        random.usize(2..7)
    } else {
        1
    };
    // 153 septets a part; what repeats is short enough to stand in each of them whole.
    let word = format!("#{number}# ");
    let length = if parts == 1 { 1 } else { (parts - 1) * 153 + 80 };
    let text = word.repeat(length.div_ceil(word.len()));
    let destination = random.choice(["447700900123", "12025550123"]).unwrap_or_default();
    let mut submit = Submit::text(destination, text)
        .reference(number)
        .priority(random.u8(0..3));
    let at_least_once = chance(random, 0.3);
    if at_least_once {
        submit = submit.at_least_once();
    }
    if chance(random, 0.2) {
        submit = submit.receipt();
    }
    if chance(random, 0.2) {
        submit = submit.validity(millis(random.u64(1..20_000)));
    }
    match random.u8(0..20) {
        0..2 => submit = submit.route("some"),
        2..4 => submit = submit.bind(random.choice(binds).map_or("a-1", String::as_str)),
        4 => submit = submit.bind("nobody"),
        _ => {}
    }
    Message {
        number,
        parts,
        at_least_once,
        submit,
        taken: None,
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let submit = &self.submit;
        f.debug_struct("Message")
            .field("parts", &self.parts)
            .field("at_least_once", &self.at_least_once)
            .field("route", &submit.route)
            .field("bind", &submit.bind)
            .field("priority", &submit.priority)
            .field("validity", &submit.validity)
            .finish()
    }
}
