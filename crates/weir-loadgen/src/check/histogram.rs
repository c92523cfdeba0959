//! Structure of native histograms, read from either version into one form.

use weir_proto::prometheus::{v1, v2};

use super::{Rule, SeriesValue, Violations};

/// Schema of native histograms with custom buckets.
const CUSTOM: i32 = -53;

/// One side of a histogram: spans, and absolute counts per bucket.
struct Side {
    spans: Vec<(i32, u32)>,
    counts: Vec<f64>,
}

/// A native histogram of either version.
pub(super) struct Native {
    schema: i32,
    count: f64,
    sum: f64,
    zero_count: f64,
    zero_threshold: f64,
    sides: [Side; 2],
    custom: Vec<f64>,
    /// Integer and float fields stand side by side.
    mixed: bool,
    /// The sum has the bits of the stale marker.
    stale: bool,
}

macro_rules! native {
    ($histogram:expr, $module:ident) => {{
        let h = $histogram;
        let (count, integer) = match h.count {
            Some($module::histogram::Count::CountInt(count)) => (count as f64, true),
            Some($module::histogram::Count::CountFloat(count)) => (count, false),
            None => (0.0, true),
        };
        let (zero_count, zero_integer) = match h.zero_count {
            Some($module::histogram::ZeroCount::ZeroCountInt(count)) => (count as f64, true),
            Some($module::histogram::ZeroCount::ZeroCountFloat(count)) => (count, false),
            None => (0.0, integer),
        };
        let deltas = !h.positive_deltas.is_empty() || !h.negative_deltas.is_empty();
        let floats = !h.positive_counts.is_empty() || !h.negative_counts.is_empty();
        let spans = |spans: &[$module::BucketSpan]| spans.iter().map(|s| (s.offset, s.length)).collect();
        Native {
            schema: h.schema,
            count,
            sum: h.sum,
            zero_count,
            zero_threshold: h.zero_threshold,
            sides: [
                Side {
                    spans: spans(&h.positive_spans),
                    counts: absolute(&h.positive_deltas, &h.positive_counts),
                },
                Side {
                    spans: spans(&h.negative_spans),
                    counts: absolute(&h.negative_deltas, &h.negative_counts),
                },
            ],
            custom: h.custom_values.clone(),
            mixed: integer != zero_integer || (integer && floats) || (!integer && deltas),
            stale: h.sum.to_bits() == STALE,
        }
    }};
}

/// Bits of the stale marker.
pub(super) const STALE: u64 = 0x7ff0_0000_0000_0002;

fn absolute(deltas: &[i64], counts: &[f64]) -> Vec<f64> {
    let from_deltas = deltas.iter().scan(0_i64, |total, delta| {
        *total = total.wrapping_add(*delta);
        Some(*total as f64)
    });
    from_deltas.chain(counts.iter().copied()).collect()
}

impl From<&v1::Histogram> for Native {
    fn from(histogram: &v1::Histogram) -> Self {
        native!(histogram, v1)
    }
}

impl From<&v2::Histogram> for Native {
    fn from(histogram: &v2::Histogram) -> Self {
        native!(histogram, v2)
    }
}

impl Native {
    /// Returns what the series table remembers.
    pub(super) fn value(&self) -> SeriesValue {
        SeriesValue::Histogram {
            count: self.count,
            sum: self.sum,
        }
    }

    /// Whether this marks the end of the series.
    pub(super) fn is_stale(&self) -> bool {
        self.stale
    }

    /// Checks everything that a receiver validates.
    pub(super) fn check(&self, series: &str, found: &mut Violations) {
        let place = || series.to_owned();
        found.require(!self.mixed, Rule::HistogramMixed, place);
        let schema_known = self.schema == CUSTOM || (-4..=8).contains(&self.schema);
        found.require(schema_known, Rule::HistogramSchema, || {
            format!("{series}: schema {}", self.schema)
        });
        found.require(self.custom_holds(), Rule::HistogramCustom, place);
        for side in &self.sides {
            let length: u64 = side.spans.iter().map(|(_, length)| u64::from(*length)).sum();
            let forward = side.spans.iter().skip(1).all(|(offset, _)| *offset >= 0);
            found.require(
                length == side.counts.len() as u64 && forward,
                Rule::HistogramSpans,
                place,
            );
            found.require(
                side.counts.iter().all(|count| *count >= 0.0),
                Rule::HistogramNegative,
                place,
            );
        }
        if self.stale {
            return;
        }
        let total = self.zero_count + self.sides.iter().flat_map(|side| &side.counts).sum::<f64>();
        // Observations of NaN count but lie in no bucket; then the sum is NaN.
        let adds_up = if self.sum.is_nan() {
            total <= self.count
        } else {
            total == self.count
        };
        found.require(adds_up, Rule::HistogramTotal, || {
            format!("{series}: {total} of {}", self.count)
        });
    }

    fn custom_holds(&self) -> bool {
        if self.schema != CUSTOM {
            return self.custom.is_empty();
        }
        let negative = &self.sides[1];
        self.custom.windows(2).all(|pair| pair[0] < pair[1])
            && self.custom.iter().all(|bound| bound.is_finite())
            && self.zero_count == 0.0
            && self.zero_threshold == 0.0
            && negative.spans.is_empty()
            && negative.counts.is_empty()
    }
}
