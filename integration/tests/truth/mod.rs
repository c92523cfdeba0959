//! Deltas whose totals are known, and what Prometheus must make of them.

use weir_integration::otlp::Delta;
use weir_integration::series::Point;

/// Numbers that look random and are the same in each run.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// A number from 0 to below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// Streams that all have a point at the same times.
pub(crate) struct Truth {
    /// Start of the first points, Unix time in milliseconds.
    begin: u64,
    /// Milliseconds from one point to the next.
    interval: u64,
    /// Of each stream, what it adds up to after each point.
    totals: Vec<Vec<u64>>,
}

impl Truth {
    /// Throws the deltas of all streams.
    pub(crate) fn throw(dice: &mut Dice, streams: u64, points: u64, begin: u64, interval: u64) -> Self {
        let mut stream = |_| {
            let add = |total: &mut u64, _| {
                *total += 1 + dice.below(100);
                Some(*total)
            };
            (0..points).scan(0, add).collect()
        };
        let totals = (0..streams).map(&mut stream).collect();
        Self {
            begin,
            interval,
            totals,
        }
    }

    /// One point of a stream.
    pub(crate) fn delta(&self, stream: u64, number: u64) -> Delta {
        let totals = &self.totals[stream as usize];
        let before = number.checked_sub(1).map_or(0, |before| totals[before as usize]);
        let start_ns = (self.begin + number * self.interval) * 1_000_000;
        Delta {
            stream,
            start_ns,
            time_ns: start_ns + self.interval * 1_000_000,
            value: totals[number as usize] - before,
        }
    }

    /// When all streams have their last point.
    pub(crate) fn end(&self) -> u64 {
        self.begin + self.interval * self.totals[0].len() as u64
    }

    /// What a stream adds up to at the time of one of its points.
    pub(crate) fn total(&self, stream: u64, time: i64) -> Option<f64> {
        let since = time.checked_sub_unsigned(self.begin)?;
        let number = since / self.interval.cast_signed() - 1;
        let total = *self.totals[stream as usize].get(usize::try_from(number).ok()?)?;
        (since % self.interval.cast_signed() == 0).then_some(total as f64)
    }
}

/// What `increase()` of Prometheus says at `time` about the last `range` milliseconds of samples that do not fall: their increase,
/// extrapolated to the edges of the range, though by no more than half an interval if an edge is far, and not below zero.
pub(crate) fn increase(samples: &[Point], time: i64, range: i64) -> Option<f64> {
    let begin = time - range;
    let from = samples.partition_point(|sample| sample.milliseconds <= begin);
    let to = samples.partition_point(|sample| sample.milliseconds <= time);
    let [first, .., last] = &samples[from..to] else {
        return None;
    };
    let grown = last.value - first.value;
    let sampled = (last.milliseconds - first.milliseconds) as f64;
    let interval = sampled / (to - from - 1) as f64;
    let edge = |distance: i64| match distance as f64 {
        far if far >= interval * 1.1 => interval / 2.0,
        near => near,
    };
    let until_zero = sampled * first.value / grown;
    let before = edge(first.milliseconds - begin).min(until_zero);
    let after = edge(time - last.milliseconds);
    Some(grown * (sampled + before + after) / sampled)
}
