//! The last total of a stream, and what a newer one says beyond it.

use std::borrow::Cow;

use weir_streams::{Buckets, ExplicitHistogram, ExponentialHistogram, Extremes, Weigh};

use crate::tally::Reason;

/// What is remembered of a stream.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stream {
    /// Time of the newest point, Unix time in nanoseconds.
    pub(crate) time_ns: u64,
    /// What it said.
    pub(crate) total: Total,
}

/// A total, or the difference of two.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Total {
    /// Of a sum of integers.
    Int(i64),
    /// Of a sum of doubles.
    Double(f64),
    /// Of an explicit histogram.
    Histogram(Box<ExplicitHistogram>),
    /// Of an exponential histogram.
    Exponential(Box<ExponentialHistogram>),
}

impl Total {
    /// Returns what came since an older total of the same stream.
    ///
    /// # Errors
    ///
    /// [`Reason::Reset`] if anything fell, [`Reason::BucketMismatch`] if the two cannot be compared.
    pub(crate) fn since(&self, before: &Self) -> Result<Self, Reason> {
        match (self, before) {
            (Self::Int(now), Self::Int(before)) if now >= before => {
                now.checked_sub(*before).map(Self::Int).ok_or(Reason::Reset)
            }
            (Self::Double(now), Self::Double(before)) if now >= before => Ok(Self::Double(now - before)),
            (Self::Histogram(now), Self::Histogram(before)) => {
                if !now.fits(before) {
                    return Err(Reason::BucketMismatch);
                }
                let delta = explicit_since(now, before).ok_or(Reason::Reset)?;
                Ok(Self::Histogram(Box::new(delta)))
            }
            (Self::Exponential(now), Self::Exponential(before)) => {
                let delta = exponential_since(now, before).ok_or(Reason::Reset)?;
                Ok(Self::Exponential(Box::new(delta)))
            }
            _ => Err(Reason::Reset),
        }
    }
}

/// Returns the sum of what came between. How small and how large it was is not known.
fn extremes_since(now: &Extremes, before: &Extremes) -> Extremes {
    let sum = match (now.sum, before.sum) {
        (Some(now), Some(before)) => Some(now - before),
        _ => None,
    };
    Extremes {
        sum,
        ..Extremes::default()
    }
}

fn explicit_since(now: &ExplicitHistogram, before: &ExplicitHistogram) -> Option<ExplicitHistogram> {
    let pairs = now.counts.iter().zip(&before.counts);
    Some(ExplicitHistogram {
        count: now.count.checked_sub(before.count)?,
        extremes: extremes_since(&now.extremes, &before.extremes),
        bounds: now.bounds.clone(),
        counts: pairs
            .map(|(now, before)| now.checked_sub(*before))
            .collect::<Option<_>>()?,
    })
}

/// Brings the older histogram to the scale and the zero threshold of the newer one. A histogram that goes on only becomes coarser, and its
/// threshold only rises; otherwise it began anew.
fn exponential_since(
    now: &ExponentialHistogram,
    before: &ExponentialHistogram,
) -> Option<ExponentialHistogram> {
    if now.scale > before.scale || now.zero_threshold < before.zero_threshold {
        return None;
    }
    let mut delta = now.clone();
    let mut before = Cow::Borrowed(before);
    if now.scale < before.scale {
        before.to_mut().scale_down(now.scale).ok()?;
    }
    if now.zero_threshold > before.zero_threshold {
        // A bucket across the threshold goes into the zero bucket as a whole: so it must on the other side.
        let threshold = before.to_mut().widen(now.zero_threshold).ok()?;
        delta.widen(threshold).ok()?;
    }
    delta.count = delta.count.checked_sub(before.count)?;
    delta.zero_count = delta.zero_count.checked_sub(before.zero_count)?;
    delta.positive = buckets_since(&delta.positive, &before.positive)?;
    delta.negative = buckets_since(&delta.negative, &before.negative)?;
    delta.extremes = extremes_since(&now.extremes, &before.extremes);
    Some(delta)
}

fn buckets_since(now: &Buckets, before: &Buckets) -> Option<Buckets> {
    let mut counts = now.counts.clone();
    for (index, count) in (i64::from(before.offset)..).zip(&before.counts) {
        if *count > 0 {
            let place = usize::try_from(index - i64::from(now.offset)).ok()?;
            let bucket = counts.get_mut(place)?;
            *bucket = bucket.checked_sub(*count)?;
        }
    }
    let used = |count: &u64| *count > 0;
    let (Some(first), Some(last)) = (counts.iter().position(used), counts.iter().rposition(used)) else {
        return Some(Buckets::default());
    };
    Some(Buckets {
        offset: i32::try_from(i64::from(now.offset) + first as i64).ok()?,
        counts: counts[first..=last].to_vec(),
    })
}

impl Weigh for Stream {
    fn heap_bytes(&self) -> usize {
        match &self.total {
            Total::Int(_) | Total::Double(_) => 0,
            Total::Histogram(histogram) => size_of::<ExplicitHistogram>() + histogram.heap_bytes(),
            Total::Exponential(histogram) => size_of::<ExponentialHistogram>() + histogram.heap_bytes(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use weir_streams::MAX_BUCKETS;

    use super::*;

    fn exponential(scale: i32, offset: i32, counts: Vec<u64>, zero: u64) -> ExponentialHistogram {
        let mut buckets = Buckets::default();
        let used = |count: &u64| *count > 0;
        if let (Some(first), Some(last)) = (counts.iter().position(used), counts.iter().rposition(used)) {
            buckets.offset = offset + first as i32;
            buckets.counts = counts[first..=last].to_vec();
        }
        ExponentialHistogram {
            count: counts.iter().sum::<u64>() + zero,
            scale,
            zero_count: zero,
            positive: buckets,
            ..ExponentialHistogram::default()
        }
    }

    proptest! {
        #[test]
        fn what_came_since_and_what_was_before_add_up(
            before in (-2..4i32, -40..40i32, vec(0..9u64, 0..20), 0..5u64),
            came in (-2..4i32, -40..40i32, vec(0..9u64, 0..20), 0..5u64),
            threshold in prop_oneof![Just(0.0), 0.1..2.0f64],
        ) {
            let before = exponential(before.0, before.1, before.2, before.3);
            let mut came = exponential(came.0, came.1, came.2, came.3);
            came.widen(threshold).unwrap();
            let mut now = before.clone();
            now.add(&came, MAX_BUCKETS).unwrap();
            let now = Total::Exponential(Box::new(now));
            let Ok(Total::Exponential(delta)) = now.since(&Total::Exponential(Box::new(before.clone()))) else {
                panic!("nothing fell");
            };
            prop_assert_eq!(delta.count, came.count);
            let inside: u64 = delta.zero_count + delta.positive.counts.iter().sum::<u64>();
            prop_assert_eq!(inside, delta.count);
            let mut sum = before;
            sum.add(&delta, MAX_BUCKETS).unwrap();
            prop_assert_eq!(Total::Exponential(Box::new(sum)), now);
        }
    }

    #[test]
    fn a_finer_scale_a_smaller_threshold_and_a_lower_bucket_are_resets() {
        let histogram = |scale, counts, threshold| {
            let histogram = exponential(scale, 0, counts, 0);
            Total::Exponential(Box::new(ExponentialHistogram {
                zero_threshold: threshold,
                count: 100,
                ..histogram
            }))
        };
        let before = histogram(1, vec![3, 4], 0.5);
        for now in [
            histogram(2, vec![3, 4], 0.5),
            histogram(1, vec![3, 4], 0.25),
            histogram(1, vec![3, 3], 0.5),
            histogram(1, vec![3], 0.5),
        ] {
            assert_eq!(now.since(&before), Err(Reason::Reset), "{now:?}");
        }
        assert!(histogram(0, vec![7], 0.5).since(&before).is_ok());
    }
}
