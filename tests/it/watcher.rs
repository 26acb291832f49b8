//! An actor that keeps the events that it is told.

use std::sync::{Arc, Mutex};

use actix::{Actor, Context, Handler};
use bindery::esme::Esme;
use bindery::events::{Event, Kinds};

#[derive(Clone, Default)]
pub(crate) struct Watcher(pub(crate) Arc<Mutex<Vec<Event>>>);

impl Actor for Watcher {
    type Context = Context<Self>;
}

impl Handler<Event> for Watcher {
    type Result = ();

    fn handle(&mut self, event: Event, _: &mut Context<Self>) {
        self.0.lock().unwrap().push(event);
    }
}

impl Watcher {
    /// A watcher that `esme` tells all events of these kinds.
    pub(crate) fn of(esme: &Esme, kinds: Kinds) -> Self {
        let watcher = Self::default();
        esme.subscribe(watcher.clone().start().recipient(), kinds);
        watcher
    }

    /// What came since it was asked last.
    pub(crate) fn seen(&self) -> Vec<Event> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}
