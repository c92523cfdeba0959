//! Rules for the labels of a series as it would be sent.
//!
//! Owns what rules make of a label set, and remembers it from batch to batch. It does not know where a label set comes from or how it is
//! written.

use std::sync::Arc;

use weir_relabel::{Cache, Labels, Rule, Verdict, apply};

use crate::drops::DropReason;
use crate::labels::{LabelId, LabelTable, WellKnown};

/// Rules, and what came of label sets before.
pub(crate) struct Relabel {
    rules: Vec<Rule>,
    results: Cache<Arc<Outcome>>,
    key: Vec<u8>,
    changed: Vec<LabelId>,
}

/// What becomes of a label set.
enum Outcome {
    Same,
    /// In order of name.
    Changed(Box<[Part]>),
    Dropped(DropReason),
}

/// A label of a changed set.
enum Part {
    /// One that it had, by index.
    Old(usize),
    /// Name and value.
    New(Box<str>, Box<str>),
}

impl Relabel {
    /// Returns nothing without rules.
    pub(crate) fn new(rules: Vec<Rule>, cache_bytes: usize) -> Option<Self> {
        let relabel = |rules| Self {
            rules,
            results: Cache::new(cache_bytes),
            key: Vec::new(),
            changed: Vec::new(),
        };
        (!rules.is_empty()).then(|| relabel(rules))
    }

    /// Applies the rules to labels in order of name, and leaves them so.
    ///
    /// # Errors
    /// Why the series is not sent.
    pub(crate) fn apply(
        &mut self,
        labels: &mut Vec<LabelId>,
        table: &mut LabelTable,
    ) -> Result<(), DropReason> {
        self.key.clear();
        for label in &*labels {
            self.key.extend_from_slice(table.encoded(*label));
        }
        let make = || Arc::new(Outcome::of(&self.rules, labels, table));
        let outcome = self.results.get_or_make(&self.key, make, |made| made.bytes());
        match &*outcome {
            Outcome::Same => {}
            Outcome::Dropped(reason) => return Err(*reason),
            Outcome::Changed(parts) => {
                self.changed.clear();
                self.changed.extend(parts.iter().map(|part| match part {
                    Part::Old(index) => labels[*index],
                    Part::New(name, value) => {
                        let name = table.names.name(name);
                        table.add(name, value)
                    }
                }));
                std::mem::swap(labels, &mut self.changed);
            }
        }
        Ok(())
    }
}

impl Outcome {
    fn of(rules: &[Rule], labels: &[LabelId], table: &LabelTable) -> Self {
        let mut set = Labels::new(labels.iter().map(|label| {
            let value = String::from_utf8_lossy(table.value(*label));
            (table.name_text(*label), value)
        }));
        match apply(rules, &mut set) {
            Ok(Verdict::Keep) => {}
            Ok(Verdict::Drop) => return Self::Dropped(DropReason::Relabel),
            Err(_) => return Self::Dropped(DropReason::LabelSetTooLarge),
        }
        // Spec: remote write 1.0 and 2.0, "Labels": neither may be missing or empty; stores refuse both.
        if set.get(table.names.text(WellKnown::Name.id())).is_empty() {
            return Self::Dropped(DropReason::NoMetricName);
        }
        if !set.get("").is_empty() {
            return Self::Dropped(DropReason::EmptyLabelName);
        }
        let part = |(name, value): (String, String)| {
            let index = labels.binary_search_by(|label| table.name_text(*label).cmp(&name));
            match index {
                Ok(index) if table.value(labels[index]) == value.as_bytes() => Part::Old(index),
                _ => Part::New(name.into(), value.into()),
            }
        };
        let parts: Box<[Part]> = set.into_sorted().into_iter().map(part).collect();
        let is_old = |part: &Part| matches!(part, Part::Old(_));
        if parts.len() == labels.len() && parts.iter().all(is_old) {
            Self::Same
        } else {
            Self::Changed(parts)
        }
    }

    /// Returns about how many bytes it takes on the heap.
    fn bytes(&self) -> usize {
        let texts = |part: &Part| match part {
            Part::Old(_) => 0,
            Part::New(name, value) => name.len() + value.len(),
        };
        let parts = match self {
            Self::Changed(parts) => size_of_val(&**parts) + parts.iter().map(texts).sum::<usize>(),
            Self::Same | Self::Dropped(_) => 0,
        };
        size_of::<Self>() + parts
    }
}
