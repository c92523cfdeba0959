//! What differs between the series that are expected and those that a store answers, in lines one can read.

use std::collections::BTreeMap;
use std::fmt::Debug;

use anyhow::{Result, bail};

use crate::series::{Labels, Series};

/// Demands that a store answers exactly the expected series: none missing, none beside them.
///
/// # Errors
///
/// They differ; the error says where.
pub fn expect_series(expected: &Series, found: &Series) -> Result<()> {
    let mut differences = differences(&expected.floats, &found.floats, |a, b| a == b);
    differences.extend(differences_of_natives(expected, found));
    report(&differences)
}

/// As [`expect_series`], for values that a store keeps as decimal numbers of limited length.
///
/// # Errors
///
/// They differ by more than one part in 10^12; the error says where.
pub fn expect_nearly(expected: &Series, found: &Series) -> Result<()> {
    let near = |a: f64, b: f64| a == b || ((a - b) / a).abs() < 1e-12;
    report(&differences(&expected.floats, &found.floats, |a, b| {
        a.len() == b.len()
            && a.iter()
                .zip(b)
                .all(|(a, b)| a.milliseconds == b.milliseconds && near(a.value, b.value))
    }))
}

/// Demands that two maps by series are equal.
///
/// # Errors
///
/// They differ; the error says where.
pub fn expect_equal<T: Debug + PartialEq>(
    expected: &BTreeMap<Labels, T>,
    found: &BTreeMap<Labels, T>,
) -> Result<()> {
    report(&differences(expected, found, |a, b| a == b))
}

fn differences_of_natives(expected: &Series, found: &Series) -> Vec<String> {
    differences(&expected.natives, &found.natives, |a, b| {
        a.len() == b.len()
            && a.iter().zip(b).all(|(a, b)| {
                (a.milliseconds, a.count, a.sum) == (b.milliseconds, b.count, b.sum)
                    && a.buckets.len() == b.buckets.len()
                    && a.buckets.iter().zip(&b.buckets).all(|(a, b)| a.matches(b))
            })
    })
}

fn differences<T: Debug>(
    expected: &BTreeMap<Labels, T>,
    found: &BTreeMap<Labels, T>,
    same: impl Fn(&T, &T) -> bool,
) -> Vec<String> {
    let mut lines = Vec::new();
    for (labels, wanted) in expected {
        match found.get(labels) {
            None => lines.push(format!("missing: {labels:?} {wanted:?}")),
            Some(got) if !same(wanted, got) => {
                lines.push(format!(
                    "differs: {labels:?}\n    expected {wanted:?}\n    found    {got:?}"
                ));
            }
            Some(_same) => {}
        }
    }
    let beside = found.iter().filter(|(labels, _)| !expected.contains_key(*labels));
    lines.extend(beside.map(|(labels, got)| format!("not expected: {labels:?} {got:?}")));
    lines
}

fn report(differences: &[String]) -> Result<()> {
    if !differences.is_empty() {
        bail!("{} series differ:\n{}", differences.len(), differences.join("\n"));
    }
    Ok(())
}
