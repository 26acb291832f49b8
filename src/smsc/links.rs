//! The connections of an SMSC: what is wanted from each, and how its task is woken.

use std::task::{Context, Waker};

use slab::Slab;

/// Names a connection while it is open.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct LinkId(usize);

/// What a link is to do.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Wish {
    /// Serve its peer.
    #[default]
    Serve,
    /// Do nothing at all, not even read.
    Freeze,
    /// Unbind, then close.
    Unbind,
    /// Break off where it stands.
    Cut,
}

#[derive(Debug, Default)]
struct Slot {
    wish: Wish,
    waker: Option<Waker>,
}

/// All connections that are open.
#[derive(Debug, Default)]
pub(super) struct Links {
    slots: Slab<Slot>,
}

impl Links {
    pub(super) fn open(&mut self) -> LinkId {
        LinkId(self.slots.insert(Slot::default()))
    }

    pub(super) fn close(&mut self, link: LinkId) {
        self.slots.try_remove(link.0);
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// What the link is to do now; its task is woken when that changes.
    pub(super) fn register(&mut self, link: LinkId, context: &Context<'_>) -> Wish {
        let Some(slot) = self.slots.get_mut(link.0) else {
            return Wish::Cut;
        };
        match &mut slot.waker {
            Some(waker) => waker.clone_from(context.waker()),
            none => *none = Some(context.waker().clone()),
        }
        slot.wish
    }

    /// Wakes the task of one link.
    pub(super) fn wake(&mut self, link: LinkId) {
        if let Some(waker) = self.slots.get(link.0).and_then(|slot| slot.waker.as_ref()) {
            waker.wake_by_ref();
        }
    }

    /// Tells every link what to do. One that is to end does not come back.
    pub(super) fn tell_all(&mut self, wish: Wish) {
        for (_, slot) in &mut self.slots {
            slot.wish = match (slot.wish, wish) {
                (Wish::Cut, _) => Wish::Cut,
                (Wish::Unbind, Wish::Serve | Wish::Freeze) => Wish::Unbind,
                (Wish::Serve | Wish::Freeze | Wish::Unbind, wish) => wish,
            };
            if let Some(waker) = &slot.waker {
                waker.wake_by_ref();
            }
        }
    }
}
