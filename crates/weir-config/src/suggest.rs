//! "Did you mean": the known name nearest to an unknown one.

/// How alike two names must be (Jaro-Winkler, 0 to 1).
const THRESHOLD: f64 = 0.8;

/// Returns the candidate most like `name`, if any is alike enough.
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |text: &str| text.to_lowercase().replace(['-', ' '], "_");
    let wanted = plain(name);
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&wanted, &plain(candidate)), candidate))
        .filter(|(likeness, _)| *likeness >= THRESHOLD)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate)
}

/// The hint for an unknown name: the nearest known one, or all of them under `title`.
pub(crate) fn hint<'a>(name: &str, known: impl IntoIterator<Item = &'a str>, title: &str) -> Option<String> {
    let mut known: Vec<&str> = known.into_iter().collect();
    if let Some(nearest) = nearest(name, known.iter().copied()) {
        return Some(format!("did you mean `{nearest}`?"));
    }
    if known.is_empty() {
        return None;
    }
    known.sort_unstable();
    known.dedup();
    known.retain(|name| !name.is_empty());
    Some(format!("{title}: {}", known.join(", ")))
}
