//! What became of messages over time, and its picture.

use std::path::Path;
use std::time::Duration;

use hdrhistogram::Histogram;
use plotters::prelude::*;

use crate::submit::SubmitResult;

/// How much time the first slices hold.
const FINEST: Duration = Duration::from_millis(100);

/// At so many slices each two become one: however long the work takes, it needs no more memory.
const MOST_SLICES: usize = 512;

/// Latencies of more than a day count as a day, in microseconds.
const LONGEST: u64 = 86_400_000_000;

/// Width and height of the picture.
const SIZE: (u32, u32) = (960, 640);

/// What came in each slice of time.
pub(super) struct Timeline {
    /// How much time one holds.
    width: Duration,
    slices: Vec<Slice>,
}

#[derive(Default)]
struct Slice {
    accepted: u64,
    others: u64,
    /// Microseconds from intake to outcome of accepted messages; none as long as there are none.
    latencies: Option<Histogram<u32>>,
}

impl Slice {
    fn record(&mut self, result: &SubmitResult) {
        let Ok(submitted) = result else {
            self.others += 1;
            return;
        };
        self.accepted += 1;
        if self.latencies.is_none() {
            self.latencies = Histogram::new(2).ok();
        }
        if let Some(latencies) = &mut self.latencies {
            let after = u64::try_from(submitted.after.as_micros()).unwrap_or(LONGEST);
            // It grows as far as that.
            latencies.record(after.min(LONGEST)).unwrap_or_default();
        }
    }

    fn add(&mut self, other: Self) {
        self.accepted += other.accepted;
        self.others += other.others;
        match (&mut self.latencies, other.latencies) {
            // Both grow on their own.
            (Some(latencies), Some(others)) => latencies.add(others).unwrap_or_default(),
            (none @ None, latencies) => *none = latencies,
            (Some(_), None) => {}
        }
    }

    /// Milliseconds that so many of the accepted messages did not exceed.
    fn latency(&self, quantile: f64) -> Option<f64> {
        let latencies = self.latencies.as_ref()?;
        Some(latencies.value_at_quantile(quantile) as f64 / 1e3)
    }
}

impl Timeline {
    pub(super) const fn new() -> Self {
        Self {
            width: FINEST,
            slices: Vec::new(),
        }
    }

    /// These messages had their outcomes so long after the start.
    pub(super) fn record(&mut self, at: Duration, results: &[SubmitResult]) {
        let mut index = self.index(at);
        while index >= MOST_SLICES {
            self.halve();
            index = self.index(at);
        }
        if index >= self.slices.len() {
            self.slices.resize_with(index + 1, Slice::default);
        }
        if let Some(slice) = self.slices.get_mut(index) {
            results.iter().for_each(|result| slice.record(result));
        }
    }

    fn index(&self, at: Duration) -> usize {
        usize::try_from(at.as_nanos() / self.width.as_nanos()).unwrap_or(usize::MAX)
    }

    fn halve(&mut self) {
        self.width *= 2;
        let mut slices = std::mem::take(&mut self.slices).into_iter();
        while let Some(mut slice) = slices.next() {
            if let Some(second) = slices.next() {
                slice.add(second);
            }
            self.slices.push(slice);
        }
    }

    /// When each slice ends, in seconds.
    fn ends(&self) -> impl Iterator<Item = (f64, &Slice)> {
        let width = self.width.as_secs_f64();
        let ends = (1_u32..).map(move |number| f64::from(number) * width);
        ends.zip(&self.slices)
    }

    /// Messages a second, over time.
    fn rates(&self, count: impl Fn(&Slice) -> u64) -> Vec<(f64, f64)> {
        let width = self.width.as_secs_f64();
        let rates = self.ends().map(|(end, slice)| (end, count(slice) as f64 / width));
        rates.collect()
    }

    /// Milliseconds over time, where messages were accepted.
    fn latencies(&self, quantile: f64) -> Vec<(f64, f64)> {
        let latencies = self
            .ends()
            .filter_map(|(end, slice)| Some((end, slice.latency(quantile)?)));
        latencies.collect()
    }

    /// Draws messages a second above, latencies below.
    ///
    /// # Errors
    ///
    /// Says what is wrong when the file cannot be written.
    pub(super) fn draw(&self, path: &Path) -> Result<(), String> {
        let mut svg = String::new();
        self.draw_into(&mut svg).map_err(|error| error.to_string())?;
        std::fs::write(path, svg).map_err(|error| format!("cannot write {}: {error}", path.display()))
    }

    fn draw_into(&self, svg: &mut String) -> Result<(), Box<dyn std::error::Error>> {
        let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
        root.fill(&WHITE)?;
        let (above, below) = root.split_vertically(SIZE.1 / 2);
        let end = self.ends().last().map_or(1.0, |(end, _)| end);
        chart(
            &above,
            "messages a second",
            end,
            &[
                ("accepted", GREEN_600, self.rates(|slice| slice.accepted)),
                ("other outcomes", RED_600, self.rates(|slice| slice.others)),
            ],
        )?;
        chart(
            &below,
            "milliseconds from intake to outcome",
            end,
            &[
                ("p50", BLUE_600, self.latencies(0.5)),
                ("p99", AMBER_600, self.latencies(0.99)),
                ("max", GREY_600, self.latencies(1.0)),
            ],
        )?;
        root.present()?;
        Ok(())
    }
}

const GREEN_600: RGBColor = RGBColor(67, 160, 71);
const RED_600: RGBColor = RGBColor(229, 57, 53);
const BLUE_600: RGBColor = RGBColor(30, 136, 229);
const AMBER_600: RGBColor = RGBColor(255, 179, 0);
const GREY_600: RGBColor = RGBColor(117, 117, 117);

/// A line, its name and its colour.
type Line = (&'static str, RGBColor, Vec<(f64, f64)>);

/// Lines over seconds. One that is nowhere above zero is left out.
fn chart<'s>(
    area: &DrawingArea<SVGBackend<'s>, plotters::coord::Shift>,
    title: &str,
    end: f64,
    lines: &[Line],
) -> Result<(), DrawingAreaErrorKind<<SVGBackend<'s> as DrawingBackend>::ErrorType>> {
    let values = lines.iter().flat_map(|(.., points)| points);
    let most = values.map(|(_, value)| *value).fold(0.0, f64::max);
    let most = if most > 0.0 { most * 1.05 } else { 1.0 };
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 16))
        .margin(12)
        .x_label_area_size(32)
        .y_label_area_size(72)
        .build_cartesian_2d(0.0..end, 0.0..most)?;
    chart
        .configure_mesh()
        .x_desc("seconds")
        .light_line_style(TRANSPARENT)
        .draw()?;
    for (name, colour, points) in lines {
        if points.iter().all(|(_, value)| *value <= 0.0) {
            continue;
        }
        let series = LineSeries::new(points.iter().copied(), colour.stroke_width(2));
        let key = move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2));
        chart.draw_series(series)?.label(*name).legend(key);
    }
    chart
        .configure_series_labels()
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.3))
        .draw()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::submit::{MessageId, MessageIds, SubmitError, Submitted};

    fn accepted(after: Duration) -> SubmitResult {
        let ids = MessageIds::One(MessageId::EMPTY);
        Ok(Submitted::new(ids, "a".into(), after))
    }

    #[test]
    fn slices_double_when_there_are_too_many_and_nothing_is_lost() {
        let mut timeline = Timeline::new();
        for second in 0..200 {
            let after = Duration::from_millis(second);
            let results = [accepted(after), Err(SubmitError::Busy)];
            timeline.record(Duration::from_secs(second), &results);
        }
        assert_eq!(timeline.width, FINEST * 4);
        let counted = timeline.slices.iter();
        let counted = counted.fold((0, 0), |(accepted, others), slice| {
            (accepted + slice.accepted, others + slice.others)
        });
        assert_eq!(counted, (200, 200));
        let rates = timeline.rates(|slice| slice.accepted);
        assert_eq!(rates.len(), 498);
        assert_eq!(
            rates[..4],
            [(0.4, 2.5), (0.8, 0.0), (1.2000000000000002, 2.5), (1.6, 0.0)]
        );
        let latencies = timeline.latencies(0.5);
        assert_eq!(latencies.len(), 200);
        let last = latencies.last().unwrap().1;
        assert!((last - 199.0).abs() < 2.0, "{last}");
    }

    #[test]
    fn a_time_far_away_ends_in_the_last_slice() {
        let mut timeline = Timeline::new();
        timeline.record(Duration::from_secs(30 * 86_400), &[accepted(Duration::ZERO)]);
        assert!(timeline.slices.len() <= MOST_SLICES);
        assert_eq!(timeline.slices.last().map(|slice| slice.accepted), Some(1));
    }

    #[test]
    fn the_picture_names_what_it_shows_and_leaves_out_what_never_was() {
        let mut timeline = Timeline::new();
        for number in 0..100_u64 {
            let at = Duration::from_millis(number * 20);
            timeline.record(at, &[accepted(Duration::from_micros(number))]);
        }
        let mut svg = String::new();
        timeline.draw_into(&mut svg).unwrap();
        for text in ["messages a second", "accepted", "p50", "p99", "max", "seconds"] {
            assert!(svg.contains(text), "{text} is not in {svg}");
        }
        assert!(!svg.contains("other outcomes"));
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
    }

    #[test]
    fn nothing_at_all_is_a_picture_too() {
        let mut svg = String::new();
        Timeline::new().draw_into(&mut svg).unwrap();
        assert!(svg.contains("messages a second"));
    }
}
