//! What arrived against what the generator sent.

use std::fmt;

use super::{SeriesTable, SeriesValue};
use crate::sink::Counts;
use crate::workload::{Class, Finals, Totals};

/// A number that should be another one.
#[derive(Debug, Clone, PartialEq)]
pub struct Mismatch {
    /// What was counted.
    pub what: &'static str,
    /// What the generator sent.
    pub sent: f64,
    /// What arrived.
    pub arrived: f64,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: sent {}, arrived {}", self.what, self.sent, self.arrived)
    }
}

/// Compares counts, and final values where series were remembered; empty when the books balance.
///
/// Remote write is expected with classic histograms. Exact repeats, which an at-least-once sender may cause, are taken
/// off first.
pub fn compare(totals: &Totals, counts: &Counts, series: Option<&SeriesTable>) -> Vec<Mismatch> {
    let repeats = series.map_or(0, |series| series.repeats);
    let remote_write = counts.written.samples + counts.written.histograms > 0;
    let mut pairs = if remote_write {
        let arrived = counts.written.samples - counts.written.info_samples + counts.written.histograms;
        let sent = totals.samples() + totals.histograms();
        vec![
            (
                "samples and histograms",
                sent as f64,
                arrived.saturating_sub(repeats) as f64,
            ),
            (
                "histograms",
                totals.histograms() as f64,
                counts.written.histograms as f64,
            ),
        ]
    } else {
        let (sent, arrived) = (&totals.points, &counts.points);
        vec![
            (
                "points",
                sent.total() as f64,
                arrived.total().saturating_sub(repeats) as f64,
            ),
            ("points of sums", sent.sum as f64, arrived.sum as f64),
            ("points of gauges", sent.gauge as f64, arrived.gauge as f64),
            (
                "points of histograms",
                sent.histogram as f64,
                arrived.histogram as f64,
            ),
            (
                "points of exponential histograms",
                sent.exponential as f64,
                arrived.exponential as f64,
            ),
            ("spans", sent.spans as f64, arrived.spans as f64),
            ("log records", sent.log_records as f64, arrived.log_records as f64),
        ]
    };
    if repeats > 0 {
        // Which kinds were repeated is not known; the first line covers them all.
        pairs.truncate(1);
    }
    if let Some(series) = series {
        let arrived = finals(series).by_name();
        pairs.extend(
            totals
                .finals
                .by_name()
                .into_iter()
                .zip(arrived)
                .map(|((what, sent), (_, found))| (what, sent, found)),
        );
    }
    pairs
        .into_iter()
        .filter(|(_, sent, arrived)| sent != arrived)
        .map(|(what, sent, arrived)| Mismatch { what, sent, arrived })
        .collect()
}

/// Adds up the last values of the generator's series.
fn finals(series: &SeriesTable) -> Finals {
    let mut finals = Finals::default();
    for (name, _, state) in series.iter() {
        match (Class::of(name), state.value) {
            (Some(Class::Counter), SeriesValue::Float(value)) => finals.counters += value,
            (Some(Class::Gauge), SeriesValue::Float(value)) => finals.gauges += value,
            (Some(Class::Histogram), SeriesValue::Float(value)) if name.ends_with("_count") => {
                finals.histogram_counts += value;
            }
            (Some(Class::Histogram), SeriesValue::Float(value)) if name.ends_with("_sum") => {
                finals.histogram_sums += value;
            }
            (Some(Class::Histogram), SeriesValue::Histogram { count, sum }) => {
                finals.histogram_counts += count;
                finals.histogram_sums += sum;
            }
            (Some(Class::Exponential), SeriesValue::Histogram { count, sum }) => {
                finals.exponential_counts += count;
                finals.exponential_sums += sum;
            }
            _ => {}
        }
    }
    finals
}
