//! An actor that keeps the events that it is told.

use std::sync::{Arc, Mutex};

use actix::{Actor, Context, Handler};
use bindery::events::Event;

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
