//! Strategies beside the usual one: in turn, by weight, by tier, and by what the message belongs to.
//!
//! Each looks at all binds of its route for a choice: routes have tens of them, not thousands.

use std::collections::BTreeMap;

use super::{BindKey, BindView, Strategy};

/// The binds that have room, one after another in the order of their keys.
#[derive(Debug, Default)]
pub struct RoundRobin {
    rooms: BTreeMap<BindKey, usize>,
    last: Option<BindKey>,
}

impl RoundRobin {
    /// Nobody to choose from as yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Strategy for RoundRobin {
    fn handle_bind(&mut self, bind: BindKey, view: &BindView) {
        self.rooms.insert(bind, view.room());
    }

    fn handle_removed(&mut self, bind: BindKey) {
        self.rooms.remove(&bind);
    }

    fn choose(&self, _: u64) -> Option<BindKey> {
        let able = || self.rooms.iter().filter(|(_, room)| **room > 0);
        let next = able().find(|(bind, _)| Some(**bind) > self.last);
        next.or_else(|| able().next()).map(|(bind, _)| *bind)
    }

    fn handle_chosen(&mut self, bind: BindKey) {
        self.last = Some(bind);
    }
}

/// The binds that have room in proportion to their weights, as evenly mixed as these allow.
#[derive(Debug, Default)]
pub struct Weighted(BTreeMap<BindKey, Share>);

#[derive(Clone, Copy, Debug, Default)]
struct Share {
    room: usize,
    weight: i64,
    /// What it is behind its share; whoever has the most is next.
    owed: i64,
}

impl Weighted {
    /// Nobody to choose from as yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Strategy for Weighted {
    fn handle_bind(&mut self, bind: BindKey, view: &BindView) {
        let share = self.0.entry(bind).or_default();
        share.room = view.room();
        share.weight = i64::from(view.terms.weight.max(1));
    }

    fn handle_removed(&mut self, bind: BindKey) {
        self.0.remove(&bind);
    }

    fn choose(&self, _: u64) -> Option<BindKey> {
        let able = self.0.iter().filter(|(_, share)| share.room > 0);
        // Of equals the first key, so that the order does not hang on chance.
        let next = able.max_by_key(|(bind, share)| (share.owed + share.weight, std::cmp::Reverse(**bind)));
        next.map(|(bind, _)| *bind)
    }

    fn handle_chosen(&mut self, bind: BindKey) {
        // Who had no room gets nothing for it: after a pause it does not take all at once.
        let mut total = 0;
        for share in self.0.values_mut().filter(|share| share.room > 0) {
            share.owed += share.weight;
            total += share.weight;
        }
        if let Some(share) = self.0.get_mut(&bind) {
            share.owed -= total;
        }
    }
}

/// The binds of the lowest tier in which one has room; within a tier another strategy chooses.
///
/// A tier takes over for each message that the tiers before it have no seat for, be it because they are down or
/// because they are full.
pub struct Tiers {
    within: Box<dyn Fn() -> Box<dyn Strategy>>,
    tiers: BTreeMap<u16, Box<dyn Strategy>>,
    members: BTreeMap<BindKey, u16>,
}

impl Tiers {
    /// Nobody to choose from as yet; `within` makes the strategy of each tier.
    #[must_use]
    pub fn of(within: impl Fn() -> Box<dyn Strategy> + 'static) -> Self {
        Self {
            within: Box::new(within),
            tiers: BTreeMap::new(),
            members: BTreeMap::new(),
        }
    }
}

impl std::fmt::Debug for Tiers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tiers")
            .field("tiers", &self.tiers)
            .finish_non_exhaustive()
    }
}

impl Strategy for Tiers {
    fn handle_bind(&mut self, bind: BindKey, view: &BindView) {
        let tier = view.terms.tier;
        if self.members.get(&bind).is_some_and(|other| *other != tier) {
            self.handle_removed(bind);
        }
        self.members.insert(bind, tier);
        let strategy = self.tiers.entry(tier).or_insert_with(&self.within);
        strategy.handle_bind(bind, view);
    }

    fn handle_removed(&mut self, bind: BindKey) {
        let tier = self.members.remove(&bind);
        if let Some(strategy) = tier.and_then(|tier| self.tiers.get_mut(&tier)) {
            strategy.handle_removed(bind);
        }
    }

    fn choose(&self, affinity: u64) -> Option<BindKey> {
        self.tiers.values().find_map(|strategy| strategy.choose(affinity))
    }

    fn handle_chosen(&mut self, bind: BindKey) {
        let tier = self.members.get(&bind);
        if let Some(strategy) = tier.and_then(|tier| self.tiers.get_mut(tier)) {
            strategy.handle_chosen(bind);
        }
    }
}

/// The same bind for all that belongs together, as long as that has room; another one meanwhile.
///
/// Each affinity ranks the binds by a hash (rendezvous): a bind that comes or goes moves only what is its own.
#[derive(Debug)]
pub struct Sticky {
    seed: u64,
    binds: BTreeMap<BindKey, (usize, u64)>,
}

impl Sticky {
    /// Nobody to choose from as yet; the same seed ranks in the same way.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self {
            seed,
            binds: BTreeMap::new(),
        }
    }
}

impl Strategy for Sticky {
    fn handle_bind(&mut self, bind: BindKey, view: &BindView) {
        self.binds.insert(bind, (view.room(), view.terms.identity));
    }

    fn handle_removed(&mut self, bind: BindKey) {
        self.binds.remove(&bind);
    }

    fn choose(&self, affinity: u64) -> Option<BindKey> {
        let able = self.binds.iter().filter(|(_, (room, _))| *room > 0);
        let rank = |(bind, (_, identity)): &(&BindKey, &(usize, u64))| {
            // Those that are not told apart by name are by key.
            let bind = match *identity {
                0 => bind.index() as u64 + 1,
                identity => identity,
            };
            mix(mix(bind ^ self.seed) ^ affinity)
        };
        able.max_by_key(rank).map(|(bind, _)| *bind)
    }
}

/// Spreads the bits of a number over all of it (the finisher of SplitMix64).
const fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    use super::*;
    use crate::dispatch::{MostRoom, Terms};

    type Make = fn() -> Box<dyn Strategy>;

    const ALL: [(&str, Make); 5] = [
        ("most room", || Box::new(MostRoom::new())),
        ("round robin", || Box::new(RoundRobin::new())),
        ("weighted", || Box::new(Weighted::new())),
        ("tiers", || Box::new(Tiers::of(|| Box::new(MostRoom::new())))),
        ("sticky", || Box::new(Sticky::new(7))),
    ];

    /// Three binds: the second has the most room, the first the most weight, the third the lowest tier.
    const ROOMS: [usize; 3] = [40, 60, 50];

    fn view(index: usize, room: usize) -> BindView {
        let terms = Terms {
            weight: [5, 1, 2][index],
            tier: [1, 2, 0][index],
            identity: 0,
        };
        BindView {
            open: true,
            capacity: room,
            taken: 0,
            terms,
        }
    }

    /// Who is chosen for messages with these affinities; each is answered before the next comes.
    fn chosen(make: Make, rooms: [usize; 3], affinities: impl IntoIterator<Item = u64>) -> Vec<usize> {
        let mut strategy = make();
        for (index, room) in rooms.into_iter().enumerate() {
            strategy.handle_bind(BindKey::new(index), &view(index, room));
        }
        let one = |affinity| {
            let bind = strategy.choose(affinity).unwrap();
            strategy.handle_chosen(bind);
            strategy.handle_bind(bind, &view(bind.index(), rooms[bind.index()]));
            bind.index()
        };
        affinities.into_iter().map(one).collect()
    }

    fn only(name: &str, does: impl Fn(Make) -> bool) {
        let those: Vec<_> = ALL.into_iter().filter(|(_, make)| does(*make)).collect();
        let names: Vec<_> = those.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, [name]);
    }

    #[test]
    fn only_most_room_keeps_to_the_bind_with_the_most_room() {
        only("most room", |make| chosen(make, ROOMS, 0..20) == [1; 20]);
    }

    #[test]
    fn only_round_robin_takes_turns_whatever_the_rest() {
        only("round robin", |make| {
            chosen(make, ROOMS, 0..6) == [0, 1, 2, 0, 1, 2]
        });
    }

    #[test]
    fn only_weighted_keeps_to_the_weights_and_mixes_them() {
        only("weighted", |make| {
            chosen(make, ROOMS, 0..16) == [0, 2, 0, 0, 1, 0, 2, 0].repeat(2)
        });
    }

    #[test]
    fn only_tiers_take_the_next_tier_when_the_first_has_no_seat() {
        only("tiers", |make| {
            chosen(make, ROOMS, 0..20) == [2; 20]
                && chosen(make, [40, 60, 0], 0..20) == [0; 20]
                && chosen(make, [0, 60, 0], 0..20) == [1; 20]
        });
    }

    #[test]
    fn only_sticky_keeps_together_what_belongs_together_and_moves_no_more_than_it_must() {
        only("sticky", |make| {
            let homes = chosen(make, ROOMS, 0..60);
            let again = chosen(make, ROOMS, (0..60).rev());
            let without = chosen(make, [40, 60, 0], 0..60);
            let spread = (0..3).all(|bind| homes.iter().filter(|home| **home == bind).count() > 5);
            let stayed = homes
                .iter()
                .zip(&without)
                .all(|(home, other)| *home == 2 || home == other);
            spread && stayed && again.iter().rev().eq(&homes)
        });
    }

    proptest! {
        #[test]
        fn whoever_is_chosen_has_a_seat_and_somebody_is_while_anybody_has(
            steps in vec((0..6usize, proptest::option::of((0..4usize, proptest::bool::ANY)), 0..9u64), 1..100),
        ) {
            for (name, make) in ALL {
                let (mut one, mut other) = (make(), make());
                let mut views: [Option<BindView>; 6] = [None; 6];
                for (index, change, affinity) in &steps {
                    let bind = BindKey::new(*index);
                    views[*index] = change.map(|(room, open)| BindView { open, ..view(*index % 3, room) });
                    for strategy in [&mut one, &mut other] {
                        match &views[*index] {
                            Some(view) => strategy.handle_bind(bind, view),
                            None => strategy.handle_removed(bind),
                        }
                    }
                    let chosen = one.choose(*affinity);
                    prop_assert_eq!(chosen, other.choose(*affinity), "{} is not the same twice", name);
                    let room = |bind: BindKey| views[bind.index()].map_or(0, |view| view.room());
                    let anybody = (0..6).any(|index| room(BindKey::new(index)) > 0);
                    prop_assert_eq!(chosen.is_some(), anybody, "{}", name);
                    if let Some(bind) = chosen {
                        prop_assert!(room(bind) > 0, "{}", name);
                        for strategy in [&mut one, &mut other] {
                            strategy.handle_chosen(bind);
                            if let Some(view) = &mut views[bind.index()] {
                                let given = BindView { taken: view.taken + 1, ..*view };
                                strategy.handle_bind(bind, &given);
                            }
                        }
                        if let Some(view) = &mut views[bind.index()] {
                            view.taken += 1;
                        }
                    }
                }
            }
        }
    }
}
