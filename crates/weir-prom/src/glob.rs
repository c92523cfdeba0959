//! Patterns with `*` and `?`.

/// Returns whether the whole text matches. Linear in practice: only the last `*` is ever retried.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let (mut p, mut t) = (pattern.chars(), text.chars());
    // Where to go on if the text after the last `*` does not match: the pattern after it, and the text
    // that it has not swallowed yet.
    let mut retry: Option<(std::str::Chars<'_>, std::str::Chars<'_>)> = None;
    loop {
        let (mut next_p, mut next_t) = (p.clone(), t.clone());
        match (next_p.next(), next_t.next()) {
            (None, None) => return true,
            (Some('*'), _) => {
                p = next_p;
                retry = Some((p.clone(), t.clone()));
                continue;
            }
            (Some(want), Some(have)) if want == '?' || want == have => {
                (p, t) = (next_p, next_t);
                continue;
            }
            _ => {}
        }
        let Some((after_star, mut rest)) = retry.take() else {
            return false;
        };
        if rest.next().is_none() {
            return false;
        }
        (p, t) = (after_star.clone(), rest.clone());
        retry = Some((after_star, rest));
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_match_whole_keys() {
        for (pattern, text, want) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "k8s.pod.name", true),
            ("k8s.*", "k8s.pod.name", true),
            ("k8s.*", "xk8s.pod", false),
            ("*.name", "k8s.pod.name", true),
            ("*.name", "k8s.pod.names", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-b-b-d", false),
            ("h?st", "höst", true),
            ("h?st", "hst", false),
        ] {
            assert_eq!(matches(pattern, text), want, "{pattern} on {text}");
        }
    }
}
