//! Values at another scale: numbers, and what histograms say about theirs.

use weir_pdata::view::Number;
use weir_proto::otlp::metrics::v1::exemplar::Value;
use weir_proto::otlp::metrics::v1::exponential_histogram_data_point::Buckets;
use weir_proto::otlp::metrics::v1::{Exemplar, ExponentialHistogramDataPoint, HistogramDataPoint};

/// Returns the number times `factor`. An integer stays one, its fraction cut off.
pub(super) fn number(value: Number, factor: f64) -> Number {
    match value {
        Number::Int(value) => Number::Int(integer(value, factor)),
        Number::Double(value) => Number::Double(value * factor),
    }
}

fn integer(value: i64, factor: f64) -> i64 {
    // A double has 53 bits: whole factors spare the value the way through one.
    let whole = factor.fract() == 0.0 && factor.abs() < (1u64 << 53) as f64;
    let product = whole.then(|| value.checked_mul(factor as i64)).flatten();
    product.unwrap_or((value as f64 * factor) as i64)
}

/// Multiplies the measurements of a histogram. Returns false, and changes nothing, if its bounds would not ascend.
pub(super) fn histogram(point: &mut HistogramDataPoint, factor: f64) -> bool {
    let mut bounds: Vec<f64> = point.explicit_bounds.iter().map(|bound| bound * factor).collect();
    if factor < 0.0 {
        bounds.reverse();
    }
    if !bounds.windows(2).all(|pair| pair[0] < pair[1]) {
        return false;
    }
    point.explicit_bounds = bounds;
    if factor < 0.0 {
        point.bucket_counts.reverse();
        std::mem::swap(&mut point.min, &mut point.max);
    }
    extremes([&mut point.sum, &mut point.min, &mut point.max], factor);
    exemplars(&mut point.exemplars, factor);
    true
}

/// Multiplies the measurements of an exponential histogram: its buckets move by the nearest whole number of them. Returns false, and
/// changes nothing, if one would leave the indexes.
///
/// Spec: OpenTelemetry data model, "ExponentialHistogram": bucket `i` of scale `s` covers `(base^i, base^(i+1)]`, base = 2^(2^-s).
pub(super) fn exponential(point: &mut ExponentialHistogramDataPoint, factor: f64) -> bool {
    let steps = (factor.abs().log2() * f64::from(point.scale).exp2()).round();
    let moved = |side: &Option<Buckets>| match side {
        Some(side) if !side.bucket_counts.is_empty() => {
            let first = f64::from(side.offset) + steps;
            let last = first + side.bucket_counts.len() as f64;
            let within = first >= f64::from(i32::MIN) && last <= f64::from(i32::MAX);
            within.then_some(first as i32)
        }
        _ => Some(0),
    };
    let (Some(positive), Some(negative)) = (moved(&point.positive), moved(&point.negative)) else {
        return false;
    };
    for (side, offset) in [(&mut point.positive, positive), (&mut point.negative, negative)] {
        if let Some(side) = side {
            side.offset = offset;
        }
    }
    if factor < 0.0 {
        std::mem::swap(&mut point.positive, &mut point.negative);
        std::mem::swap(&mut point.min, &mut point.max);
    }
    point.zero_threshold *= factor.abs();
    extremes([&mut point.sum, &mut point.min, &mut point.max], factor);
    exemplars(&mut point.exemplars, factor);
    true
}

fn extremes(values: [&mut Option<f64>; 3], factor: f64) {
    for value in values.into_iter().flatten() {
        *value *= factor;
    }
}

fn exemplars(exemplars: &mut [Exemplar], factor: f64) {
    for exemplar in exemplars {
        match &mut exemplar.value {
            Some(Value::AsDouble(value)) => *value *= factor,
            Some(Value::AsInt(value)) => *value = integer(*value, factor),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: i64, factor: f64, expected: i64) {
        assert_eq!(integer(value, factor), expected, "{value} * {factor}");
    }

    #[test]
    fn integers_keep_their_digits_and_never_wrap() {
        check(3, 10.0, 30);
        check(-7, 0.5, -3);
        check(300, 0.1, 30);
        check((1 << 60) + 1, 2.0, (1 << 61) + 2);
        check(i64::MAX, 2.0, i64::MAX);
        check(i64::MIN, 3.0, i64::MIN);
        check(i64::MAX, 1e300, i64::MAX);
    }

    fn buckets(offset: i32, counts: &[u64]) -> Option<Buckets> {
        Some(Buckets {
            offset,
            bucket_counts: counts.to_vec(),
        })
    }

    #[test]
    fn buckets_move_by_whole_steps() {
        let point = |scale, offset| ExponentialHistogramDataPoint {
            scale,
            positive: buckets(offset, &[1, 2]),
            negative: buckets(0, &[]),
            min: Some(1.0),
            max: Some(2.0),
            zero_threshold: 0.5,
            ..ExponentialHistogramDataPoint::default()
        };
        for (scale, factor, steps) in [
            (0, 8.0, 3),
            (1, 8.0, 6),
            (0, 10.0, 3),
            (3, 0.5, -8),
            (-2, 16.0, 1),
            (20, 1.0, 0),
        ] {
            let mut scaled = point(scale, 5);
            assert!(exponential(&mut scaled, factor));
            assert_eq!(
                scaled.positive,
                buckets(5 + steps, &[1, 2]),
                "{factor} at scale {scale}"
            );
            assert_eq!((scaled.min, scaled.zero_threshold), (Some(factor), 0.5 * factor));
        }
        let mut mirrored = point(0, 0);
        assert!(exponential(&mut mirrored, -2.0));
        assert_eq!(
            (mirrored.negative, mirrored.min, mirrored.max),
            (buckets(1, &[1, 2]), Some(-4.0), Some(-2.0))
        );
        let mut last = point(0, i32::MAX - 2);
        assert!(!exponential(&mut last, 8.0));
        assert_eq!(last, point(0, i32::MAX - 2));
    }

    #[test]
    fn a_negative_factor_mirrors_a_histogram() {
        let mut point = HistogramDataPoint {
            bucket_counts: vec![1, 2, 3],
            explicit_bounds: vec![1.0, 10.0],
            sum: Some(5.0),
            min: Some(0.0),
            max: Some(20.0),
            ..HistogramDataPoint::default()
        };
        assert!(histogram(&mut point, -2.0));
        assert_eq!(point.explicit_bounds, [-20.0, -2.0]);
        assert_eq!(point.bucket_counts, [3, 2, 1]);
        assert_eq!(
            (point.sum, point.min, point.max),
            (Some(-10.0), Some(-40.0), Some(0.0))
        );
        assert!(!histogram(&mut point, 1e308), "both bounds would be infinite");
    }
}
