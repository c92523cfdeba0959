//! Floating-point numbers as text: `le` and `quantile` labels.

use std::fmt::Write;

/// Appends the text of a bucket bound or quantile: shortest digits without exponent, `5` for 5.0, `+Inf`.
///
/// The same bound in a scrape reads `5.0`, a different series; this is the form that OTLP translators agree on.
pub fn push_label_number(out: &mut String, value: f64) {
    if value.is_nan() {
        out.push_str("NaN");
    } else if value == f64::INFINITY {
        out.push_str("+Inf");
    } else if value == f64::NEG_INFINITY {
        out.push_str("-Inf");
    } else {
        push(out, format_args!("{value}"));
    }
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("writing to a string cannot fail");
}
