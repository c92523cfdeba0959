//! Memory of each series: last time, last value, how many points.

use std::collections::HashMap;

use super::{Rule, Violations};

/// Series remembered; those beyond are counted in [`SeriesTable::forgotten`] and not checked.
const MAX_SERIES: usize = 4_000_000;

/// A value of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SeriesValue {
    /// A float sample, or an OTLP number.
    Float(f64),
    /// A histogram of any form.
    Histogram {
        /// Count of observations.
        count: f64,
        /// Sum of observations.
        sum: f64,
    },
}

impl SeriesValue {
    fn same(self, other: Self) -> bool {
        let bits = |value| match value {
            Self::Float(value) => (0, value.to_bits(), 0),
            Self::Histogram { count, sum } => (1, f64::to_bits(count), f64::to_bits(sum)),
        };
        bits(self) == bits(other)
    }

    /// Whether a cumulative value is lower than one before it.
    fn fell_from(self, earlier: Self) -> bool {
        match (self, earlier) {
            (Self::Float(now), Self::Float(then)) => now < then,
            (Self::Histogram { count: now, .. }, Self::Histogram { count: then, .. }) => now < then,
            _ => false,
        }
    }

    fn add(&mut self, other: Self) {
        match (self, other) {
            (Self::Float(total), Self::Float(value)) => *total += value,
            (
                Self::Histogram { count, sum },
                Self::Histogram {
                    count: more,
                    sum: extra,
                },
            ) => {
                *count += more;
                *sum += extra;
            }
            (total, other) => *total = other,
        }
    }
}

/// What is known of a series.
#[derive(Debug, Clone, Copy)]
pub struct SeriesState {
    /// Bytes of the key that are the metric name.
    name_length: u32,
    /// Time of the last point, in the unit of the protocol.
    pub time: i64,
    /// Start time of the last point; 0 if none.
    pub start: i64,
    /// Last value; the sum of all for delta points.
    pub value: SeriesValue,
    /// Points, repeats left out.
    pub points: u64,
    /// Exemplars.
    pub exemplars: u64,
}

/// One point as the table takes it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Observation {
    pub(super) time: i64,
    pub(super) start: i64,
    pub(super) value: SeriesValue,
    /// Never falls within one start time.
    pub(super) monotonic: bool,
    /// Adds to what came before rather than replacing it.
    pub(super) delta: bool,
}

/// All series seen, by their text: name, then labels.
#[derive(Debug, Clone, Default)]
pub struct SeriesTable {
    series: HashMap<Box<str>, SeriesState>,
    /// Points with the time and value of the one before: legal repeats, as a retry makes them.
    pub repeats: u64,
    /// Points of series beyond the bound.
    pub forgotten: u64,
}

impl SeriesTable {
    /// Returns the distinct series.
    pub fn len(&self) -> usize {
        self.series.len()
    }

    /// Whether no series was seen.
    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    /// Returns metric name, whole key and state of each series, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str, &SeriesState)> {
        self.series
            .iter()
            .map(|(key, state)| (&key[..state.name_length as usize], &**key, state))
    }

    /// Notes one point and checks it against the one before. `key` begins with the metric name.
    pub(super) fn observe(
        &mut self,
        key: &str,
        name_length: usize,
        observation: Observation,
        found: &mut Violations,
    ) {
        let Observation {
            time,
            start,
            value,
            monotonic,
            delta,
        } = observation;
        let Some(state) = self.series.get_mut(key) else {
            if self.series.len() >= MAX_SERIES {
                self.forgotten += 1;
                return;
            }
            let name_length = u32::try_from(name_length).unwrap_or(0);
            let state = SeriesState {
                name_length,
                time,
                start,
                value,
                points: 1,
                exemplars: 0,
            };
            self.series.insert(key.into(), state);
            return;
        };
        if time == state.time && !delta && value.same(state.value) {
            self.repeats += 1;
            return;
        }
        found.require(time >= state.time, Rule::OutOfOrder, || {
            format!("{key} at {time} after {}", state.time)
        });
        found.require(time != state.time, Rule::DuplicateTime, || {
            format!("{key} at {time}")
        });
        let fell = monotonic && !delta && start == state.start && value.fell_from(state.value);
        found.require(!fell, Rule::CounterFell, || {
            format!("{key}: {value:?} after {:?}", state.value)
        });
        state.points += 1;
        if delta {
            state.value.add(value);
        }
        if time > state.time {
            (state.time, state.start) = (time, start);
            if !delta {
                state.value = value;
            }
        }
    }

    /// Notes exemplars of a series that was observed.
    pub(super) fn observe_exemplars(&mut self, key: &str, count: usize) {
        if let Some(state) = self.series.get_mut(key) {
            state.exemplars += count as u64;
        }
    }
}
