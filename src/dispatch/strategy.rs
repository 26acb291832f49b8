//! Which of several binds takes the next message.

use std::fmt;

use super::BindKey;

/// What a strategy sees of a bind.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct BindView {
    /// Bound, and neither paused nor draining.
    pub open: bool,
    /// Seats in all.
    pub capacity: usize,
    /// Seats given and not yet free again; more than `capacity` after a long message, or when that fell.
    pub taken: usize,
    /// On which terms it serves the route.
    pub terms: Terms,
}

/// On which terms a bind serves a route.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Terms {
    /// How many messages it takes while one of weight 1 takes one. Default 1; 0 counts as 1.
    pub weight: u32,
    /// Binds of a higher tier take only what those of lower ones have no seat for. Default 0.
    pub tier: u16,
    /// What the bind is known by wherever a choice has to outlast the bind, such as a hash of its name. Default 0.
    pub identity: u64,
}

impl Terms {
    /// The default.
    pub const USUAL: Self = Self {
        weight: 1,
        tier: 0,
        identity: 0,
    };
}

impl Default for Terms {
    fn default() -> Self {
        Self::USUAL
    }
}

impl BindView {
    /// Seats that can be given.
    #[must_use]
    pub const fn room(&self) -> usize {
        if self.open {
            self.capacity.saturating_sub(self.taken)
        } else {
            0
        }
    }
}

/// Chooses binds for the messages of one route.
///
/// It is told of every change before it is asked, and so can keep what it needs for choosing quickly. What it must do, and tests
/// hold for all: whoever it chooses has room, and it chooses somebody as long as anybody has.
pub trait Strategy: fmt::Debug {
    /// A bind joined the route, or has another view.
    fn handle_bind(&mut self, bind: BindKey, view: &BindView);

    /// A bind left the route.
    fn handle_removed(&mut self, bind: BindKey);

    /// The bind for the next message. Messages with the same `affinity` belong together, where that matters.
    fn choose(&self, affinity: u64) -> Option<BindKey>;

    /// The bind takes the message that it was chosen for, or one more of those that follow it. Its new view comes before the
    /// next choice.
    fn handle_chosen(&mut self, _: BindKey) {}

    /// True when messages that come at once may go by the same bind up to half of its room, whatever would be chosen:
    /// they are then written together, which costs a fraction.
    fn takes_runs(&self) -> bool {
        false
    }
}

/// The bind with the most free seats; of equals the one that was chosen longest ago. Of messages that come at once it takes
/// up to half of its room.
///
/// A knock-out tournament: choosing is a look at the winner, a change replays the matches of one bind.
#[derive(Debug, Default)]
pub struct MostRoom {
    /// By place. A power of two of them, or nobody.
    contenders: Vec<Contender>,
    /// The place of the winner of each match; the final is at 1, the matches behind match n are 2n and 2n+1.
    winners: Vec<u32>,
    /// The place of each bind, or [`NONE`].
    places: Vec<u32>,
    /// Counts the choices.
    round: u64,
}

/// In the place of a number where there is none. Thousands of binds have such tables, so their numbers are small.
const NONE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
struct Contender {
    bind: u32,
    room: u32,
    /// The choice at which it was chosen last.
    chosen: u64,
}

impl Contender {
    /// Stands in a place that is not taken, and loses against everybody.
    const NOBODY: Self = Self {
        bind: NONE,
        room: 0,
        chosen: u64::MAX,
    };

    fn beats(&self, other: &Self) -> bool {
        (self.room, other.chosen) > (other.room, self.chosen)
    }
}

impl MostRoom {
    /// Nobody to choose from as yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn contender_mut(&mut self, bind: BindKey) -> Option<&mut Contender> {
        let place = *self.places.get(bind.index())?;
        self.contenders.get_mut(place as usize)
    }

    /// Takes a free place, of which there are twice as many when none is left.
    fn join(&mut self, bind: BindKey, room: u32) {
        let free = |contender: &Contender| contender.bind == NONE;
        let place = self.contenders.iter().position(free).unwrap_or_else(|| {
            let place = self.contenders.len();
            let places = (place * 2).max(1);
            self.contenders.resize(places, Contender::NOBODY);
            self.winners = vec![0; places];
            (0..places).for_each(|place| self.replay(place));
            place
        });
        if self.places.len() <= bind.index() {
            self.places.resize(bind.index() + 1, NONE);
        }
        if let Some(slot) = self.places.get_mut(bind.index()) {
            *slot = narrow(place);
        }
        if let Some(slot) = self.contenders.get_mut(place) {
            *slot = Contender {
                bind: narrow(bind.index()),
                room,
                chosen: 0,
            };
        }
        self.replay(place);
    }

    /// Plays the matches of the contender at `place` again, from the first round to the final.
    fn replay(&mut self, place: usize) {
        let beats = |one: u32, other: u32| {
            let [one, other] = [one, other].map(|place| self.contenders.get(place as usize));
            one.zip(other).is_some_and(|(one, other)| one.beats(other))
        };
        // The first round is between neighbours; `node` counts on as if the places were behind the matches.
        let mut node = (self.contenders.len() + place) / 2;
        let mut sides = (narrow(place & !1), narrow(place | 1));
        while node >= 1 {
            let winner = if beats(sides.1, sides.0) { sides.1 } else { sides.0 };
            if let Some(slot) = self.winners.get_mut(node) {
                *slot = winner;
            }
            let pair = node & !1;
            let winner_of = |node: usize| self.winners.get(node).copied().unwrap_or_default();
            sides = (winner_of(pair), winner_of(pair | 1));
            node /= 2;
        }
    }

    /// The overall winner; nobody among nobody.
    fn winner(&self) -> Option<&Contender> {
        // One alone has no matches.
        let place = self.winners.get(1).copied().unwrap_or_default();
        self.contenders.get(place as usize)
    }
}

/// For the number of a bind or of a place, and for seats. There are never so many.
fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(NONE)
}

impl Strategy for MostRoom {
    fn handle_bind(&mut self, bind: BindKey, view: &BindView) {
        let room = narrow(view.room());
        match self.contender_mut(bind) {
            Some(contender) => {
                contender.room = room;
                if let Some(place) = self.places.get(bind.index()) {
                    self.replay(*place as usize);
                }
            }
            None => self.join(bind, room),
        }
    }

    fn handle_removed(&mut self, bind: BindKey) {
        let Some(contender) = self.contender_mut(bind) else {
            return;
        };
        *contender = Contender::NOBODY;
        if let Some(place) = self.places.get_mut(bind.index()) {
            let place = std::mem::replace(place, NONE);
            self.replay(place as usize);
        }
    }

    fn choose(&self, _: u64) -> Option<BindKey> {
        let winner = self.winner()?;
        (winner.room > 0).then_some(BindKey(winner.bind as usize))
    }

    fn handle_chosen(&mut self, bind: BindKey) {
        self.round += 1;
        let round = self.round;
        if let Some(chosen) = self.contender_mut(bind) {
            // Its matches are played again when its new view comes.
            chosen.chosen = round;
        }
    }

    fn takes_runs(&self) -> bool {
        true
    }
}

/// The one bind of a lane that has no other.
#[derive(Debug, Default)]
pub struct Only(Option<(BindKey, usize)>);

impl Strategy for Only {
    fn handle_bind(&mut self, bind: BindKey, view: &BindView) {
        self.0 = Some((bind, view.room()));
    }

    fn handle_removed(&mut self, _: BindKey) {
        self.0 = None;
    }

    fn choose(&self, _: u64) -> Option<BindKey> {
        self.0.filter(|(_, room)| *room > 0).map(|(bind, _)| bind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(room: usize) -> BindView {
        BindView {
            open: true,
            capacity: room,
            ..BindView::default()
        }
    }

    /// Chooses, and tells that the chosen bind has one seat less.
    fn choices(rooms: &mut [usize], count: usize) -> Vec<Option<usize>> {
        let mut strategy = MostRoom::new();
        for (index, room) in rooms.iter().enumerate() {
            strategy.handle_bind(BindKey::new(index), &view(*room));
        }
        let mut next = || {
            let bind = strategy.choose(0)?;
            strategy.handle_chosen(bind);
            rooms[bind.index()] -= 1;
            strategy.handle_bind(bind, &view(rooms[bind.index()]));
            Some(bind.index())
        };
        (0..count).map(|_| next()).collect()
    }

    #[test]
    fn the_bind_with_the_most_room_is_chosen_until_none_has_any() {
        let (a, b) = (Some(0), Some(1));
        assert_eq!(choices(&mut [], 1), [None]);
        assert_eq!(choices(&mut [1], 2), [a, None]);
        assert_eq!(choices(&mut [1, 3], 5), [b, b, a, b, None]);
        assert_eq!(choices(&mut [0, 0, 1], 2), [Some(2), None]);
    }

    #[test]
    fn equals_take_turns() {
        let mut strategy = MostRoom::new();
        for index in 0..5 {
            strategy.handle_bind(BindKey::new(index), &view(10));
        }
        let mut next = || {
            let bind = strategy.choose(0).unwrap();
            strategy.handle_chosen(bind);
            strategy.handle_bind(bind, &view(9));
            strategy.handle_bind(bind, &view(10)); // answered before the next one comes
            bind.index()
        };
        let mut first: Vec<_> = (0..5).map(|_| next()).collect();
        let second: Vec<_> = (0..5).map(|_| next()).collect();
        assert_eq!(first, second);
        first.sort_unstable();
        assert_eq!(first, [0, 1, 2, 3, 4]);
    }

    #[test]
    fn the_winner_is_the_best_of_all_after_any_changes() {
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..200 {
            let mut strategy = MostRoom::new();
            let mut rooms = [None; 9];
            for _ in 0..60 {
                let index = random.usize(..rooms.len());
                rooms[index] = random.bool().then(|| random.usize(..4));
                match rooms[index] {
                    Some(room) => strategy.handle_bind(BindKey::new(index), &view(room)),
                    None => strategy.handle_removed(BindKey::new(index)),
                }
                let best = rooms.iter().flatten().max().copied().unwrap_or(0);
                let chosen = strategy.choose(0).map(|bind| {
                    strategy.handle_chosen(bind);
                    strategy.handle_bind(bind, &view(rooms[bind.index()].unwrap()));
                    rooms[bind.index()].unwrap()
                });
                assert_eq!(chosen, (best > 0).then_some(best), "{rooms:?}");
            }
        }
    }
}
