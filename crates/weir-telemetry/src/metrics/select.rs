//! Choices of names.

/// A choice of names, `*` and `?` standing for any characters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Names to take; empty for all.
    pub included: Vec<String>,
    /// Names not to take after all.
    pub excluded: Vec<String>,
}

impl Selection {
    /// Returns true if a name is chosen.
    pub fn takes(&self, name: &str) -> bool {
        let any = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, name));
        (self.included.is_empty() || any(&self.included)) && !any(&self.excluded)
    }

    /// Returns true if every name is chosen.
    pub fn takes_all(&self) -> bool {
        self.included.is_empty() && self.excluded.is_empty()
    }
}

/// Returns true if `name` fits `pattern`, in which `*` stands for any characters and `?` for one byte.
///
/// On a mismatch the last `*` takes one byte more, so the work is at most the product of the lengths.
pub fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut at_pattern, mut at_name) = (0, 0);
    let mut last_star = None;
    while at_name < name.len() {
        match pattern.get(at_pattern) {
            Some(b'*') => {
                last_star = Some((at_pattern + 1, at_name));
                at_pattern += 1;
            }
            Some(byte) if *byte == b'?' || *byte == name[at_name] => {
                at_pattern += 1;
                at_name += 1;
            }
            _ => {
                let Some((after_star, taken)) = last_star else {
                    return false;
                };
                (at_pattern, at_name) = (after_star, taken + 1);
                last_star = Some((after_star, taken + 1));
            }
        }
    }
    pattern[at_pattern..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_select_names() {
        for (pattern, name, expect) in [
            ("service.name", "service.name", true),
            ("service.*", "service.name", true),
            ("*", "anything", true),
            ("*.name", "service.instance.name", true),
            ("s?rvice*e", "service.name", true),
            ("service.*", "host.name", false),
            ("", "a", false),
        ] {
            assert_eq!(matches(pattern, name), expect, "{pattern} {name}");
        }
    }

    #[test]
    fn without_included_names_all_but_the_excluded_are_taken() {
        let selection = |included: &[&str], excluded: &[&str]| Selection {
            included: included.iter().map(ToString::to_string).collect(),
            excluded: excluded.iter().map(ToString::to_string).collect(),
        };
        assert!(selection(&[], &["b"]).takes("a"));
        assert!(!selection(&[], &["b"]).takes("b"));
        assert!(!selection(&["a"], &[]).takes("b"));
        assert!(!selection(&["*"], &["b"]).takes("b"));
    }
}
