//! How many messages may be at a bind.

/// What it depends on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    /// Most requests that the SMSC would take at a time.
    pub(super) window: usize,
    /// Requests that wait for their response.
    pub(super) in_flight: usize,
    /// PDUs per second, where there is a limit.
    pub(super) rate: Option<f64>,
    /// Messages that wait for another attempt.
    pub(super) delayed: usize,
    /// Messages whose response is late, and which keep their seats.
    pub(super) overdue: usize,
}

/// The seats that a bind offers, taken ones included.
///
/// Without a rate: a window in flight and another one that follows at once. With one, beside what is in flight only
/// what leaves within 100 ms, at least one: more would wait here while a sibling has room. Messages that wait for
/// another attempt hold nobody up, as far as a window of them, nor do those whose response is late.
pub(super) fn capacity(load: Load) -> usize {
    let Load {
        window,
        in_flight,
        rate,
        delayed,
        overdue,
    } = load;
    let ahead = match rate {
        None => window,
        Some(rate) => rounded_up(rate / 10.0).max(1).min(window),
    };
    let flying = match rate {
        None => window,
        Some(_) => in_flight.min(window),
    };
    flying + ahead + delayed.min(window) + overdue
}

/// A whole number, never negative: a float saturates when cast.
fn rounded_up(value: f64) -> usize {
    value.ceil() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seats_follow_window_rate_and_what_is_in_flight() {
        let cases = [
            // window, in flight, rate, delayed, overdue: seats
            (10, 0, None, 0, 0, 20),
            (10, 10, None, 0, 0, 20),
            (10, 3, None, 4, 0, 24),
            (10, 3, None, 400, 0, 30),
            (10, 0, Some(0.5), 0, 0, 1),
            (10, 3, Some(0.5), 0, 0, 4),
            (10, 3, Some(50.0), 0, 0, 8),
            (10, 10, Some(1_000.0), 0, 0, 20),
            (10, 0, Some(f64::MAX), 0, 0, 10),
            (1, 0, Some(100.0), 0, 0, 1),
            (0, 0, None, 7, 0, 0),
            (0, 0, Some(100.0), 0, 0, 0),
            (10, 0, Some(0.5), 0, 3, 4),
            (10, 4, None, 0, 30, 50),
        ];
        for (window, in_flight, rate, delayed, overdue, seats) in cases {
            let load = Load {
                window,
                in_flight,
                rate,
                delayed,
                overdue,
            };
            assert_eq!(capacity(load), seats, "{load:?}");
        }
    }
}
