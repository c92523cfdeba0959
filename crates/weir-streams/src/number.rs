//! Sums of numbers.

use weir_pdata::view::Number;

/// Adds two numbers: integers give an integer, anything else a double. `None` if an integer would overflow.
pub fn add(left: Number, right: Number) -> Option<Number> {
    Some(match (left, right) {
        (Number::Int(left), Number::Int(right)) => Number::Int(left.checked_add(right)?),
        _ => Number::Double(left.as_f64() + right.as_f64()),
    })
}
