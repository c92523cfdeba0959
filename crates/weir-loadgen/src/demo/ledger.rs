//! The books of the demo: what each series family must amount to, and what it amounts to.

use std::collections::BTreeMap;

use super::catalogue::{BOUNDS, Instrument, Kind, QUANTILES};
use crate::check::{SeriesTable, SeriesValue};

/// What is known of all series of one name.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Family {
    series: u64,
    points: u64,
    exemplars: u64,
    /// Sum of the last values, or of the last counts of histograms.
    last: f64,
    /// Sum of the last sums of native histograms.
    last_sum: f64,
}

/// Series families by name on arrival.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ledger {
    families: BTreeMap<String, Family>,
    points: BTreeMap<Kind, u64>,
    exemplars: u64,
}

/// One line of the report: a kind of metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The kind, as a word.
    pub kind: &'static str,
    /// Data points (or exemplars) sent.
    pub sent: u64,
    /// Data points (or exemplars) that arrived.
    pub received: u64,
    /// Distinct series that arrived.
    pub series: u64,
}

/// A number of one series family that is not what was sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Name of the family and what was compared.
    pub what: String,
    /// What was sent.
    pub sent: f64,
    /// What arrived.
    pub received: f64,
}

/// State of one stream as the generator leaves it behind.
pub(super) struct Stream<'a> {
    pub(super) instrument: &'a Instrument,
    pub(super) points: u64,
    /// Last value of a number, or last count.
    pub(super) value: f64,
    pub(super) sum: f64,
    /// Last running totals of an explicit histogram, the one without bound included.
    pub(super) buckets: Vec<f64>,
    /// Last quantile values of a summary.
    pub(super) quantiles: [f64; QUANTILES.len()],
}

impl Ledger {
    /// Enters one stream, as the series that it must become.
    pub(super) fn enter(&mut self, stream: &Stream<'_>) {
        let Stream {
            instrument,
            points,
            value,
            sum,
            ..
        } = *stream;
        *self.points.entry(instrument.kind).or_default() += points;
        let exemplars = if instrument.exemplar { points } else { 0 };
        self.exemplars += exemplars;
        let name = instrument.family;
        let mut add = |suffix: &str, last: f64, last_sum: f64, exemplars: u64| {
            let family = self.families.entry(format!("{name}{suffix}")).or_default();
            family.series += 1;
            family.points += points;
            family.exemplars += exemplars;
            family.last += last;
            family.last_sum += last_sum;
        };
        match instrument.kind {
            Kind::Counter | Kind::UpDownCounter | Kind::Gauge => add("", value, 0.0, exemplars),
            Kind::Exponential => add("", value, sum, exemplars),
            Kind::Histogram => {
                add("_sum", sum, 0.0, 0);
                add("_count", value, 0.0, 0);
                for (index, bucket) in stream.buckets.iter().enumerate() {
                    // Exemplars all lie in the first bucket; the family adds its buckets up.
                    add("_bucket", *bucket, 0.0, if index == 0 { exemplars } else { 0 });
                }
                debug_assert_eq!(stream.buckets.len(), BOUNDS.len() + 1);
            }
            Kind::Summary => {
                add("_sum", sum, 0.0, 0);
                add("_count", value, 0.0, 0);
                stream
                    .quantiles
                    .iter()
                    .for_each(|quantile| add("", *quantile, 0.0, 0));
            }
        }
    }

    /// Reads the same books from what arrived. Only kinds and families that were sent are looked for.
    pub(super) fn received(sent: &Self, instruments: &[Instrument], series: &SeriesTable) -> Self {
        let mut ledger = Self::default();
        for (name, _, state) in series
            .iter()
            .filter(|(name, _, _)| sent.families.contains_key(*name))
        {
            let family = ledger.families.entry(name.to_owned()).or_default();
            family.series += 1;
            family.points += state.points;
            family.exemplars += state.exemplars;
            match state.value {
                SeriesValue::Float(value) => family.last += value,
                SeriesValue::Histogram { count, sum } => {
                    family.last += count;
                    family.last_sum += sum;
                }
            }
            ledger.exemplars += state.exemplars;
        }
        for instrument in instruments {
            // One series of each stream stands for its points.
            let name = match instrument.kind {
                Kind::Histogram | Kind::Summary => format!("{}_count", instrument.family),
                _ => instrument.family.to_owned(),
            };
            let points = ledger.families.get(&name).map_or(0, |family| family.points);
            *ledger.points.entry(instrument.kind).or_default() += points;
        }
        ledger
    }

    /// Compares with what was received, kind by kind, exemplars last.
    pub(super) fn rows(&self, received: &Self, instruments: &[Instrument]) -> Vec<Row> {
        let series_of = |kind| {
            let names = instruments
                .iter()
                .filter(|instrument| instrument.kind == kind)
                .map(|i| i.family);
            let names: Vec<_> = names.collect();
            let belongs = |name: &str| {
                let base = ["_bucket", "_count", "_sum"]
                    .iter()
                    .find_map(|suffix| name.strip_suffix(suffix));
                names.contains(&name) || base.is_some_and(|base| names.contains(&base))
            };
            received
                .families
                .iter()
                .filter(|(name, _)| belongs(name))
                .map(|(_, family)| family.series)
                .sum()
        };
        let kinds = Kind::ALL.into_iter().filter_map(|kind| {
            let sent = *self.points.get(&kind)?;
            let received = received.points.get(&kind).copied().unwrap_or(0);
            Some(Row {
                kind: kind.text(),
                sent,
                received,
                series: series_of(kind),
            })
        });
        let exemplars = Row {
            kind: "exemplars",
            sent: self.exemplars,
            received: received.exemplars,
            series: 0,
        };
        kinds.chain([exemplars]).collect()
    }

    /// Compares with what was received, family by family.
    pub(super) fn differences(&self, received: &Self) -> Vec<Difference> {
        let mut differences = Vec::new();
        for (name, sent) in &self.families {
            let got = received.families.get(name).copied().unwrap_or_default();
            let pairs = [
                ("series", sent.series as f64, got.series as f64),
                ("samples", sent.points as f64, got.points as f64),
                ("exemplars", sent.exemplars as f64, got.exemplars as f64),
                ("last values", sent.last, got.last),
                ("last sums", sent.last_sum, got.last_sum),
            ];
            let broken = pairs.into_iter().filter(|(_, sent, received)| sent != received);
            differences.extend(broken.map(|(what, sent, received)| Difference {
                what: format!("{name}: {what}"),
                sent,
                received,
            }));
        }
        differences
    }
}
