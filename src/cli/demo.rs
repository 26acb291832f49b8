//! `demo`: the main job on embedded parts.

use std::time::{Duration, Instant};

use super::args::Demo;
use super::descriptors;
use super::output::{Exit, complain, say_lines};
use super::traffic::Texts;
use super::view::{View, show_summary};
use super::work::Work;
use crate::esme::Esme;
use crate::events::Phase;
use crate::settings::Settings;
use crate::smsc::{Behaviour, Smsc};
use crate::submit::Submit;

/// The demo needs no file: its configuration is part of the binary.
const CONFIG: &str = include_str!("../../config/demo.toml");

const SEED: u64 = 1;

/// The SMSC whose links are cut in the middle of the demo, and the route over its binds.
const FLAKY: &str = "flaky";

/// One message in so many takes that route.
const FLAKY_SHARE: u64 = 10;

/// How long binds may take to come back before the table is drawn.
const COMEBACK: Duration = Duration::from_secs(10);

pub(super) fn demo(args: &Demo) -> Exit {
    actix_rt::System::new().block_on(run(args))
}

async fn run(args: &Demo) -> Exit {
    let mut settings = match Settings::from_str(CONFIG, "config/demo.toml") {
        Ok(settings) => settings,
        Err(error) => {
            complain(error);
            return Exit::Wrong;
        }
    };
    let smscs = match start_smscs(&mut settings).await {
        Ok(smscs) => smscs,
        Err(error) => {
            complain(format_args!("cannot start an SMSC: {error}"));
            return Exit::Failed;
        }
    };
    if !args.json {
        say_lines(format_args!(
            "{} SMSCs, {} binds, {} messages\n",
            smscs.len(),
            settings.binds.len(),
            args.messages
        ));
    }
    // Both ends of each connection are here.
    descriptors::allow(2 * settings.binds.len());
    let window: usize = settings.binds.values().map(|bind| bind.window).sum();
    let esme = match Esme::start(settings) {
        Ok(esme) => esme,
        Err(error) => {
            complain(error);
            return Exit::Wrong;
        }
    };
    let view = View::new(&esme, args.messages, args.json);
    let mut work = Work::new(esme.clone());
    work.warm_up().await;
    let (mut made, mut texts) = (0, Texts::new(SEED));
    let deadline = args
        .seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let deadline = deadline.and_then(|time| Instant::now().checked_add(time));
    let next = || {
        if made == args.messages || deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return None;
        }
        made += 1;
        let submit = Submit::text(texts.destination(), texts.text(made))
            .source("Bindery")
            .receipt();
        Some(if made % FLAKY_SHARE == 0 {
            submit.route(FLAKY)
        } else {
            submit
        })
    };
    // Cut once for certain, also where there are too few messages for the SMSC's own cuts.
    let mut flaky = smscs.iter().find(|(name, _)| name == FLAKY);
    let mut cut = || {
        if let Some((_, smsc)) = flaky.take() {
            smsc.cut_links();
        }
    };
    let ended = |outcomes| {
        if outcomes >= args.messages / 2 {
            cut();
        }
    };
    work.drive(window * 2, true, &view, next, ended).await;
    cut();
    work.wait_for_receipts().await;
    comeback(&esme).await;
    view.finish();
    let (summary, exit) = work.finish(SEED).await;
    show_summary(&summary, args.json);
    for (_, smsc) in smscs {
        smsc.shutdown().await;
    }
    exit
}

/// Starts the SMSCs of the configuration and leads their binds to where they listen.
async fn start_smscs(settings: &mut Settings) -> std::io::Result<Vec<(String, Smsc)>> {
    let mut smscs = Vec::new();
    for (name, smsc) in settings.smsc.clone() {
        let address = (smsc.listen.host(), smsc.listen.port());
        let running = Smsc::listen(address, Behaviour::from(&smsc), smsc.seed).await?;
        if let Some(address) = running.local_addr() {
            settings.connect_to_embedded(&name, address);
        }
        smscs.push((name, running));
    }
    Ok(smscs)
}

/// Waits until every bind is back, or has had its time.
async fn comeback(esme: &Esme) {
    let start = Instant::now();
    loop {
        // Before the first look too: a bind may not have noticed yet that its link was cut.
        tokio::time::sleep(Duration::from_millis(20)).await;
        let binds = esme.status().await.binds;
        if start.elapsed() > COMEBACK || binds.iter().all(|bind| bind.phase == Phase::Bound) {
            return;
        }
    }
}
