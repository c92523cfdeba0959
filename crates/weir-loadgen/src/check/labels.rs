//! Rules of label sets, shared by both versions of remote write.

use super::{Rule, Violations};

/// Checks the labels of a series and returns its key (name first, then all labels as they stand) and the length of the
/// name.
pub(super) fn check<'a>(
    labels: impl Iterator<Item = (&'a str, &'a str)> + Clone,
    found: &mut Violations,
) -> (String, usize) {
    let name = labels
        .clone()
        .find(|(name, _)| *name == "__name__")
        .map_or("", |(_, value)| value);
    let mut key = name.to_owned();
    key.push('{');
    let mut before = None;
    let mut seen: Vec<&str> = Vec::new();
    for (label, value) in labels.clone() {
        if label != "__name__" {
            key.push_str(label);
            key.push('=');
            key.push_str(value);
            key.push(',');
        }
        found.require(!label.is_empty(), Rule::LabelEmptyName, || name.to_owned());
        found.require(!value.is_empty(), Rule::LabelEmptyValue, || {
            format!("{name}: {label}")
        });
        let reserved = label.starts_with("__") && label != "__name__";
        found.require(!reserved, Rule::NameReserved, || format!("{name}: {label}"));
        let repeated = seen.contains(&label);
        found.require(!repeated, Rule::LabelRepeated, || format!("{name}: {label}"));
        let sorted = repeated || before.is_none_or(|before| before < label);
        found.require(sorted, Rule::LabelsUnsorted, || format!("{name}: {label}"));
        seen.push(label);
        before = Some(label);
    }
    key.push('}');
    found.require(!seen.is_empty(), Rule::LabelsMissing, String::new);
    found.require(seen.is_empty() || !name.is_empty(), Rule::NameMissing, || {
        key.clone()
    });
    (key, name.len())
}

/// Checks the labels of an exemplar.
///
/// Spec: OpenMetrics 1.0, "Exemplars": at most 128 characters of names and values together.
pub(super) fn check_exemplar<'a>(
    labels: impl Iterator<Item = (&'a str, &'a str)>,
    series: &str,
    found: &mut Violations,
) {
    let mut seen: Vec<&str> = Vec::new();
    let mut characters = 0;
    let mut sound = true;
    for (label, value) in labels {
        sound &= !label.is_empty() && !seen.contains(&label);
        characters += label.chars().count() + value.chars().count();
        seen.push(label);
    }
    found.require(sound, Rule::ExemplarLabels, || series.to_owned());
    found.require(characters <= 128, Rule::ExemplarLength, || {
        format!("{series}: {characters}")
    });
}
