//! What goes wrong in production, one test for each failure that whole systems have to stand.
//!
//! Failures that concern one layer only are tested there; `docs/reliability.md` has the table.

use std::collections::BTreeMap;
use std::time::Instant;

use bindery::settings::{BudgetSettings, Settings};
use bindery::smsc::{Account, Behaviour, Faults, Nonsense, Shares};
use bindery::submit::SubmitError;
use tokio::time::sleep;

use crate::bench::{Bench, behaviour, bind, deaf, local, outcomes, tally, text};
use crate::world::{millis, secs};

#[tokio::test(start_paused = true)]
async fn a_lost_response_is_unknown_once_and_costs_neither_the_link_nor_other_messages() {
    local(async {
        let settings = Settings::default().bind("a", bind("one"));
        let bench = Bench::start([behaviour()], settings).await;
        bench.smscs[0].change(|behaviour| behaviour.faults = deaf());
        let lost = bench.submit([text(1)]);
        sleep(secs(1)).await;
        bench.smscs[0].change(|behaviour| behaviour.faults = Faults::default());
        let others = bench.submit((2..50).map(text));
        assert_eq!(
            tally(&outcomes(others, secs(5)).await),
            BTreeMap::from([("submitted", 48)])
        );
        let lost = outcomes(lost, secs(60)).await;
        assert!(matches!(lost[0], Err(SubmitError::Unknown { .. })));
        assert_eq!(bench.sights(1).len(), 1);
        assert_eq!(bench.connections(0).len(), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_smsc_that_answers_enquire_link_alone_costs_a_window_a_bind_and_the_rest_leaves_by_a_sibling() {
    local(async {
        let impatient = |host| bind(host).window(5_usize).response_timeout(secs(2));
        let settings = Settings::default()
            .bind("deaf", impatient("one"))
            .bind("well", impatient("two"));
        let deaf = Behaviour {
            faults: deaf(),
            ..behaviour()
        };
        let bench = Bench::start([deaf, behaviour()], settings).await;
        let outcomes = outcomes(bench.submit((0..2_000).map(text)), secs(600)).await;
        let tally = tally(&outcomes);
        let binds = bench.connections(0).len();
        let unknown = tally.get("unknown").copied().unwrap_or_default();
        assert!((1..=5 * binds).contains(&unknown), "{tally:?} in {binds} binds");
        assert_eq!(tally.get("submitted"), Some(&(2_000 - unknown)), "{tally:?}");
        assert!(bench.ledger().messages.values().all(|sights| sights.len() == 1));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn without_a_sibling_what_an_smsc_does_not_answer_costs_a_window_and_then_one_a_bind() {
    local(async {
        let settings =
            Settings::default().bind("deaf", bind("one").window(5_usize).response_timeout(secs(2)));
        let bench = Bench::start([behaviour()], settings).await;
        bench.smscs[0].change(|behaviour| behaviour.faults = deaf());
        let pending = bench.submit((0..200).map(text));
        sleep(secs(600)).await;
        let binds = bench.connections(0).len();
        let seen = bench.ledger().messages.len();
        assert!(binds > 5, "{binds}");
        assert!(seen <= 5 + (binds - 1), "{seen} in {binds} binds");
        assert!(bench.waiting().await >= 200 - seen - 10);

        bench.smscs[0].change(|behaviour| behaviour.faults = Faults::default());
        let tally = tally(&outcomes(pending, secs(600)).await);
        assert!(tally["unknown"] <= 5 + binds, "{tally:?}");
        assert_eq!(tally["submitted"] + tally["unknown"], 200);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn sixty_of_a_hundred_throttled_at_once_slow_down_once_and_go_again_in_order() {
    local(async {
        let settings = Settings::default().bind("a", bind("one").window(100_usize));
        // So many at once as a fifth of the rate.
        let limited = Behaviour {
            rate: Some(200.0),
            ..behaviour()
        };
        let bench = Bench::start([limited], settings).await;
        let pending = bench.submit((0..100).map(text));
        let begun = bindery::link::now();
        assert_eq!(
            tally(&outcomes(pending, secs(60)).await),
            BTreeMap::from([("submitted", 100)])
        );
        let took = bindery::link::now() - begun;
        // From the hundred of the last second to fifty, after a pause of one: twice slowed down it were 25.
        assert!((2_000..2_500).contains(&took.as_millis()), "{took:?}");

        let ledger = bench.ledger();
        let mut again: Vec<(Instant, u64)> = Vec::new();
        for (number, sights) in &ledger.messages {
            assert!(sights.len() <= 2);
            again.extend(sights.get(1).map(|sight| (sight.at, *number)));
        }
        assert_eq!(again.len(), 60);
        again.sort_by_key(|(at, _)| *at);
        assert!(again.is_sorted_by_key(|(_, number)| *number), "{again:?}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn of_a_budget_of_a_hundred_one_busy_bind_of_four_has_all() {
    local(async {
        let mut settings = Settings::default();
        settings.budgets.insert("a".into(), BudgetSettings::new(100.0));
        for name in ["a-1", "a-2", "a-3", "a-4"] {
            settings = settings.bind(name, bind("one").budget("a").window(20_usize));
        }
        let bench = Bench::start([behaviour()], settings).await;
        let begun = bindery::link::now();
        let _pending = bench.submit((0..2_000).map(|number| text(number).bind("a-3")));
        sleep(secs(10)).await;
        let seen = bench.smscs[0]
            .witness()
            .sightings
            .iter()
            .filter(|sighting| matches!(sighting.what, bindery::smsc::Seen::Message(_)))
            .filter(|sighting| (begun..begun + secs(10)).contains(&sighting.at))
            .count();
        assert!((950..=1_010).contains(&seen), "{seen} in ten seconds");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn of_three_binds_one_dies_and_only_what_was_in_flight_there_is_unknown() {
    local(async {
        let settings = ["one", "two", "three"]
            .into_iter()
            .fold(Settings::default(), |settings, host| {
                settings.bind(host, bind(host))
            });
        let bench = Bench::start([behaviour(), behaviour(), behaviour()], settings).await;
        let pending = bench.submit((0..1_000).map(text));
        let named = bench.submit((1_000..1_010).map(|number| text(number).bind("two").validity(secs(30))));
        sleep(millis(110)).await;
        bench.smscs[1].stop().await;
        let tally = tally(&outcomes(pending, secs(10)).await);
        let unknown = tally.get("unknown").copied().unwrap_or_default();
        assert!((1..=10).contains(&unknown), "{tally:?}");
        assert_eq!(tally["submitted"], 1_000 - unknown, "{tally:?}");
        assert!(bench.ledger().messages.values().all(|sights| sights.len() == 1));
        for outcome in outcomes(named, secs(60)).await {
            assert!(matches!(outcome, Err(SubmitError::Expired)), "{outcome:?}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_thousand_binds_do_not_storm_an_smsc_that_comes_back() {
    local(async {
        let mut settings = Settings::default();
        for number in 0..1_000 {
            settings = settings.bind(format!("a-{number}").as_str(), bind("one"));
        }
        let limit = settings.router.binds_per_second.map(|limit| limit as usize);
        let bench = Bench::start([behaviour()], settings).await;
        let is_bound = |links| bench.smscs[0].counters().links == links;
        sleep(secs(600)).await;
        assert!(is_bound(1_000));
        bench.smscs[0].stop().await;
        sleep(secs(60)).await;
        bench.smscs[0].start().await.unwrap();
        let back = bindery::link::now();
        sleep(secs(600)).await;
        assert!(is_bound(1_000));

        let mut again = bench.connections(0);
        again.retain(|at| *at >= back);
        assert_eq!(again.len(), 1_000, "each once");
        let most = again
            .iter()
            .map(|from| {
                again
                    .iter()
                    .filter(|at| (*from..*from + secs(1)).contains(at))
                    .count()
            })
            .max();
        assert!(most <= limit, "{most:?} in a second");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_still_holds_the_session_is_not_asked_every_second() {
    local(async {
        let one = Account {
            max_binds: Some(1),
            ..Account::new("one", "")
        };
        let holding = Behaviour {
            accounts: vec![one],
            faults: Faults {
                holds_sessions: Some(secs(100)),
                ..Faults::default()
            },
            ..behaviour()
        };
        let bench = Bench::start([holding], Settings::default().bind("a", bind("one"))).await;
        bench.smscs[0].cut_links();
        sleep(millis(1)).await;
        let pending = bench.submit([text(1)]);
        assert!(outcomes(pending, secs(400)).await[0].is_ok());
        let connections = bench.connections(0).len();
        assert!((2..=5).contains(&connections), "{connections}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_wrong_password_is_tried_rarely_and_another_one_at_once() {
    local(async {
        let strict = Behaviour {
            accounts: vec![Account::new("one", "secret")],
            ..behaviour()
        };
        let wrong = Settings::default().bind("a", bind("one").password("wrong"));
        let bench = Bench::start([strict], wrong).await;
        sleep(secs(3_600)).await;
        let attempts = bench.connections(0).len();
        assert!((4..=20).contains(&attempts), "{attempts} in an hour");
        let pending = bench.submit([text(1)]);
        let right = Settings::default().bind("a", bind("one"));
        bench.esme.apply(right).await.unwrap();
        assert!(outcomes(pending, secs(2)).await[0].is_ok());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_slow_smsc_leaves_its_messages_to_a_fast_sibling() {
    local(async {
        let settings = Settings::default()
            .bind("slow", bind("one"))
            .bind("fast", bind("two"));
        let slow = Behaviour {
            delay: secs(2),
            ..behaviour()
        };
        let bench = Bench::start([slow, behaviour()], settings).await;
        let results = outcomes(bench.submit((0..2_000).map(text)), secs(8)).await;
        assert_eq!(tally(&results), BTreeMap::from([("submitted", 2_000)]));
        let counts = [0, 1].map(|index: usize| bench.smscs[index].counters().messages);
        assert!(counts[0] < 60 && counts[1] > 1_900, "{counts:?}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn responses_that_come_twice_or_to_nothing_end_nobody_elses_request() {
    local(async {
        let confused = Behaviour {
            jitter: millis(50),
            faults: Faults {
                doubled_responses: 1.0,
                nonsense: Shares::new([(Nonsense::Response, 0.5), (Nonsense::Command, 0.2)]),
                ..Faults::default()
            },
            ..behaviour()
        };
        let bench = Bench::start([confused], Settings::default().bind("a", bind("one"))).await;
        let results = outcomes(bench.submit((0..300).map(text)), secs(60)).await;
        let ledger = bench.ledger();
        for (number, result) in (0..).zip(&results) {
            let [sight] = ledger.messages[&number].as_slice() else {
                panic!("{number} was sent twice")
            };
            let id = result.as_ref().unwrap().message_id().to_string();
            assert_eq!(Some(id), sight.id, "{number}");
        }
        assert_eq!(bench.connections(0).len(), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_half_open_link_is_given_up_and_its_messages_leave_by_the_next() {
    local(async {
        let nervous = bind("one")
            .enquire_link_interval(secs(5))
            .enquire_link_timeout(secs(2));
        let bench = Bench::start([behaviour()], Settings::default().bind("a", nervous)).await;
        bench.smscs[0].freeze_links();
        let pending = bench.submit((0..100).map(text));
        let tally = tally(&outcomes(pending, secs(20)).await);
        assert_eq!(tally, BTreeMap::from([("submitted", 90), ("unknown", 10)]));
        assert_eq!(bench.connections(0).len(), 2);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_bind_that_is_bound_anew_for_other_settings_does_not_begin_with_another_burst() {
    local(async {
        let slow = bind("one").rate(1.0);
        let settings = Settings::default().bind("a", slow.clone());
        let bench = Bench::start([behaviour()], settings).await;
        let pending = bench.submit((0..5).map(text));
        sleep(millis(100)).await;
        let other = Settings::default().bind("a", slow.response_timeout(secs(7)));
        assert_eq!(bench.esme.apply(other).await.unwrap().replaced.len(), 1);
        outcomes(pending, secs(60)).await;
        let mut times: Vec<Instant> = bench
            .ledger()
            .messages
            .values()
            .map(|sights| sights[0].at)
            .collect();
        times.sort_unstable();
        assert_eq!(bench.connections(0).len(), 2);
        assert!(
            times.is_sorted_by(|one, next| *next - *one >= secs(1)),
            "{times:?}"
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_bind_that_was_drained_does_not_come_back_with_another_burst() {
    local(async {
        let slow = bind("one").rate(0.1);
        let settings = Settings::default().bind("a", slow.clone());
        let bench = Bench::start([behaviour()], settings).await;
        let first = bench.submit([text(1)]);
        outcomes(first, secs(1)).await;
        bench.esme.drain("a", secs(1)).await.unwrap();
        sleep(secs(2)).await;
        let other = Settings::default().bind("a", slow.response_timeout(secs(7)));
        assert_eq!(bench.esme.apply(other).await.unwrap().added.len(), 1);
        outcomes(bench.submit([text(2)]), secs(60)).await;
        let [one, two] = [1, 2].map(|number| bench.sights(number)[0].at);
        assert!(two - one >= secs(10), "{:?}", two - one);
    })
    .await;
}
