//! How long a thread stays awake for the answers of a near peer.
//!
//! To go to sleep and to be woken takes longer than an SMSC on the same machine needs for its answer, and more of the
//! processor than to look again at once. So a link that has written yields to the driver of its sockets in the place of
//! waiting for it, for about as long as a sleep costs, and after each answer for as long again. Where that was in vain it
//! waits out ever more writes before it tries again: a far peer costs nothing.
//!
//! Counted in turns, which are polls of the link, and not in time: whenever it yields, all other tasks of the thread have
//! their own.

/// Turns of one vigil, of about a microsecond each where nothing else is to do. In the last one the thread goes to sleep.
const TURNS: u8 = 40;

/// After so many vigils in vain one after another, writes are waited out no longer than before: 2¹⁰ of them.
const MAX_MISSES: u8 = 10;

/// The vigil of one link.
#[derive(Debug, Default)]
pub(super) struct Vigil {
    /// Turns that are left of this one.
    turns: u8,
    /// How many were in vain since an answer came in time.
    misses: u8,
    /// Writes to be waited out.
    pause: u16,
}

impl Vigil {
    /// Something was written.
    #[inline]
    pub(super) fn begin(&mut self) {
        if self.pause == 0 {
            self.turns = TURNS;
        } else {
            self.pause -= 1;
        }
    }

    /// An answer came: in time, if a vigil is on. That begins anew for those that are still to come.
    #[inline]
    pub(super) fn handle_answered(&mut self) {
        if self.turns > 0 {
            self.misses = 0;
            self.turns = TURNS;
        }
    }

    /// Nobody stays: there is nothing to wait for, or the thread has others to look after.
    #[inline]
    pub(super) fn end(&mut self) {
        self.turns = 0;
    }

    /// True when the thread should look again at once; takes a turn. The last one was in vain.
    #[inline]
    pub(super) fn stays(&mut self) -> bool {
        if self.turns == 0 {
            return false;
        }
        self.turns -= 1;
        if self.turns == 0 {
            self.misses = (self.misses + 1).min(MAX_MISSES);
            self.pause = 1 << self.misses;
        }
        self.turns > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes, and gives the turns until the vigil is over.
    fn in_vain(vigil: &mut Vigil) -> usize {
        vigil.begin();
        std::iter::from_fn(|| vigil.stays().then_some(())).count()
    }

    #[test]
    fn a_vigil_takes_its_turns_and_no_more() {
        assert_eq!(in_vain(&mut Vigil::default()), usize::from(TURNS) - 1);
    }

    #[test]
    fn nobody_stays_who_has_not_written() {
        let mut vigil = Vigil::default();
        vigil.handle_answered();
        assert!(!vigil.stays());
    }

    #[test]
    fn vigils_in_vain_wait_out_twice_as_many_writes_each_time_up_to_a_thousand() {
        let mut vigil = Vigil::default();
        let waited_out: Vec<_> = (0..12)
            .map(|_| {
                assert!(in_vain(&mut vigil) > 0);
                let mut writes = 0;
                while vigil.pause > 0 {
                    assert_eq!(in_vain(&mut vigil), 0);
                    writes += 1;
                }
                writes
            })
            .collect();
        assert_eq!(
            waited_out,
            [2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 1_024, 1_024]
        );
    }

    #[test]
    fn an_answer_in_time_forgets_what_was_in_vain() {
        let mut vigil = Vigil::default();
        for _ in 0..5 {
            vigil.pause = 0;
            in_vain(&mut vigil);
        }
        vigil.pause = 0;
        vigil.begin();
        assert!(vigil.stays());
        vigil.handle_answered();
        assert_eq!(vigil.misses, 0);
    }

    #[test]
    fn a_vigil_goes_on_while_answers_come() {
        let mut vigil = Vigil::default();
        vigil.begin();
        for _ in 0..1_000 {
            assert!(vigil.stays());
            vigil.handle_answered();
        }
    }

    #[test]
    fn a_vigil_that_is_ended_is_not_in_vain() {
        let mut vigil = Vigil::default();
        vigil.begin();
        vigil.end();
        assert!(!vigil.stays());
        assert_eq!((vigil.misses, vigil.pause), (0, 0));
    }

    #[test]
    fn an_answer_after_a_vigil_in_vain_changes_nothing() {
        let mut vigil = Vigil::default();
        in_vain(&mut vigil);
        vigil.handle_answered();
        assert_eq!((vigil.misses, vigil.pause), (1, 2));
    }
}
