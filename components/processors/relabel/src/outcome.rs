//! What rules make of a point.

use weir_pdata::view::{Attributes, ValueError, push_text};
use weir_relabel::{Labels, Rule, Verdict, apply};

use crate::run::{RESOURCE, SCOPE};

/// The label that is the name of the metric.
pub(crate) const NAME: &str = "__name__";

/// What labels begin with that are there for rules alone.
const INTERNAL: &str = "__";

/// A label: name and value.
pub(crate) type Label = (String, String);

/// What becomes of a point.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It stays as it is.
    Same,
    /// It stays, with changes.
    Changed(Change),
    /// It goes.
    Dropped(Reason),
}

/// Changes to a point.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Change {
    /// Another name of its metric.
    pub(crate) name: Option<String>,
    /// Keys of attributes that go.
    pub(crate) removed: Vec<String>,
    /// Attributes that come or have another value.
    pub(crate) written: Vec<Label>,
}

/// Why a point goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// A rule says so.
    Rule,
    /// A name or value is not UTF-8, so it is no label.
    Text,
    /// The rules leave no metric name.
    MetricName,
    /// `labelmap` makes a label without a name.
    LabelName,
    /// There are too many labels, or rules make them too long.
    Size,
}

impl Reason {
    pub(crate) const ALL: [Self; 5] = [
        Self::Rule,
        Self::Text,
        Self::MetricName,
        Self::LabelName,
        Self::Size,
    ];

    /// Returns the reason in the books.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Rule => "relabel",
            Self::Text => "invalid_utf8",
            Self::MetricName => "no_metric_name",
            Self::LabelName => "empty_label_name",
            Self::Size => "label_set_too_large",
        }
    }
}

impl Outcome {
    /// Applies the rules to a point of metric `name`. `parents` are the labels of its resource and scope, if they are texts.
    pub(crate) fn of(
        rules: &[Rule],
        name: &str,
        parents: Option<&[Label]>,
        attributes: &Attributes<'_>,
    ) -> Self {
        let mut own = Vec::with_capacity(attributes.len());
        let (Some(parents), Ok(())) = (parents, push_labels("", attributes, &mut own)) else {
            return Self::Dropped(Reason::Text);
        };
        // No attribute of a point passes for another thing: of labels with one name the first counts, and what a resource or scope lacks
        // a point does not have either.
        let is_own = |(key, _): &&Label| !key.starts_with(RESOURCE) && !key.starts_with(SCOPE);
        let pair = |(name, value): &Label| (name.clone(), value.clone());
        let mut labels = Labels::new(
            [(NAME.to_owned(), name.to_owned())]
                .into_iter()
                .chain(parents.iter().chain(own.iter().filter(is_own)).map(pair)),
        );
        match apply(rules, &mut labels) {
            Ok(Verdict::Keep) => difference(name, own, &labels),
            Ok(Verdict::Drop) => Self::Dropped(Reason::Rule),
            Err(_) => Self::Dropped(Reason::Size),
        }
    }

    /// Returns about how many bytes it takes on the heap.
    pub(crate) fn bytes(&self) -> usize {
        let Self::Changed(change) = self else {
            return size_of::<Self>();
        };
        let texts = change.removed.iter().chain(&change.name).map(String::len);
        let labels = change
            .written
            .iter()
            .map(|(name, value)| name.len() + value.len());
        let lists = change.removed.len() * size_of::<String>() + change.written.len() * size_of::<Label>();
        size_of::<Self>() + lists + texts.sum::<usize>() + labels.sum::<usize>()
    }
}

/// Appends the labels that attributes are, each with `prefix` before its name.
pub(crate) fn push_labels(
    prefix: &str,
    attributes: &Attributes<'_>,
    labels: &mut Vec<Label>,
) -> Result<(), ValueError> {
    for attribute in attributes.iter() {
        let name = format!("{prefix}{}", attribute.key().to_str()?);
        let mut value = String::new();
        push_text(attribute.value(), &mut value)?;
        labels.push((name, value));
    }
    Ok(())
}

/// Returns what changes at a point whose labels are to be these.
fn difference(name: &str, mut own: Vec<Label>, labels: &Labels) -> Outcome {
    let new_name = labels.get(NAME);
    if new_name.is_empty() {
        return Outcome::Dropped(Reason::MetricName);
    }
    own.sort_by(|(one, _), (other, _)| one.cmp(other));
    own.dedup_by(|(next, _), (first, _)| next == first);
    let value_of = |key: &str| {
        let found = own.binary_search_by(|(own, _)| own.as_str().cmp(key));
        found.map_or("", |index| own[index].1.as_str())
    };
    let mut change = Change {
        name: (new_name != name).then(|| new_name.to_owned()),
        ..Change::default()
    };
    for (key, value) in labels.iter().filter(|(key, _)| !key.starts_with(INTERNAL)) {
        if value_of(key) != value {
            if key.is_empty() {
                return Outcome::Dropped(Reason::LabelName);
            }
            change.written.push((key.to_owned(), value.to_owned()));
        }
    }
    // An attribute without a value is no label, and none of the rules' business.
    let goes =
        |(key, value): &Label| key.starts_with(INTERNAL) || (!value.is_empty() && labels.get(key).is_empty());
    change.removed = own
        .iter()
        .filter(|own| goes(own))
        .map(|(key, _)| key.clone())
        .collect();
    match change == Change::default() {
        true => Outcome::Same,
        false => Outcome::Changed(change),
    }
}
