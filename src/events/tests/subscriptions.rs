//! How events reach those who subscribed.

use actix::ResponseFuture;
use tokio::sync::mpsc;
use tokio::time::{advance, sleep};

use super::*;

/// Needs a second for each message.
struct Slow(mpsc::UnboundedSender<Vec<Event>>);

impl Actor for Slow {
    type Context = Context<Self>;
}

impl Handler<Event> for Slow {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, event: Event, context: &mut Context<Self>) -> Self::Result {
        self.handle(Events(vec![event]), context)
    }
}

impl Handler<Events> for Slow {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, Events(events): Events, _: &mut Context<Self>) -> Self::Result {
        let _ = self.0.send(events);
        Box::pin(sleep(Duration::from_secs(1)))
    }
}

impl Handler<Stop> for Slow {
    type Result = ();

    fn handle(&mut self, _: Stop, context: &mut Context<Self>) {
        context.stop();
    }
}

/// Panics over every event.
struct Fragile;

impl Actor for Fragile {
    type Context = Context<Self>;
}

impl Handler<Event> for Fragile {
    type Result = ();

    fn handle(&mut self, _: Event, _: &mut Context<Self>) {
        panic!("as asked");
    }
}

fn slow() -> (actix::Addr<Slow>, mpsc::UnboundedReceiver<Vec<Event>>) {
    let (sender, seen) = mpsc::unbounded_channel();
    (Slow(sender).start(), seen)
}

/// The binds of events, and how many were missed, in a word each.
fn words(events: &[Event]) -> String {
    let word = |event: &Event| match event {
        Event::Lagged { missed } => format!("-{missed}"),
        event => event.bind().map(ToString::to_string).unwrap_or_default(),
    };
    events.iter().map(word).collect::<Vec<_>>().join(" ")
}

fn all(seen: &mut mpsc::UnboundedReceiver<Vec<Event>>) -> Vec<String> {
    std::iter::from_fn(|| seen.try_recv().ok())
        .map(|events| words(&events))
        .collect()
}

fn emit(hub: &Hub, numbers: std::ops::RangeInclusive<u32>) {
    numbers.for_each(|number| hub.emit(bound(&number.to_string())));
}

async fn second() {
    settle().await;
    advance(Duration::from_secs(1)).await;
    settle().await;
}

async fn local<F: Future<Output = ()>>(test: F) {
    LocalSet::new().run_until(test).await;
}

#[tokio::test(start_paused = true)]
async fn one_event_is_under_way_at_a_time_and_what_waits_can_be_read() {
    local(async {
        let hub = Hub::new();
        let (actor, mut seen) = slow();
        let subscription = hub.subscribe(actor.recipient(), Kinds::BINDS);
        emit(&hub, 1..=3);
        settle().await;
        assert_eq!(all(&mut seen), ["1"]);
        let status = hub.subscription(subscription).unwrap();
        assert_eq!((status.events, status.octets, status.missed), (2, 1_024, 0));
        second().await;
        assert_eq!(all(&mut seen), ["2"]);
        second().await;
        assert_eq!(all(&mut seen), ["3"]);
        assert_eq!(
            hub.subscription(subscription),
            Some(SubscriptionStatus::default())
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn one_batch_is_under_way_at_a_time_with_all_that_came_meanwhile() {
    local(async {
        let hub = Hub::new();
        let (actor, mut seen) = slow();
        hub.subscribe_batches(actor.recipient(), Kinds::BINDS, Policy::drop_oldest().batch(3));
        emit(&hub, 1..=6);
        second().await;
        second().await;
        second().await;
        assert_eq!(all(&mut seen), ["1", "2 3 4", "5 6"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_slow_subscriber_is_told_how_much_it_missed_where_it_missed_it() {
    local(async {
        let hub = Hub::new();
        let (actor, mut seen) = slow();
        let policy = Policy::drop_oldest().events(2);
        let subscription = hub.subscribe_batches(actor.recipient(), Kinds::BINDS, policy);
        emit(&hub, 1..=6);
        assert_eq!(hub.subscription(subscription).unwrap().missed, 3);
        second().await;
        emit(&hub, 7..=7);
        second().await;
        assert_eq!(all(&mut seen), ["1", "-3 5 6", "7"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_subscription_ends_at_once_with_what_waits_even_in_the_mailbox() {
    local(async {
        let hub = Hub::new();
        let (actor, mut seen) = slow();
        let subscription = hub.subscribe(actor.recipient(), Kinds::BINDS);
        emit(&hub, 1..=3);
        assert!(hub.unsubscribe(subscription));
        second().await;
        second().await;
        assert_eq!(all(&mut seen), [""; 0]);
        assert_eq!(hub.subscription(subscription), None);
        assert!(!hub.wants(Kinds::ALL));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_panics_is_dropped_and_reported_and_others_go_on() {
    local(async {
        let hub = Hub::new();
        hub.subscribe(Fragile.start().recipient(), Kinds::BINDS);
        let witness = Witness::default();
        hub.subscribe(witness.clone().start().recipient(), Kinds::ALARMS | Kinds::BINDS);
        emit(&hub, 1..=3);
        settle().await;
        let seen = witness.seen();
        let alarms = seen.iter().filter(|event| {
            matches!(
                event,
                Event::Alarm(AlarmEvent {
                    alarm: Alarm::SubscriberGone,
                    ..
                })
            )
        });
        assert_eq!((alarms.count(), seen.len()), (1, 4), "{seen:?}");
        assert_eq!(hub.subscribers().len(), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_stops_with_events_in_its_mailbox_is_dropped_and_reported() {
    local(async {
        let hub = Hub::new();
        let (actor, mut seen) = slow();
        let witness = Witness::default();
        hub.subscribe(witness.clone().start().recipient(), Kinds::ALARMS);
        hub.subscribe_with(
            actor.clone().recipient(),
            Kinds::BINDS,
            Policy::hold_back().events(2),
        );
        actor.do_send(Stop);
        emit(&hub, 1..=3);
        assert!(hub.holds());
        settle().await;
        assert!(matches!(
            witness.seen()[..],
            [Event::Alarm(AlarmEvent {
                alarm: Alarm::SubscriberGone,
                ..
            })]
        ));
        assert!(!hub.holds() && !hub.wants(Kinds::BINDS));
        assert_eq!(all(&mut seen), [""; 0]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_gives_events_and_ends_when_it_is_unsubscribed_or_nothing_happens_any_more() {
    local(async {
        let hub = Hub::new();
        let mut stream = hub.events(Kinds::BINDS, Policy::drop_oldest().events(2));
        emit(&hub, 1..=3);
        assert_eq!(stream.status().missed, 1);
        let mut next = async |count: usize| {
            let mut events = Vec::new();
            for _ in 0..count {
                events.extend(stream.next().await);
            }
            words(&events)
        };
        assert_eq!(next(3).await, "-1 2 3");
        let telling = async {
            settle().await;
            emit(&hub, 4..=4);
        };
        assert_eq!(tokio::join!(next(1), telling).0, "4");
        emit(&hub, 5..=5);
        hub.close();
        assert_eq!(next(3).await, "5");
        assert_eq!(
            words(
                hub.events(Kinds::BINDS, Policy::default())
                    .next()
                    .await
                    .as_slice()
            ),
            ""
        );

        let hub = Hub::new();
        let mut stream = hub.events(Kinds::BINDS, Policy::default());
        emit(&hub, 1..=1);
        hub.unsubscribe(stream.subscription());
        assert!(stream.next().await.is_none());
        let mut orphan = hub.events(Kinds::BINDS, Policy::default());
        emit(&hub, 1..=1);
        drop(hub);
        assert_eq!(
            orphan.next().await.map(|event| words(&[event])).as_deref(),
            Some("1")
        );
        assert!(orphan.next().await.is_none());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_dropped_stream_leaves_nothing_behind() {
    local(async {
        let hub = Hub::new();
        let stream = hub.events(Filter::pdus(), Policy::hold_back().events(1));
        assert!(!hub.watches_nothing());
        let weak = {
            let subscribers = hub.subscribers();
            Arc::downgrade(&subscribers[0])
        };
        drop(stream);
        assert!(hub.watches_nothing() && weak.upgrade().is_none());
    })
    .await;
}

#[test]
fn events_come_to_other_threads_whole_and_in_order() {
    let hub = Hub::new();
    let mut stream = hub.events(Kinds::BINDS, Policy::default());
    let telling = {
        let hub = hub.clone();
        std::thread::spawn(move || emit(&hub, 1..=10_000))
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        for number in 1..=10_000 {
            let event = stream.next().await.unwrap();
            assert_eq!(event.bind().map(ToString::to_string), Some(number.to_string()));
        }
    });
    telling.join().unwrap();
}

#[test]
fn many_threads_tell_an_actor_elsewhere_everything() {
    let hub = Hub::new();
    let (sender, mut seen) = mpsc::unbounded_channel();
    let (ready, started) = std::sync::mpsc::sync_channel(1);
    let home = std::thread::spawn(move || {
        actix_rt::System::new().block_on(async move {
            let (address, ended) = (Counting(sender, 0).start(), tokio::sync::Notify::new());
            ready.send(address).unwrap();
            ended.notified().await;
        });
    });
    let address = started.recv().unwrap();
    hub.subscribe_batches(
        address.recipient(),
        Kinds::BINDS,
        Policy::default().events(1_000_000),
    );
    let telling: Vec<_> = (0..4)
        .map(|_| {
            let hub = hub.clone();
            std::thread::spawn(move || emit(&hub, 1..=5_000))
        })
        .collect();
    telling.into_iter().for_each(|thread| thread.join().unwrap());
    while seen.blocking_recv().unwrap() < 20_000 {}
    drop(home);
}

/// Tells how many events it got.
struct Counting(mpsc::UnboundedSender<usize>, usize);

impl Actor for Counting {
    type Context = Context<Self>;
}

impl Handler<Events> for Counting {
    type Result = ();

    fn handle(&mut self, Events(events): Events, _: &mut Context<Self>) {
        self.1 += events.len();
        let _ = self.0.send(self.1);
    }
}
