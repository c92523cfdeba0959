//! The last total of a stream, and what a newer one says beyond it.

use weir_streams::{ExplicitHistogram, ExponentialHistogram, Weigh};

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
                let delta = now.since(before).ok_or(Reason::Reset)?;
                Ok(Self::Histogram(Box::new(delta)))
            }
            (Self::Exponential(now), Self::Exponential(before)) => {
                let delta = now.since(before).ok_or(Reason::Reset)?;
                Ok(Self::Exponential(Box::new(delta)))
            }
            _ => Err(Reason::Reset),
        }
    }
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
    use weir_streams::Buckets;

    use super::*;

    fn exponential(scale: i32, counts: Vec<u64>) -> ExponentialHistogram {
        ExponentialHistogram {
            scale,
            positive: Buckets { offset: 0, counts },
            ..ExponentialHistogram::default()
        }
    }

    #[test]
    fn a_finer_scale_a_smaller_threshold_and_a_lower_bucket_are_resets() {
        let histogram = |scale, counts, threshold| {
            let histogram = exponential(scale, counts);
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
