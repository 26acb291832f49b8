//! How texts are written for the binds that may carry them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::routes::{table, traits};
use crate::dispatch::Routes;
use crate::settings::{BindSettings, Settings};
use crate::sm::{DefaultAlphabet, PerDestination, ReferenceGenerator, SplitOptions};
use crate::submit::{BindId, InvalidCause, Job, Parts, Reply, RouteId, Submit, SubmitError};

/// Destinations whose last reference number is remembered.
const DESTINATIONS: usize = 100_000;

/// Turns messages into jobs, on whichever thread they are.
///
/// A text is written before it has a bind. Where all binds that may carry it read data_coding 0 in the same way,
/// it is written so; else as GSM 03.38.
#[derive(Debug)]
pub struct Preparer {
    options: RwLock<Options>,
    references: Mutex<PerDestination>,
}

/// How to write what goes by a bind, by a route, or by any bind.
#[derive(Debug)]
struct Options {
    any: SplitOptions,
    /// Only those that differ from `any`.
    binds: HashMap<BindId, SplitOptions>,
    routes: HashMap<RouteId, SplitOptions>,
    /// By which messages that name no route find theirs.
    table: Routes<RouteId>,
}

impl Preparer {
    /// Ready for the binds and routes of these settings.
    #[must_use]
    pub fn new(settings: &Settings, seed: u64) -> Self {
        Self {
            options: RwLock::new(Options::of(settings)),
            references: Mutex::new(PerDestination::new(DESTINATIONS, seed)),
        }
    }

    /// Goes on with other binds and routes.
    pub fn configure(&self, settings: &Settings) {
        *self.options.write().unwrap_or_else(PoisonError::into_inner) = Options::of(settings);
    }

    /// Turns a message into a job, and takes what it is made of.
    ///
    /// # Errors
    ///
    /// Gives the reply back, not answered, when the message cannot be written.
    pub fn prepare(&self, submit: &mut Submit, reply: Reply) -> Result<Box<Job>, (Reply, SubmitError)> {
        Job::prepare(submit, reply, |submit| self.write(submit))
    }

    /// What a message is sent as.
    fn write(&self, submit: &Submit) -> Result<Parts, InvalidCause> {
        let known = self.options.read().unwrap_or_else(PoisonError::into_inner);
        let options = match (&submit.bind, &submit.route) {
            (Some(bind), _) => known.binds.get(bind),
            (None, Some(route)) => known.routes.get(route),
            (None, None) if known.table.is_empty() => None,
            (None, None) => {
                let parties = submit.parties();
                let found = known.table.find(traits(&parties, submit.class.as_ref()));
                found.and_then(|(route, _)| known.routes.get(route))
            }
        };
        submit.parts(options.unwrap_or(&known.any), |destination| {
            // Nothing panics while the lock is held.
            let mut references = self.references.lock().unwrap_or_else(PoisonError::into_inner);
            references.next_reference(destination)
        })
    }
}

impl Options {
    fn of(settings: &Settings) -> Self {
        let any = options(settings.binds.values());
        let binds = settings.binds.iter().map(|(name, bind)| (name, options([bind])));
        let routes = settings.routes.iter().map(|(name, route)| {
            let binds = settings.binds.iter();
            let binds = binds.filter(|(name, bind)| route.terms_of(name, bind).is_some());
            (name, options(binds.map(|(_, bind)| bind)))
        });
        Self {
            binds: binds
                .filter(|(_, options)| *options != any)
                .map(|(name, options)| (name.as_str().into(), options))
                .collect(),
            routes: routes
                .filter(|(_, options)| *options != any)
                .map(|(name, options)| (name.as_str().into(), options))
                .collect(),
            table: table(settings),
            any,
        }
    }
}

/// How to write what any of these binds may carry.
fn options<'a>(binds: impl IntoIterator<Item = &'a Arc<BindSettings>>) -> SplitOptions {
    let mut alphabets = binds.into_iter().map(|bind| bind.default_alphabet);
    let first = alphabets.next().unwrap_or(DefaultAlphabet::Gsm);
    SplitOptions {
        default_alphabet: match alphabets.all(|other| other == first) {
            true => first,
            false => DefaultAlphabet::Gsm,
        },
        ..SplitOptions::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pdu::Pdu;
    use crate::settings::RouteSettings;
    use crate::submit::Reference;

    #[test]
    fn a_text_is_written_as_the_binds_that_may_carry_it_read_it() {
        let bind = |alphabet| BindSettings::new("smsc:2775", "a", "b").default_alphabet(alphabet);
        let settings = Settings::default()
            .bind("gsm", bind(DefaultAlphabet::Gsm))
            .bind("latin", bind(DefaultAlphabet::Latin1))
            .route("latin", RouteSettings::new(["latin"]));
        let preparer = Preparer::new(&settings, 0);
        let octets = |mut submit: Submit| {
            let job = preparer
                .prepare(&mut submit, Reply::to_nobody(Reference::None))
                .unwrap();
            match job.pdu(0) {
                Some(Pdu::SubmitSm(submit)) => submit.short_message.to_vec(),
                other => panic!("{other:?}"),
            }
        };
        let text = || Submit::text("447700900123", "@é");
        assert_eq!(octets(text()), [0x00, 0x05]);
        assert_eq!(octets(text().bind("gsm")), [0x00, 0x05]);
        assert_eq!(octets(text().bind("latin")), [0x40, 0xE9]);
        assert_eq!(octets(text().route("latin")), [0x40, 0xE9]);
    }

    #[test]
    fn long_messages_to_one_number_have_different_references() {
        let preparer = Preparer::new(&Settings::default(), 0);
        let reference = || {
            let mut submit = Submit::text("447700900123", "x".repeat(200));
            let job = preparer
                .prepare(&mut submit, Reply::to_nobody(Reference::None))
                .unwrap();
            match job.pdu(1) {
                Some(Pdu::SubmitSm(submit)) => submit.short_message[3],
                other => panic!("{other:?}"),
            }
        };
        let first = reference();
        assert_eq!(reference(), first.wrapping_add(1));
    }
}
