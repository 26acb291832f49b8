//! Where actors can live, over real TCP with a real clock; and what a panic of the router does there.

use std::sync::Arc;
use std::time::Duration;

use bindery::esme::Esme;
use bindery::router::{Router, RouterSetup, Strategies, start_bind};
use bindery::settings::{BindSettings, Settings};
use bindery::smsc::{Behaviour, Smsc};
use bindery::submit::Submit;
use tokio::task::LocalSet;
use tokio::time::timeout;

/// Nothing takes nearly as long.
const PATIENCE: Duration = Duration::from_secs(60);

async fn listen() -> Smsc {
    Smsc::listen("127.0.0.1:0", Behaviour::default(), 1)
        .await
        .unwrap()
}

fn settings(smsc: &Smsc) -> Settings {
    let address = smsc.local_addr().unwrap().to_string();
    Settings::default()
        .bind("a-1", BindSettings::new(address.as_str(), "a", "secret"))
        .bind("a-2", BindSettings::new(address.as_str(), "a", "secret"))
}

fn text() -> Submit {
    Submit::text("447700900123", "hello").source("Bank")
}

async fn submit_and_shut_down(esme: Esme, smsc: &Smsc) {
    let submits = (0..100).map(|_| text());
    let results = timeout(PATIENCE, esme.submit_batch(submits)).await.unwrap();
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    let report = timeout(PATIENCE, esme.shutdown(Duration::from_secs(20)))
        .await
        .unwrap();
    assert!(report.is_clean(), "{report:?}");
    assert_eq!(report.totals.submitted, 100);
    let gone = async {
        while smsc.counters().links > 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, gone).await.unwrap();
    assert_eq!((smsc.counters().messages, smsc.counters().cuts), (100, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_multi_thread_runtime_they_get_a_thread_of_their_own() {
    let smsc = listen().await;
    let esme = Esme::start(settings(&smsc)).unwrap();
    let task = tokio::spawn({
        let esme = esme.clone();
        async move { esme.submit(text()).await }
    });
    assert!(timeout(PATIENCE, task).await.unwrap().unwrap().is_ok());
    let counted = smsc.counters().messages;
    let report = timeout(PATIENCE, esme.shutdown(Duration::from_secs(20)))
        .await
        .unwrap();
    assert!(report.is_clean() && counted == 1, "{report:?}");
}

#[test]
fn without_any_runtime_too() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let smsc = runtime.block_on(listen());
    let esme = Esme::start(settings(&smsc)).unwrap();
    let callers = esme.clone();
    let results: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| futures_block_on(callers.submit(text()))))
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    let report = futures_block_on(esme.shutdown(Duration::from_secs(20)));
    assert!(report.is_clean(), "{report:?}");
}

/// The least executor there is: no timers, no sockets.
fn futures_block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(std::thread::current())).into();
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut std::task::Context::from_waker(&waker)) {
            std::task::Poll::Ready(output) => return output,
            std::task::Poll::Pending => std::thread::park(),
        }
    }
}

#[test]
fn under_a_system_they_live_on_its_thread() {
    actix_rt::System::new().block_on(async {
        let smsc = listen().await;
        let esme = Esme::start(settings(&smsc)).unwrap();
        let status = esme.router().send(bindery::router::GetStatus).await.unwrap();
        assert_eq!(status.binds.len(), 2);
        submit_and_shut_down(esme, &smsc).await;
    });
}

#[tokio::test]
async fn in_a_local_set_they_live_on_its_thread() {
    LocalSet::new()
        .run_until(async {
            let smsc = listen().await;
            let esme = Esme::start_local(settings(&smsc), Arc::new(bindery::link::TcpConnector)).unwrap();
            submit_and_shut_down(esme, &smsc).await;
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn when_the_router_panics_every_bind_unbinds_and_ends() {
    LocalSet::new()
        .run_until(async {
            let smsc = Smsc::in_memory(Behaviour::default(), 1);
            let settings = Settings::default()
                .bind("a-1", BindSettings::new("smsc:1", "a", "secret"))
                .bind("a-2", BindSettings::new("smsc:1", "a", "secret"));
            let real = start_bind();
            let started = Router::start(RouterSetup {
                settings: Arc::new(settings),
                connector: smsc.connector(),
                start: Box::new(move |setup| {
                    // The third start is the one after the death of a bind, inside the router.
                    assert!(setup.identity.incarnation < 3, "as the test said");
                    let dies = setup.identity.bind.as_str() == "a-2";
                    let (address, ended) = real(setup);
                    if dies {
                        let abort = ended.abort_handle();
                        tokio::task::spawn_local(async move {
                            tokio::time::sleep(Duration::from_secs(100)).await;
                            abort.abort();
                        });
                    }
                    (address, ended)
                }),
                sequences: bindery::bind::counting(),
                strategies: Strategies::new(),
                stores: bindery::events::receipts::in_memory(),
                seed: 1,
            });
            tokio::time::sleep(Duration::from_secs(99)).await;
            assert_eq!(smsc.counters().links, 2);
            assert!(started.ended.await.unwrap_err().is_panic());
            tokio::time::sleep(Duration::from_secs(5)).await;
            assert_eq!((smsc.counters().links, smsc.counters().cuts), (0, 0));
            assert!(!started.address.connected() && started.books.is_closed());
        })
        .await;
}
