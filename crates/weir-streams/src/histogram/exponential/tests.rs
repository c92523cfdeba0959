//! Exponential histograms against one that counts every measurement by itself.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// Counts measurements into buckets by their index at a scale; those within the threshold into the zero bucket.
fn count(values: &[f64], scale: i32, zero_threshold: f64) -> ExponentialHistogram {
    let mut histogram = ExponentialHistogram {
        scale,
        zero_threshold,
        ..ExponentialHistogram::default()
    };
    for value in values {
        histogram.count += 1;
        if value.abs() <= zero_threshold {
            histogram.zero_count += 1;
            continue;
        }
        let index = index(value.abs(), scale);
        let side = if *value > 0.0 {
            &mut histogram.positive
        } else {
            &mut histogram.negative
        };
        let one = Buckets {
            offset: index,
            counts: vec![1],
        };
        *side = side.plus(&one).unwrap();
    }
    histogram
}

/// Values are powers of 2^(1/1024) a little above an edge, so that floating point does not decide.
fn index(value: f64, scale: i32) -> i32 {
    (value.log2() * f64::from(scale).exp2()).floor() as i32
}

fn values() -> impl Strategy<Value = Vec<f64>> {
    let value = (any::<bool>(), -3000i32..3000).prop_map(|(positive, power)| {
        let magnitude = ((f64::from(power) + 0.5) / 1024.0).exp2();
        if positive { magnitude } else { -magnitude }
    });
    vec(prop_oneof![9 => value, 1 => Just(0.0)], 0..60)
}

/// Everything that says what was measured; offsets of empty sides say nothing.
fn facts(histogram: &ExponentialHistogram) -> (u64, i32, u64, Buckets, Buckets) {
    (
        histogram.count,
        histogram.scale,
        histogram.zero_count,
        histogram.positive.clone(),
        histogram.negative.clone(),
    )
}

proptest! {
    #[test]
    fn adding_is_counting_together(left in values(), right in values(), scales in (-3..11i32, -3..11i32), max in 2..200usize) {
        let mut total = count(&left, scales.0, 0.0);
        total.add(&count(&right, scales.1, 0.0), max).unwrap();
        let all = [left, right].concat();
        prop_assert!(total.scale <= scales.0.min(scales.1));
        prop_assert_eq!(facts(&total), facts(&count(&all, total.scale, 0.0)));
        prop_assert!(total.positive.counts.len() <= max && total.negative.counts.len() <= max);
        if total.scale < scales.0.min(scales.1) {
            let finer = count(&all, total.scale + 1, 0.0);
            prop_assert!(finer.positive.counts.len().max(finer.negative.counts.len()) > max, "the scale went down too far");
        }
    }

    #[test]
    fn the_zero_bucket_widens_and_nothing_is_lost(left in values(), right in values(), scale in -2..8i32, powers in (-8..8i32, -8..8i32)) {
        let threshold = |power: i32| f64::from(power).exp2() * 1.1;
        let mut total = count(&left, scale, threshold(powers.0));
        total.add(&count(&right, scale, threshold(powers.1)), MAX_BUCKETS).unwrap();
        let least = threshold(powers.0.max(powers.1));
        prop_assert!(total.zero_threshold >= least);
        prop_assert!(total.zero_threshold <= least * f64::from(-scale).exp2().exp2() * 1.001, "at most to the next edge");
        let buckets: u64 = total.positive.counts.iter().chain(&total.negative.counts).sum();
        prop_assert_eq!(total.zero_count + buckets, total.count);
        for (side, negative) in [(&total.positive, false), (&total.negative, true)] {
            let outside = [&left[..], &right].concat().iter().filter(|value| {
                (**value < 0.0) == negative && value.abs() > total.zero_threshold
            }).count() as u64;
            prop_assert_eq!(side.counts.iter().sum::<u64>(), outside);
        }
    }

    #[test]
    fn the_order_of_adding_does_not_count(parts in vec((values(), 0..9i32), 1..5)) {
        let sum = |parts: &mut dyn Iterator<Item = &(Vec<f64>, i32)>| {
            let mut total: Option<ExponentialHistogram> = None;
            for (values, scale) in parts {
                let part = count(values, *scale, 0.0);
                match &mut total {
                    Some(total) => total.add(&part, MAX_BUCKETS).unwrap(),
                    None => total = Some(part),
                }
            }
            total.unwrap()
        };
        prop_assert_eq!(facts(&sum(&mut parts.iter())), facts(&sum(&mut parts.iter().rev())));
    }

    #[test]
    fn extreme_points_do_no_harm(
        offsets in (any::<i32>(), any::<i32>()),
        counts in (vec(any::<u64>(), 0..4), vec(any::<u64>(), 0..4)),
        scales in (SCALES, SCALES),
        thresholds in (0.0..f64::MAX, 0.0..f64::MAX),
    ) {
        let point = |offset, counts: &[u64], scale, zero_threshold| {
            let buckets = Buckets::of(BucketsView { offset, counts });
            buckets.map(|buckets| ExponentialHistogram { positive: buckets.clone(), negative: buckets, scale, zero_threshold, ..ExponentialHistogram::default() })
        };
        if let (Ok(mut left), Ok(right)) = (point(offsets.0, &counts.0, scales.0, thresholds.0), point(offsets.1, &counts.1, scales.1, thresholds.1))
            && left.add(&right, MAX_BUCKETS).is_ok()
        {
            prop_assert!(left.positive.counts.len() <= MAX_BUCKETS);
            prop_assert!(left.zero_threshold.is_finite());
        }
    }
}

#[test]
fn an_overflow_is_told() {
    let full = |count| ExponentialHistogram {
        count: 1,
        positive: Buckets {
            offset: 0,
            counts: vec![count],
        },
        ..ExponentialHistogram::default()
    };
    let mut total = full(u64::MAX);
    assert_eq!(total.add(&full(1), MAX_BUCKETS), Err(Overflow));
    assert_eq!(total, full(u64::MAX));
}
