//! One number of several.

use weir_pdata::view::Number;

use crate::Aggregation;

/// Returns what numbers come to, or nothing if there are none. Integers give an integer unless their sum needs more than 64 bits; if one
/// is a double the result is a double.
pub(super) fn aggregate(by: Aggregation, numbers: &[Number]) -> Option<Number> {
    if numbers.is_empty() {
        return None;
    }
    let integers: Option<Vec<i64>> = numbers
        .iter()
        .map(|number| match number {
            Number::Int(value) => Some(*value),
            Number::Double(_) => None,
        })
        .collect();
    Some(match integers {
        Some(integers) => of_integers(by, integers),
        None => Number::Double(of_doubles(
            by,
            numbers.iter().map(|number| number.as_f64()).collect(),
        )),
    })
}

fn of_integers(by: Aggregation, mut values: Vec<i64>) -> Number {
    // 2^64 numbers of 64 bits fit 128 bits.
    let sum = || values.iter().map(|value| i128::from(*value)).sum::<i128>();
    let result = match by {
        Aggregation::Sum => sum(),
        Aggregation::Mean => sum() / values.len() as i128,
        Aggregation::Min => values.iter().copied().min().unwrap_or_default().into(),
        Aggregation::Max => values.iter().copied().max().unwrap_or_default().into(),
        Aggregation::Count => values.len() as i128,
        Aggregation::Median => {
            values.sort_unstable();
            let [low, high] = middle(&values);
            (i128::from(low) + i128::from(high)) / 2
        }
    };
    i64::try_from(result).map_or(Number::Double(result as f64), Number::Int)
}

fn of_doubles(by: Aggregation, mut values: Vec<f64>) -> f64 {
    let count = values.len() as f64;
    match by {
        Aggregation::Sum => values.iter().sum(),
        Aggregation::Mean => values.iter().sum::<f64>() / count,
        Aggregation::Min => values.iter().copied().fold(f64::NAN, f64::min),
        Aggregation::Max => values.iter().copied().fold(f64::NAN, f64::max),
        Aggregation::Count => count,
        Aggregation::Median => {
            values.sort_unstable_by(f64::total_cmp);
            let [low, high] = middle(&values);
            low.midpoint(high)
        }
    }
}

/// Returns the two in the middle of a sorted list, which are one if its length is odd.
fn middle<T: Copy>(sorted: &[T]) -> [T; 2] {
    [sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]]
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Aggregation; 6] = [
        Aggregation::Sum,
        Aggregation::Mean,
        Aggregation::Min,
        Aggregation::Max,
        Aggregation::Count,
        Aggregation::Median,
    ];

    fn check(numbers: &[Number], expected: [Number; 6]) {
        for (by, expected) in ALL.into_iter().zip(expected) {
            assert_eq!(aggregate(by, numbers), Some(expected), "{by:?} of {numbers:?}");
        }
    }

    #[test]
    fn integers_stay_integers_and_doubles_doubles() {
        use Number::{Double, Int};
        check(&[Int(7)], [Int(7), Int(7), Int(7), Int(7), Int(1), Int(7)]);
        check(
            &[Int(9), Int(1), Int(2)],
            [Int(12), Int(4), Int(1), Int(9), Int(3), Int(2)],
        );
        check(
            &[Int(-4), Int(1)],
            [Int(-3), Int(-1), Int(-4), Int(1), Int(2), Int(-1)],
        );
        let doubles = [Double(1.0), Double(4.0), Double(2.5), Double(0.5)];
        check(
            &doubles,
            [
                Double(8.0),
                Double(2.0),
                Double(0.5),
                Double(4.0),
                Double(4.0),
                Double(1.75),
            ],
        );
        check(
            &[Int(1), Double(0.5)],
            [
                Double(1.5),
                Double(0.75),
                Double(0.5),
                Double(1.0),
                Double(2.0),
                Double(0.75),
            ],
        );
    }

    #[test]
    fn sums_beyond_64_bits_become_doubles() {
        let most = Number::Int(i64::MAX);
        assert_eq!(
            aggregate(Aggregation::Sum, &[most, most]),
            Some(Number::Double(2.0 * i64::MAX as f64))
        );
        assert_eq!(aggregate(Aggregation::Mean, &[most, most]), Some(most));
        assert_eq!(aggregate(Aggregation::Median, &[most, most]), Some(most));
        assert_eq!(aggregate(Aggregation::Sum, &[]), None);
    }
}
