//! What a total says beyond an older one of the same stream.

use std::borrow::Cow;

use super::Extremes;
use super::explicit::ExplicitHistogram;
use super::exponential::{Buckets, ExponentialHistogram};

impl Extremes {
    /// Returns the sum of what came since. How small and how large it was is not known.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        let sum = match (self.sum, before.sum) {
            (Some(now), Some(before)) => Some(now - before),
            _ => None,
        };
        Self {
            sum,
            ..Self::default()
        }
    }
}

impl ExplicitHistogram {
    /// Returns what came since an older histogram of the same bounds; `None` if anything fell: then it began anew.
    ///
    /// # Panics
    ///
    /// If the two do not [fit](Self::fits).
    #[must_use]
    pub fn since(&self, before: &Self) -> Option<Self> {
        assert_eq!(
            self.counts.len(),
            before.counts.len(),
            "histograms of the same bounds"
        );
        let pairs = self.counts.iter().zip(&before.counts);
        Some(Self {
            count: self.count.checked_sub(before.count)?,
            extremes: self.extremes.since(&before.extremes),
            bounds: self.bounds.clone(),
            counts: pairs
                .map(|(now, before)| now.checked_sub(*before))
                .collect::<Option<_>>()?,
        })
    }
}

impl ExponentialHistogram {
    /// Returns what came since an older histogram, at the scale and zero threshold of this one or at coarser ones; `None` if anything
    /// fell. A histogram that goes on only becomes coarser, and its threshold only rises; otherwise it began anew.
    #[must_use]
    pub fn since(&self, before: &Self) -> Option<Self> {
        if self.scale > before.scale || self.zero_threshold < before.zero_threshold {
            return None;
        }
        let mut since = self.clone();
        let mut before = Cow::Borrowed(before);
        if self.scale < before.scale {
            before.to_mut().scale_down(self.scale).ok()?;
        }
        if self.zero_threshold > before.zero_threshold {
            // A bucket across the threshold goes into the zero bucket as a whole: so it must on the other side.
            let threshold = before.to_mut().widen(self.zero_threshold).ok()?;
            since.widen(threshold).ok()?;
        }
        since.count = since.count.checked_sub(before.count)?;
        since.zero_count = since.zero_count.checked_sub(before.zero_count)?;
        since.positive = since.positive.since(&before.positive)?;
        since.negative = since.negative.since(&before.negative)?;
        since.extremes = self.extremes.since(&before.extremes);
        Some(since)
    }
}

impl Buckets {
    fn since(&self, before: &Self) -> Option<Self> {
        let mut counts = self.counts.clone();
        for (index, count) in (i64::from(before.offset)..).zip(&before.counts) {
            if *count > 0 {
                let place = usize::try_from(index - i64::from(self.offset)).ok()?;
                let bucket = counts.get_mut(place)?;
                *bucket = bucket.checked_sub(*count)?;
            }
        }
        Some(Self::trimmed(i64::from(self.offset), counts))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::MAX_BUCKETS;

    fn exponential(scale: i32, offset: i32, counts: Vec<u64>, zero: u64) -> ExponentialHistogram {
        ExponentialHistogram {
            count: counts.iter().sum::<u64>() + zero,
            scale,
            zero_count: zero,
            positive: Buckets::trimmed(i64::from(offset), counts),
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
            let since = now.since(&before).expect("nothing fell");
            prop_assert_eq!(since.count, came.count);
            let inside: u64 = since.zero_count + since.positive.counts.iter().sum::<u64>();
            prop_assert_eq!(inside, since.count);
            let mut sum = before;
            sum.add(&since, MAX_BUCKETS).unwrap();
            prop_assert_eq!(sum, now);
        }

        #[test]
        fn explicit_histograms_too(before in vec(0..9u64, 4), came in vec(0..9u64, 4)) {
            let histogram = |counts: Vec<u64>| ExplicitHistogram {
                count: counts.iter().sum(),
                extremes: Extremes { sum: Some(counts.iter().sum::<u64>() as f64), min: Some(0.0), max: Some(9.0) },
                bounds: Arc::from([1.0, 2.0, 3.0]),
                counts: counts.into(),
            };
            let (before, came) = (histogram(before), histogram(came));
            let mut now = before.clone();
            now.add(&came).unwrap();
            let since = now.since(&before).expect("nothing fell");
            prop_assert_eq!((since.count, &since.counts), (came.count, &came.counts));
            prop_assert_eq!(since.extremes, Extremes { sum: came.extremes.sum, ..Extremes::default() });
            if came.count > 0 {
                prop_assert_eq!(before.since(&now), None);
            }
        }
    }
}
