//! Which route a message takes by what it is: where it goes, who sends it, and its class.

use std::collections::HashMap;

/// What a message must be to take a route. A list that is empty asks for nothing.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Conditions {
    /// Its destination begins with one of these; `""` is the beginning of all. A "+" in front does not count.
    pub destinations: Vec<String>,
    /// Its source is one of these, or begins with one that ends in `*`. A "+" in front does not count.
    pub sources: Vec<String>,
    /// Its class is one of these.
    pub classes: Vec<String>,
}

impl Conditions {
    /// True when they ask for nothing: such a route is taken by those that name it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.destinations.is_empty() && self.sources.is_empty() && self.classes.is_empty()
    }

    /// Where a message meets these and `others`, and neither is closer to it: it could take either route.
    #[must_use]
    pub fn tie(&self, others: &Self) -> Option<String> {
        let destination = common(&self.destinations, &others.destinations, bare)?;
        let source = common(&self.sources, &others.sources, bare)?;
        let class = common(&self.classes, &others.classes, |class| class)?;
        let parts = [("destination", destination), ("source", source), ("class", class)];
        let parts = parts
            .into_iter()
            .filter_map(|(what, value)| Some(format!("{what} {:?}", value?)));
        Some(parts.collect::<Vec<_>>().join(", "))
    }

    /// How close the source is to what is asked of it; none when it is something else.
    fn source(&self, source: &str) -> Option<usize> {
        if self.sources.is_empty() {
            return Some(0);
        }
        let close = |wanted: &String| match bare(wanted).strip_suffix('*') {
            Some(beginning) => source.starts_with(beginning).then_some(beginning.len() + 1),
            None => (bare(wanted) == source).then_some(usize::MAX),
        };
        self.sources.iter().filter_map(close).max()
    }

    /// Whether a class is asked for; none when it is another one.
    fn class(&self, class: Option<&str>) -> Option<bool> {
        if self.classes.is_empty() {
            return Some(false);
        }
        let class = class?;
        self.classes.iter().any(|wanted| wanted == class).then_some(true)
    }
}

/// The value that both ask for: `Some(None)` when both ask for nothing.
fn common<'a>(ours: &'a [String], theirs: &[String], bare: fn(&str) -> &str) -> Option<Option<&'a str>> {
    if ours.is_empty() && theirs.is_empty() {
        return Some(None);
    }
    let both = |one: &&String| theirs.iter().any(|other| bare(one) == bare(other));
    ours.iter().find(both).map(|one| Some(bare(one)))
}

/// What routes are chosen by.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Traits<'m> {
    /// The destination, with or without "+".
    pub destination: &'m str,
    /// The source; empty where the SMSC decides.
    pub source: &'m str,
    /// The class.
    pub class: Option<&'m str>,
}

/// Routes by the conditions on which they are taken.
///
/// Of those whose conditions a message meets it takes the one with the longest beginning of its destination; of
/// several the one whose source is closest, exact before the longest beginning before none; of several the one that
/// asks for its class; and of several the first.
#[derive(Clone, Debug)]
pub struct Routes<R> {
    rules: Vec<(R, Conditions)>,
    /// The rules that ask for each beginning of a destination.
    beginnings: HashMap<Box<str>, Vec<usize>>,
    /// The lengths of these, the longest first.
    lengths: Vec<usize>,
}

impl<R> Routes<R> {
    /// A table of these routes; those without conditions have no place in it.
    #[must_use]
    pub fn new(routes: impl IntoIterator<Item = (R, Conditions)>) -> Self {
        let rules: Vec<_> = routes
            .into_iter()
            .filter(|(_, conditions)| !conditions.is_empty())
            .collect();
        let mut beginnings: HashMap<Box<str>, Vec<usize>> = HashMap::new();
        for (index, (_, conditions)) in rules.iter().enumerate() {
            let any = conditions.destinations.is_empty().then_some("");
            let asked = conditions.destinations.iter().map(|beginning| bare(beginning));
            for beginning in asked.chain(any) {
                beginnings.entry(beginning.into()).or_default().push(index);
            }
        }
        let mut lengths: Vec<_> = beginnings.keys().map(|beginning| beginning.len()).collect();
        lengths.sort_unstable_by(|one, other| other.cmp(one));
        lengths.dedup();
        Self {
            rules,
            beginnings,
            lengths,
        }
    }

    /// True when no route has conditions: then messages that name none take any bind.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The route of a message, and the beginning of its destination by which it was found.
    #[must_use]
    pub fn find<'m>(&self, message: Traits<'m>) -> Option<(&R, &'m str)> {
        let (destination, source) = (bare(message.destination), bare(message.source));
        let beginnings = self
            .lengths
            .iter()
            .filter_map(|length| destination.get(..*length));
        for beginning in beginnings {
            let Some(indices) = self.beginnings.get(beginning) else {
                continue;
            };
            let candidates = indices.iter().filter_map(|index| {
                let (route, conditions) = self.rules.get(*index)?;
                let close = (conditions.source(source)?, conditions.class(message.class)?);
                Some((close, std::cmp::Reverse(*index), route))
            });
            let closest = candidates.max_by_key(|(close, index, _)| (*close, *index));
            if let Some((.., route)) = closest {
                return Some((route, beginning));
            }
        }
        None
    }
}

impl<R> Default for Routes<R> {
    fn default() -> Self {
        Self::new([])
    }
}

/// An address without the "+" in front.
fn bare(address: &str) -> &str {
    address.strip_prefix('+').unwrap_or(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conditions(destinations: &[&str], sources: &[&str], classes: &[&str]) -> Conditions {
        let owned = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
        Conditions {
            destinations: owned(destinations),
            sources: owned(sources),
            classes: owned(classes),
        }
    }

    fn routes() -> Routes<&'static str> {
        Routes::new([
            ("by name only", conditions(&[], &[], &[])),
            ("all", conditions(&[""], &[], &[])),
            ("uk", conditions(&["44"], &[], &[])),
            ("uk mobile", conditions(&["447", "+4479"], &[], &[])),
            ("uk bank", conditions(&["44"], &["Bank"], &[])),
            ("otp", conditions(&[], &[], &["otp"])),
            ("uk bank otp", conditions(&["44"], &["Bank"], &["otp"])),
            ("numbers", conditions(&[], &["4420*"], &[])),
            ("london", conditions(&[], &["442071*"], &[])),
        ])
    }

    #[test]
    fn a_message_takes_the_route_that_is_closest_to_it() {
        let routes = routes();
        for (destination, source, class, route, beginning) in [
            ("33123456789", "", None, "all", ""),
            ("+442071234567", "", None, "uk", "44"),
            ("447700900123", "", None, "uk mobile", "447"),
            ("+447900900123", "", None, "uk mobile", "4479"),
            ("442071234567", "Bank", None, "uk bank", "44"),
            ("442071234567", "BankX", None, "uk", "44"),
            ("442071234567", "Bank", Some("otp"), "uk bank otp", "44"),
            ("442071234567", "Shop", Some("otp"), "uk", "44"),
            ("33123456789", "Bank", Some("otp"), "otp", ""),
            ("33123456789", "Bank", Some("news"), "all", ""),
            ("33123456789", "+442011223344", None, "numbers", ""),
            ("33123456789", "442071223344", Some("otp"), "london", ""),
            ("", "", None, "all", ""),
        ] {
            let message = Traits {
                destination,
                source,
                class,
            };
            assert_eq!(routes.find(message), Some((&route, beginning)), "{message:?}");
        }
    }

    #[test]
    fn a_message_that_meets_no_conditions_has_no_route() {
        let routes = Routes::new([("uk", conditions(&["44"], &[], &[]))]);
        for destination in ["33", "4", "", "é44"] {
            let message = Traits {
                destination,
                ..Traits::default()
            };
            assert_eq!(routes.find(message), None, "{destination:?}");
        }
        assert!(Routes::<()>::default().is_empty());
    }

    #[test]
    fn two_routes_that_a_message_could_take_alike_are_told() {
        let uk = conditions(&["44", "353"], &[], &["otp"]);
        assert_eq!(
            uk.tie(&conditions(&["1", "+44"], &[], &["otp"])),
            Some(String::from("destination \"44\", class \"otp\""))
        );
        assert_eq!(uk.tie(&conditions(&["44"], &[], &[])), None);
        assert_eq!(uk.tie(&conditions(&["44"], &["A"], &["otp"])), None);
        assert_eq!(uk.tie(&conditions(&["447"], &[], &["otp"])), None);
    }
}
