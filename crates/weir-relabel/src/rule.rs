//! What a rule does to a set of labels.

use regex::Regex;

use crate::labels::{Labels, MAX_LABELS, TooLarge};
use crate::letters::{lowercase, uppercase};
use crate::template::Template;

/// A rule that is ready.
#[derive(Debug, Clone)]
pub struct Rule {
    pub(crate) sources: Vec<String>,
    pub(crate) separator: String,
    pub(crate) step: Step,
}

#[derive(Debug, Clone)]
pub(crate) enum Step {
    Replace {
        regex: Regex,
        target: Template,
        value: Template,
    },
    Keep(Regex),
    Drop(Regex),
    KeepEqual(String),
    DropEqual(String),
    HashMod {
        modulus: u64,
        target: String,
    },
    Lowercase(String),
    Uppercase(String),
    LabelMap {
        regex: Regex,
        name: Template,
    },
    LabelDrop(Regex),
    LabelKeep(Regex),
}

/// What becomes of a label set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It stays.
    Keep,
    /// It goes; later rules do not see it.
    Drop,
}

/// Applies rules one after the other, until one drops the set.
///
/// # Errors
///
/// [`TooLarge`] if the set has more than 1,024 labels, or rules make that many of it or more than 16 MiB. It may then have been changed
/// in part.
pub fn apply(rules: &[Rule], labels: &mut Labels) -> Result<Verdict, TooLarge> {
    if labels.len() > MAX_LABELS {
        return Err(TooLarge);
    }
    for rule in rules {
        if rule.apply(labels)? == Verdict::Drop {
            return Ok(Verdict::Drop);
        }
    }
    Ok(Verdict::Keep)
}

impl Rule {
    /// Applies the rule.
    ///
    /// # Errors
    ///
    /// Those of [`apply`].
    pub fn apply(&self, labels: &mut Labels) -> Result<Verdict, TooLarge> {
        let keep = match &self.step {
            Step::Replace { regex, target, value } => {
                self.replace(regex, target, value, labels)?;
                true
            }
            Step::Keep(regex) => regex.is_match(&self.value(labels)),
            Step::Drop(regex) => !regex.is_match(&self.value(labels)),
            Step::KeepEqual(target) => labels.get(target) == self.value(labels),
            Step::DropEqual(target) => labels.get(target) != self.value(labels),
            Step::HashMod { modulus, target } => {
                let residue = hash(&self.value(labels)) % modulus;
                labels.set(target, &residue.to_string())?;
                true
            }
            Step::Lowercase(target) => {
                labels.set(target, &lowercase(&self.value(labels)))?;
                true
            }
            Step::Uppercase(target) => {
                labels.set(target, &uppercase(&self.value(labels)))?;
                true
            }
            Step::LabelMap { regex, name } => {
                map(regex, name, labels)?;
                true
            }
            Step::LabelDrop(regex) => {
                labels.retain(|name| !regex.is_match(name));
                true
            }
            Step::LabelKeep(regex) => {
                labels.retain(|name| regex.is_match(name));
                true
            }
        };
        Ok(if keep { Verdict::Keep } else { Verdict::Drop })
    }

    /// Returns true if what the rule does may depend on a label whose name begins with `prefix`.
    pub fn may_read(&self, prefix: &str) -> bool {
        let compared = match &self.step {
            Step::KeepEqual(target) | Step::DropEqual(target) => target.starts_with(prefix),
            Step::LabelMap { .. } => true,
            _ => false,
        };
        compared || self.sources.iter().any(|name| name.starts_with(prefix))
    }

    /// Returns whether the rule finds what it looks for: the pattern matches the joined values, or the name of any label, or the values
    /// equal the label that they are compared with. True for rules that look for nothing.
    pub fn matches(&self, labels: &Labels) -> bool {
        match &self.step {
            Step::Replace { regex, .. } | Step::Keep(regex) | Step::Drop(regex) => {
                regex.is_match(&self.value(labels))
            }
            Step::KeepEqual(target) | Step::DropEqual(target) => labels.get(target) == self.value(labels),
            Step::HashMod { .. } | Step::Lowercase(_) | Step::Uppercase(_) => true,
            Step::LabelMap { regex, .. } | Step::LabelDrop(regex) | Step::LabelKeep(regex) => {
                labels.iter().any(|(name, _)| regex.is_match(name))
            }
        }
    }

    /// Returns the values of the source labels, joined.
    pub fn value(&self, labels: &Labels) -> String {
        let mut value = String::new();
        for (index, name) in self.sources.iter().enumerate() {
            if index > 0 {
                value.push_str(&self.separator);
            }
            value.push_str(labels.get(name));
        }
        value
    }

    fn replace(
        &self,
        regex: &Regex,
        target: &Template,
        value: &Template,
        labels: &mut Labels,
    ) -> Result<(), TooLarge> {
        let joined = self.value(labels);
        let Some(groups) = regex.captures(&joined) else {
            return Ok(());
        };
        let target = target.expand(&groups)?;
        if target.is_empty() {
            return Ok(());
        }
        labels.set(&target, &value.expand(&groups)?)
    }
}

/// Copies labels to other names. What is written meanwhile is not seen.
fn map(regex: &Regex, name: &Template, labels: &mut Labels) -> Result<(), TooLarge> {
    let before = labels.clone();
    for (own, value) in before.iter() {
        if let Some(groups) = regex.captures(own) {
            labels.set(&name.expand(&groups)?, value)?;
        }
    }
    Ok(())
}

/// Returns the last 8 bytes of the MD5 sum, big-endian.
fn hash(value: &str) -> u64 {
    let md5::Digest(sum) = md5::compute(value);
    let [.., a, b, c, d, e, f, g, h] = sum;
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}
