//! Floating-point numbers as text: `le` and `quantile` labels, and attribute values.

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

/// Appends the text of a double attribute: ECMAScript's shortest form, an exponent only below 1e-6 and
/// from 1e21 on, `NaN`, `Infinity`, `-Infinity`.
pub fn push_attribute_number(out: &mut String, value: f64) {
    let magnitude = value.abs();
    if value.is_nan() {
        out.push_str("NaN");
    } else if magnitude == f64::INFINITY {
        out.push_str(if value < 0.0 { "-Infinity" } else { "Infinity" });
    } else if magnitude == 0.0 || (1e-6..1e21).contains(&magnitude) {
        push(out, format_args!("{value}"));
    } else {
        let start = out.len();
        push(out, format_args!("{value:e}"));
        // Rust writes `1e21`, the wanted form is `1e+21`; negative exponents agree.
        if let Some(e) = out[start..].find('e').map(|at| start + at + 1)
            && !out[e..].starts_with('-')
        {
            out.insert(e, '+');
        }
    }
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("writing to a string cannot fail");
}
