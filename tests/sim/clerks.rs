//! Those who answer deliveries and messages, well or badly.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use actix::{Actor, ActorContext, Context, Handler, ResponseFuture};
use bindery::esme::Esme;
use bindery::events::{Answer, AnswerOrder, Delivery, DeliveryKind, Duty, InboundMessage};
use bindery::link::now;
use bindery::pdu::CommandStatus;
use fastrand::Rng;
use tokio::time::sleep;

use crate::panics;
use crate::world::{chance, millis, secs};

/// What an answerer does with a question.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Deed {
    /// Answers after a while.
    Answer(CommandStatus, Duration),
    /// Panics over the answer, after a while; the actor lives on.
    Panic(Duration),
    /// Panics, and takes the actor with it.
    Die,
    /// Never answers.
    Silence,
}

/// A question that was shown.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) numbers: Vec<u32>,
    /// By whom, of how many of that name.
    pub(crate) clerk: (&'static str, u32),
    /// The bind and the source whose order counts.
    pub(crate) lane: (String, String),
    pub(crate) is_message: bool,
    pub(crate) at: Instant,
    pub(crate) deed: Deed,
}

impl Shown {
    /// When it is answered, or fails.
    pub(crate) fn end(&self) -> Option<Instant> {
        match self.deed {
            Deed::Answer(_, after) | Deed::Panic(after) => Some(self.at + after),
            Deed::Die => Some(self.at),
            Deed::Silence => None,
        }
    }
}

/// A duty that is always given to somebody, save for a while after each death.
#[derive(Clone)]
pub(crate) struct Post {
    pub(crate) name: &'static str,
    pub(crate) duty: Duty,
    pub(crate) order: AnswerOrder,
    /// It answers messages, not deliveries.
    pub(crate) of_messages: bool,
    /// When its actor is stopped, from one time to the next.
    pub(crate) stops: Duration,
    /// How long it stays vacant.
    pub(crate) vacant: Duration,
}

pub(crate) fn posts(random: &mut Rng) -> Vec<Post> {
    let narrower = [
        ("bind", Duty::named("bind").on("a-2")),
        ("account", Duty::named("account").account("b")),
        (
            "data",
            Duty::named("data").only(DeliveryKind::DataSm).account("a"),
        ),
        ("source", Duty::named("source").source_prefix("4915")),
    ];
    let mut duties = vec![("all", Duty::named("all"))];
    duties.extend(narrower.into_iter().filter(|_| chance(random, 0.4)));
    let orders = [AnswerOrder::Bind, AnswerOrder::Source, AnswerOrder::Arrival];
    let posts = duties.into_iter().map(|(name, duty)| {
        let order = random.choice(orders).unwrap();
        Post {
            name,
            duty: duty.order(order),
            order,
            of_messages: random.bool(),
            stops: if chance(random, 0.3) {
                millis(random.u64(500..9_000))
            } else {
                secs(9_999)
            },
            vacant: millis(random.u64(1..1_500)),
        }
    });
    posts.collect()
}

/// How badly it is done.
#[derive(Clone, Copy)]
pub(crate) struct Temper {
    /// The share of questions of which the actor dies.
    pub(crate) death: f64,
    /// The share of the others that take their time, or have no answer.
    pub(crate) slow: f64,
}

/// What answerers are told.
#[derive(Clone, Copy)]
pub(crate) struct Terms {
    pub(crate) seed: u64,
    /// How long answers may take.
    pub(crate) patience: Duration,
    pub(crate) temper: Temper,
}

struct Clerk {
    terms: Terms,
    name: (&'static str, u32),
    shown: Arc<Mutex<Vec<Shown>>>,
}

impl Actor for Clerk {
    type Context = Context<Self>;
}

impl Clerk {
    fn answer(
        &mut self,
        numbers: Vec<u32>,
        lane: (String, String),
        is_message: bool,
    ) -> ResponseFuture<Answer> {
        let Terms {
            seed,
            patience,
            temper,
        } = self.terms;
        let first = numbers.first().copied().unwrap_or_default();
        let mut random = Rng::with_seed(seed ^ (u64::from(first) << 20));
        let dies = chance(&mut random, temper.death);
        let is_slow = chance(&mut random, temper.slow);
        let after = match random.u8(0..3) {
            _ if !is_slow => Duration::ZERO,
            0 => millis(random.u64(0..50)),
            1 => patience.mul_f64(random.f64() * 0.9),
            _ => patience.mul_f64(random.f64() * 2.5),
        };
        let deed = match random.u8(0..38) {
            _ if dies => Deed::Die,
            0..25 => Deed::Answer(CommandStatus::ESME_ROK, after),
            25..31 => Deed::Answer(CommandStatus::ESME_RX_R_APPN, after),
            31..35 => Deed::Panic(after),
            _ if is_slow => Deed::Silence,
            _ => Deed::Answer(CommandStatus::ESME_ROK, after),
        };
        self.shown.lock().unwrap().push(Shown {
            numbers,
            clerk: self.name,
            lane,
            is_message,
            at: now(),
            deed,
        });
        match deed {
            Deed::Answer(status, after) => Box::pin(async move {
                sleep(after).await;
                status.into()
            }),
            Deed::Panic(after) => Box::pin(async move {
                sleep(after).await;
                std::panic::panic_any(panics::WORDS)
            }),
            Deed::Die => std::panic::panic_any(panics::WORDS),
            Deed::Silence => Box::pin(std::future::pending()),
        }
    }
}

impl Handler<Delivery> for Clerk {
    type Result = ResponseFuture<Answer>;

    fn handle(&mut self, delivery: Delivery, _: &mut Context<Self>) -> Self::Result {
        let lane = (delivery.bind.to_string(), delivery.source().into_owned());
        self.answer(vec![delivery.header.sequence_number.value()], lane, false)
    }
}

impl Handler<InboundMessage> for Clerk {
    type Result = ResponseFuture<Answer>;

    fn handle(&mut self, message: InboundMessage, _: &mut Context<Self>) -> Self::Result {
        let lane = (message.bind.to_string(), message.source().into_owned());
        self.answer(numbers(&message), lane, true)
    }
}

#[derive(actix::Message)]
#[rtype(result = "()")]
struct Stop;

impl Handler<Stop> for Clerk {
    type Result = ();

    fn handle(&mut self, _: Stop, context: &mut Context<Self>) {
        context.stop();
    }
}

pub(crate) fn numbers(message: &InboundMessage) -> Vec<u32> {
    let parts = message.parts.iter().flatten();
    parts.map(|part| part.header.sequence_number.value()).collect()
}

/// Sees that somebody has the duty, and again when that one is dead.
pub(crate) async fn fill(esme: Esme, post: Post, terms: Terms, shown: Arc<Mutex<Vec<Shown>>>) {
    for generation in 0.. {
        let clerk = Clerk {
            terms,
            name: (post.name, generation),
            shown: shown.clone(),
        };
        let clerk = clerk.start();
        let duty = post.duty.clone();
        let taken = if post.of_messages {
            esme.answer_messages(clerk.clone().recipient(), duty)
        } else {
            esme.answer_deliveries(clerk.clone().recipient(), duty)
        };
        taken.unwrap();
        let stops = now() + post.stops;
        while clerk.connected() {
            sleep(millis(10)).await;
            if now() >= stops {
                clerk.do_send(Stop);
            }
        }
        sleep(post.vacant).await;
    }
}
