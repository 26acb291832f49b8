//! Where messages go: routes, strategies, and why.

use super::*;
use crate::dispatch::{BindKey, BindView, Strategy};
use crate::settings::{RouteStrategy, TermSettings};

fn to(destination: &str) -> Submit {
    Submit::text(destination, "hello")
}

/// `uk-1`, `uk-2` of the account `uk`, and `us`; each for its own numbers, `otp` for all.
fn world() -> Settings {
    Settings::default()
        .bind("uk-1", bind().account("uk"))
        .bind("uk-2", bind().account("uk"))
        .bind("us", bind())
        .route("uk", RouteSettings::default().account("uk").destination("44"))
        .route("us", RouteSettings::new(["us"]).destination("1"))
        .route("otp", RouteSettings::new(["uk-2"]).destination("44").class("otp"))
        .route("bank", RouteSettings::new(["us"]).source("Bank*").destination(""))
}

/// The binds that take a message each, one after another; each answers before the next message comes.
async fn takers(bench: &Bench, submits: impl IntoIterator<Item = Submit>) -> Vec<String> {
    let mut takers = Vec::new();
    for submit in submits {
        bench.started.address.do_send(submit);
        let status = bench.status().await;
        let busy = status.binds.iter().find(|bind| bind.in_flight > 0);
        let taker = busy.map_or("nobody", |bind| bind.bind.as_str()).to_owned();
        if taker != "nobody" {
            bench.order(&taker, Order::Accept(1)).await;
        }
        takers.push(taker);
    }
    takers
}

async fn all_bound(settings: Settings) -> Bench {
    let names: Vec<_> = settings.binds.keys().cloned().collect();
    let bench = Bench::start(settings);
    for name in names {
        bench.order(&name, Order::Bind(4)).await;
    }
    bench
}

#[tokio::test(start_paused = true)]
async fn a_message_takes_the_route_whose_conditions_it_meets() {
    local(async {
        let bench = all_bound(world()).await;
        let submits = [
            to("447700900123").class("otp"),
            to("447700900123").class("otp").source("Bank of X"),
            to("12025550123").class("otp"),
            to("33123456789").source("Bank of X"),
            to("33123456789").route("us"),
            to("33123456789").bind("uk-1"),
            to("33123456789"),
        ];
        assert_eq!(
            takers(&bench, submits).await,
            ["uk-2", "uk-2", "us", "us", "us", "uk-1", "nobody"]
        );
        assert_eq!(
            bench.submit(to("33123456789")).await.unwrap(),
            Err(SubmitError::NoRoute)
        );
        let mut uk = takers(&bench, [to("447700900123"), to("+447700900124")]).await;
        uk.sort();
        assert_eq!(uk, ["uk-1", "uk-2"], "all binds of the account, in turn");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn each_strategy_chooses_in_its_own_way() {
    local(async {
        let settings = |strategy| {
            let heavy = TermSettings::default().weight(3_u32).tier(1_u16);
            let route = RouteSettings::new(["a", "b", "c"])
                .destination("")
                .strategy(strategy);
            let binds = ["a", "b", "c"].into_iter();
            let settings = binds.fold(Settings::default(), |settings, name| settings.bind(name, bind()));
            settings.route("all", route.term("a", heavy))
        };
        let taken = async |strategy| {
            let bench = all_bound(settings(strategy)).await;
            let messages = (0..5).map(|_| to("447700900123"));
            let in_turn = takers(&bench, messages).await.concat();
            // None is answered now.
            bench.flood(0..12).await;
            let mut at_once = Vec::new();
            for name in ["a", "b", "c"] {
                at_once.push(bench.jobs_of(name).await);
            }
            (in_turn, at_once)
        };
        let full = vec![4, 4, 4];
        assert_eq!(
            taken(RouteStrategy::RoundRobin).await,
            ("abcab".into(), full.clone())
        );
        assert_eq!(
            taken(RouteStrategy::Weighted).await,
            ("abaca".into(), full.clone())
        );
        assert_eq!(taken(RouteStrategy::Tiers).await, ("bcbcb".into(), full.clone()));
        let (in_turn, at_once) = taken(RouteStrategy::Sticky).await;
        assert!(
            ["aaaaa", "bbbbb", "ccccc"].contains(&in_turn.as_str()),
            "{in_turn}"
        );
        assert_eq!(at_once, full, "others take what its bind has no room for");
        let (in_turn, _) = taken(RouteStrategy::MostRoom).await;
        let mut names: Vec<_> = in_turn[..3].chars().collect();
        names.sort_unstable();
        assert_eq!(names, ['a', 'b', 'c'], "equals take turns");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_belongs_together_goes_by_the_same_bind() {
    local(async {
        let settings = world().route(
            "uk",
            RouteSettings::default()
                .account("uk")
                .destination("44")
                .strategy(RouteStrategy::Sticky),
        );
        let bench = all_bound(settings).await;
        let numbers = || (0..20).map(|number| to(&format!("4477009001{number:02}")));
        let first = takers(&bench, numbers()).await;
        let again = takers(&bench, numbers().rev()).await;
        assert!(first.iter().eq(again.iter().rev()));
        assert!(first.contains(&"uk-1".into()) && first.contains(&"uk-2".into()));
        let together = takers(&bench, numbers().map(|submit| submit.affinity(7))).await;
        assert!(together.windows(2).all(|pair| pair[0] == pair[1]), "{together:?}");
    })
    .await;
}

/// Always the bind that joined last, if it has room.
#[derive(Debug, Default)]
struct Last(std::collections::BTreeMap<BindKey, usize>);

impl Strategy for Last {
    fn handle_bind(&mut self, bind: BindKey, view: &BindView) {
        self.0.insert(bind, view.room());
    }

    fn handle_removed(&mut self, bind: BindKey) {
        self.0.remove(&bind);
    }

    fn choose(&self, _: u64) -> Option<BindKey> {
        self.0
            .iter()
            .rev()
            .find(|(_, room)| **room > 0)
            .map(|(bind, _)| *bind)
    }
}

#[tokio::test(start_paused = true)]
async fn a_program_brings_its_own_strategy() {
    local(async {
        let make: MakeStrategy = Arc::new(|| Box::<Last>::default());
        let settings = Settings::default()
            .bind("a", bind())
            .bind("b", bind())
            .route("all", RouteSettings::new(["a", "b"]).destination(""));
        let bench = Bench::start_with(settings, Strategies::from([("all".into(), make)]));
        bench.order("a", Order::Bind(4)).await;
        bench.order("b", Order::Bind(4)).await;
        let messages = (0..4).map(|_| to("447700900123"));
        assert_eq!(takers(&bench, messages).await.concat(), "bbbb");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_waits_takes_the_route_that_is_its_own_after_a_change() {
    local(async {
        let bench = Bench::start(world());
        bench.order("us", Order::Bind(4)).await;
        let waiting = bench.permitted(to("447700900123"));
        let first = bench.permitted(to("+447700900124"));
        let lost = bench.permitted(to("447700900125").route("otp"));
        assert_eq!(bench.jobs().await, [0, 0, 0]);
        let mut changed = world().route("uk", RouteSettings::new(["us"]).destination("44"));
        changed.routes.remove("otp");
        changed.router.validity = None;
        bench.apply(changed).await;
        bench.order("us", Order::Accept(4)).await;
        assert_eq!(waiting.await.unwrap().bind.as_str(), "us");
        assert_eq!(first.await.unwrap().bind.as_str(), "us");
        assert!(matches!(lost.await, Err(SubmitError::NotSent { .. })));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_bind_that_comes_later_serves_the_routes_of_its_account() {
    local(async {
        let bench = Bench::start(world());
        let waiting = bench.permitted(to("447700900123"));
        let settings = world().bind("uk-3", bind().account("uk"));
        bench.apply(settings).await;
        bench.order("uk-3", Order::Bind(4)).await;
        bench.order("uk-3", Order::Accept(1)).await;
        assert_eq!(waiting.await.unwrap().bind.as_str(), "uk-3");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_waits_goes_on_waiting_when_its_route_goes_over_to_a_bind_that_comes_with_it() {
    local(async {
        let before = Settings::default()
            .bind("old", bind())
            .route("uk", RouteSettings::new(["old"]).destination("44"));
        let bench = Bench::start(before);
        let waiting = bench.permitted(to("447700900123"));
        let after = Settings::default()
            .bind("old", bind())
            .bind("new", bind())
            .route("uk", RouteSettings::new(["new"]).destination("44"));
        bench.apply(after).await;
        bench.order("new", Order::Bind(4)).await;
        bench.order("new", Order::Accept(1)).await;
        assert_eq!(waiting.await.unwrap().bind.as_str(), "new");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_waits_goes_on_waiting_when_its_only_bind_comes_over_to_the_account_of_its_route() {
    local(async {
        let uk = |account: &str| {
            let route = RouteSettings::default().account(account).destination("44");
            Settings::default()
                .bind("a", bind().account(account))
                .route("uk", route)
        };
        let bench = Bench::start(uk("one"));
        bench.order("a", Order::Bind(0)).await;
        let waiting = bench.permitted(to("447700900123"));
        bench.apply(uk("other")).await;
        settle().await;
        bench.order("a", Order::Bind(4)).await;
        bench.order("a", Order::Accept(1)).await;
        assert_eq!(waiting.await.unwrap().bind.as_str(), "a");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_bind_that_is_paused_stays_so_with_other_settings_and_after_a_panic() {
    local(async {
        let bench = Bench::start(world());
        bench.order("us", Order::Bind(4)).await;
        let order = OrderBind {
            bind: "us".into(),
            order: crate::router::Order::Pause,
        };
        bench.started.address.send(order).await.unwrap().unwrap();
        let changed = world().bind("us", bind().system_type("other"));
        bench.apply(changed).await;
        settle().await;
        let expected = Manner {
            paused: true,
            known: true,
            ..Manner::default()
        };
        assert_eq!(bench.manner("us"), expected);
        bench.order("us", Order::Panic).await;
        assert_eq!(bench.manner("us"), expected);
        // Another login is no longer known.
        let login = world().bind("us", BindSettings::new("smsc:2775", "another", "b"));
        bench.apply(login).await;
        settle().await;
        assert_eq!(
            bench.manner("us"),
            Manner {
                known: false,
                ..expected
            }
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_one_time_password_overtakes_what_is_for_sale() {
    local(async {
        let bench = Bench::start(two());
        bench.flood(0..100).await;
        let password = bench.permitted(numbered(1_000).priority(9));
        bench.order("a-1", Order::Bind(1)).await;
        bench.order("a-1", Order::Accept(1)).await;
        assert!(password.await.is_ok());
        let outcomes = bench.watcher.outcomes();
        assert_eq!(outcomes.len(), 1, "it alone has its outcome: {outcomes:?}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn why_a_message_would_go_where_can_be_asked() {
    local(async {
        let bench = Bench::start(world());
        bench.order("uk-2", Order::Bind(4)).await;
        let explain = async |submit| bench.started.address.send(Explain(submit)).await.unwrap();

        let matched = explain(to("+447700900123")).await;
        assert_eq!(
            matched.way,
            Way::Matched {
                route: "uk".into(),
                destination: "44".into()
            }
        );
        assert_eq!(matched.taken_by, Some("uk-2".into()));
        assert_eq!(
            matched.to_string(),
            "The message takes the route uk, since its destination begins with 44. uk-2 takes it at once.\n  \
             uk-1: connecting, 0 of 0 seats taken, weight 1, tier 0\n  \
             uk-2: bound, 0 of 4 seats taken, weight 1, tier 0"
        );

        let _waiting = bench.permitted(to("12025550123"));
        let waits = explain(to("12025550123")).await;
        assert_eq!((waits.taken_by, waits.waiting), (None, 1));

        let none = explain(to("33123456789")).await;
        assert_eq!(none.to_string(), "The message has no route. It is refused.");
        assert_eq!(explain(to("1").bind("nobody")).await.way, Way::None);
        assert_eq!(explain(to("1").bind("us")).await.way, Way::Bind("us".into()));
        assert_eq!(bench.jobs().await, [0, 0, 0], "nothing was sent");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_not_written_can_be_taken_back() {
    local(async {
        let bench = Bench::start(two());
        bench.order("a-1", Order::Bind(2)).await;
        let cancel = async |reference: u64| {
            bench
                .started
                .address
                .send(Cancel(reference.into()))
                .await
                .unwrap()
        };
        // The first two have seats, and one of them is written.
        let messages: Vec<_> = (1..=4).map(|number| bench.permitted(numbered(number))).collect();
        settle().await;
        bench.order("a-1", Order::Write(1)).await;
        for (reference, cancelled) in [(1, 0), (2, 1), (4, 1), (4, 0), (9, 0)] {
            assert_eq!(cancel(reference).await, cancelled, "{reference}");
        }
        let none = Cancel(Reference::None);
        assert_eq!(bench.started.address.send(none).await.unwrap(), 0);
        bench.order("a-1", Order::Accept(4)).await;
        let mut outcomes = Vec::new();
        for message in messages {
            outcomes.push(message.await.map(|_| ()));
        }
        let cancelled = || Err(SubmitError::Cancelled);
        assert_eq!(outcomes, [Ok(()), cancelled(), Ok(()), cancelled()]);
        assert_eq!(bench.started.books.totals().cancelled, 2);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_has_just_been_given_a_seat_can_be_taken_back() {
    local(async {
        let bench = Bench::start(two());
        bench.order("a-1", Order::Bind(2)).await;
        settle().await;
        // Both come in one drain of the router.
        let message = bench.permitted(numbered(1));
        let cancelled = bench.started.address.send(Cancel(1.into())).await;
        assert_eq!(cancelled.unwrap(), 1);
        assert_eq!(message.await.map(|_| ()), Err(SubmitError::Cancelled));
        assert_eq!(bench.jobs().await, [0, 0]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_rest_of_a_long_message_goes_on_though_the_bind_of_its_first_part_is_gone() {
    local(async {
        let bench = Bench::start(two());
        bench.order("a-2", Order::Bind(4)).await;
        let (reply, _pending) = Reply::channel(Reference::None);
        let pdu = || SubmitSm::default().into();
        let mut job = Job::new(Parts::Many(vec![pdu(), pdu(), pdu()]), reply);
        let now = crate::link::now();
        for (part, bind) in ["removed", "a-1"].into_iter().enumerate() {
            job.handle_sent(part, &bind.into(), SequenceNumber::FIRST);
            job.handle_accepted(part, MessageId::try_from("x").unwrap(), now);
        }
        let from = Identity {
            bind: "a-1".into(),
            incarnation: 1,
        };
        let reports = vec![Report::Returned { jobs: vec![job] }].into();
        bench.reporter().report(Reports { from, reports });
        settle().await;
        assert_eq!(bench.jobs().await, [0, 1]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_drain_may_take_longer_than_the_clock_can_say() {
    local(async {
        let bench = Bench::start(two());
        let order = crate::router::OrderBind {
            bind: "a-1".into(),
            order: crate::router::Order::Drain { grace: Duration::MAX },
        };
        assert_eq!(bench.started.address.send(order).await.unwrap(), Ok(()));
        settle().await;
        let binds = bench.status().await.binds;
        let phases: Vec<_> = binds.iter().map(|bind| bind.phase).collect();
        assert_eq!(phases, [Phase::Stopped, Phase::Bound]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_route_that_is_down_has_no_more_than_its_share() {
    local(async {
        let mut settings = world();
        settings.router.queue_capacity = 6;
        settings.router.backlog_per_route = Some(2);
        let bench = Bench::start(settings.clone());
        bench.order("us", Order::Bind(1)).await;
        let to_uk = || to("447700900123");
        let waiting = [bench.permitted(to_uk()), bench.permitted(to_uk())];
        assert_eq!(bench.permitted(to_uk()).await, Err(SubmitError::Busy));
        assert_eq!(bench.submit(to_uk()).await.unwrap(), Err(SubmitError::Busy));
        // Its own bind, another route, and another priority have shares of their own.
        let others = [
            bench.permitted(to_uk().bind("uk-1")),
            bench.permitted(to_uk().priority(9)),
        ];
        let over_us = bench.permitted(to("12025550123"));
        assert_eq!(bench.jobs_of("us").await, 1);
        bench.order("us", Order::Accept(1)).await;
        assert!(over_us.await.is_ok());

        settings.router.backlog_per_route = None;
        bench.apply(settings).await;
        let one_more = bench.permitted(to_uk());
        assert_eq!(bench.status().await.waiting, 5);
        bench.order("uk-1", Order::Bind(5)).await;
        bench.order("uk-1", Order::Accept(5)).await;
        for pending in waiting.into_iter().chain(others).chain([one_more]) {
            assert!(pending.await.is_ok());
        }
        assert_eq!(bench.started.books.free(), 6);
    })
    .await;
}
