//! What must arrive, in points and in values.

use std::ops::{Add, AddAssign};

use serde::Serialize;

use super::Temporality;
use super::request::{Motion, wave};
use crate::count::Points;

/// What the generator has sent and what a sink must hold in the end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Totals {
    /// Items by kind.
    pub points: Points,
    /// Distinct OTLP series.
    pub series: u64,
    /// Final values, summed over series.
    pub finals: Finals,
}

impl Totals {
    /// Returns the float samples that the points become in remote write with classic histograms: one per number, and
    /// sum, count and 12 buckets per histogram. `target_info` is not among them.
    pub fn samples(&self) -> u64 {
        self.points.sum + self.points.gauge + 14 * self.points.histogram
    }

    /// Returns the native histograms that the points become in remote write.
    pub fn histograms(&self) -> u64 {
        self.points.exponential
    }
}

impl AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.points += other.points;
        self.series += other.series;
        self.finals = self.finals + other.finals;
    }
}

/// Sums over all series of the last value of each (of all values, where temporality is delta).
///
/// All addends are multiples of 1/64, so sums are exact below 2^46 and do not depend on order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Finals {
    /// Values of counters.
    pub counters: f64,
    /// Values of gauges (the last ones, for delta too).
    pub gauges: f64,
    /// Counts of explicit histograms.
    pub histogram_counts: f64,
    /// Sums of explicit histograms.
    pub histogram_sums: f64,
    /// Counts of exponential histograms.
    pub exponential_counts: f64,
    /// Sums of exponential histograms.
    pub exponential_sums: f64,
}

impl Add for Finals {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            counters: self.counters + other.counters,
            gauges: self.gauges + other.gauges,
            histogram_counts: self.histogram_counts + other.histogram_counts,
            histogram_sums: self.histogram_sums + other.histogram_sums,
            exponential_counts: self.exponential_counts + other.exponential_counts,
            exponential_sums: self.exponential_sums + other.exponential_sums,
        }
    }
}

impl Finals {
    /// Returns the values by name, in a fixed order.
    pub fn by_name(&self) -> [(&'static str, f64); 6] {
        [
            ("counters", self.counters),
            ("gauges", self.gauges),
            ("histogram counts", self.histogram_counts),
            ("histogram sums", self.histogram_sums),
            ("exponential counts", self.exponential_counts),
            ("exponential sums", self.exponential_sums),
        ]
    }
}

/// Kind of a generated metric, told from its name before or after translation to Prometheus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// `load.counter.*`.
    Counter,
    /// `load.gauge.*`.
    Gauge,
    /// `load.histogram.*`.
    Histogram,
    /// `load.exponential.*`.
    Exponential,
}

impl Class {
    /// Returns the class of a metric of the generator; none for any other name.
    pub fn of(name: &str) -> Option<Self> {
        let rest = name
            .strip_prefix("load")
            .and_then(|rest| rest.strip_prefix(['.', '_']))?;
        let (class, _) = rest.split_once(['.', '_'])?;
        Some(match class {
            "counter" => Self::Counter,
            "gauge" => Self::Gauge,
            "histogram" => Self::Histogram,
            "exponential" => Self::Exponential,
            _ => return None,
        })
    }
}

/// How the final values of one body depend on the count of visits.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Growth {
    fixed: Finals,
    per_visit: Finals,
    gauges: u64,
}

impl Growth {
    pub(super) fn of(motions: &[Motion], temporality: Temporality) -> Self {
        let mut growth = Self::default();
        for motion in motions {
            let (fixed, per_visit) = (&mut growth.fixed, &mut growth.per_visit);
            match motion {
                Motion::Integer { step } => per_visit.counters += *step as f64,
                Motion::Double { step } => per_visit.counters += step,
                Motion::Gauge { base } => {
                    fixed.gauges += base;
                    growth.gauges += 1;
                }
                Motion::Histogram { buckets, sum } => {
                    per_visit.histogram_counts += buckets.iter().sum::<u64>() as f64;
                    per_visit.histogram_sums += sum;
                }
                Motion::Record { .. } => {}
                Motion::Exponential { count, sum } => {
                    per_visit.exponential_counts += 1.0;
                    let positive = match temporality {
                        Temporality::Cumulative => fixed,
                        Temporality::Delta => per_visit,
                    };
                    positive.exponential_counts += *count as f64;
                    positive.exponential_sums += sum;
                }
            }
        }
        growth
    }

    /// Returns the final values after `visits` visits, 1 at least.
    pub(super) fn finals(&self, visits: u64) -> Finals {
        let times = visits as f64;
        let grown = Finals {
            counters: self.per_visit.counters * times,
            gauges: self.gauges as f64 * wave(visits),
            histogram_counts: self.per_visit.histogram_counts * times,
            histogram_sums: self.per_visit.histogram_sums * times,
            exponential_counts: self.per_visit.exponential_counts * times,
            exponential_sums: self.per_visit.exponential_sums * times,
        };
        self.fixed + grown
    }
}
