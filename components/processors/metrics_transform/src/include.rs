//! Which metrics and points a transform matches, and the names that it makes of theirs.

use regex::Regex;
use weir_component::BuildError;
use weir_proto::otlp::common::v1::KeyValue;
use weir_proto::otlp::metrics::v1::Metric;

use crate::labels::Labels;
use crate::points;
use crate::tally::Skip;
use crate::{SubmatchCase, TransformConfig};

/// Longest name that a transform makes, in bytes: a chain of transforms that repeat a name would have no end.
const MAX_NAME: usize = 16 << 10;

/// What a transform matches.
#[derive(Debug)]
pub(crate) struct Include {
    name: Pattern,
    /// Keys of labels, and what their values must be like.
    labels: Vec<(String, Pattern)>,
}

#[derive(Debug)]
enum Pattern {
    Strict(String),
    Regexp(Regex),
}

impl Pattern {
    fn is_match(&self, text: &str) -> bool {
        match self {
            Self::Strict(wanted) => wanted == text,
            Self::Regexp(regex) => regex.is_match(text),
        }
    }
}

impl Include {
    pub(crate) fn new(config: &TransformConfig) -> Result<Self, BuildError> {
        let pattern = |text: &str| match config.is_regexp() {
            false => Ok(Pattern::Strict(text.to_owned())),
            true => weir_regex::compile(text).map(Pattern::Regexp).map_err(|error| {
                BuildError::new(format!("`{text}` is not a regular expression")).caused_by(error)
            }),
        };
        let labels = config.experimental_match_labels.iter();
        Ok(Self {
            name: pattern(&config.include)?,
            labels: labels
                .map(|(key, value)| Ok((key.clone(), pattern(value)?)))
                .collect::<Result<_, BuildError>>()?,
        })
    }

    /// Returns true if all points match whose metric does.
    pub(crate) fn is_by_name(&self) -> bool {
        self.labels.is_empty()
    }

    pub(crate) fn matches_name(&self, name: &str) -> bool {
        self.name.is_match(name)
    }

    /// Returns true if a point with these labels matches, given that its metric does.
    pub(crate) fn matches_labels(&self, labels: &impl Labels) -> bool {
        let matches = |(key, pattern): &(String, Pattern)| {
            let text = labels.text(key);
            pattern.is_match(text.as_deref().unwrap_or_default())
        };
        self.labels.iter().all(matches)
    }

    /// Returns true if the metric matches and one of its points does, or if it has none.
    pub(crate) fn matches(&self, metric: &Metric) -> bool {
        let any = |labels: Vec<&Vec<KeyValue>>| {
            labels.is_empty() || labels.into_iter().any(|labels| self.matches_labels(labels))
        };
        self.matches_name(&metric.name) && (self.is_by_name() || any(points::labels(metric)))
    }

    /// Returns for each point of a metric that matches whether it does, in order; nothing if all do.
    pub(crate) fn part(&self, metric: &Metric) -> Option<Vec<bool>> {
        if self.is_by_name() {
            return None;
        }
        let matches = |labels: &Vec<KeyValue>| self.matches_labels(labels);
        let part: Vec<bool> = points::labels(metric).into_iter().map(matches).collect();
        part.contains(&false).then_some(part)
    }

    /// Takes the points that match, of a metric that does. What is left of the metric stays; returns true if that is nothing.
    pub(crate) fn take(&self, metric: &mut Metric) -> (Metric, bool) {
        let Some(part) = self.part(metric) else {
            return (std::mem::take(metric), true);
        };
        let mut taken = metric.clone();
        let mut matches = part.iter();
        points::retain(&mut taken, |_| matches.next() == Some(&true));
        let mut matches = part.iter();
        points::retain(metric, |_| matches.next() == Some(&false));
        (taken, false)
    }

    /// Returns the name that a metric gets.
    ///
    /// # Errors
    ///
    /// [`Skip::Name`] if it comes to nothing or is too long.
    pub(crate) fn rename(&self, name: &str, new_name: &str) -> Result<String, Skip> {
        let mut renamed = String::new();
        match &self.name {
            Pattern::Strict(_) => renamed.push_str(new_name),
            Pattern::Regexp(regex) => {
                if let Some(groups) = regex.captures(name) {
                    groups.expand(new_name, &mut renamed);
                }
            }
        }
        match renamed.len() {
            1..=MAX_NAME => Ok(renamed),
            _ => Err(Skip::Name),
        }
    }

    /// Returns what the groups of the expression find in a name, as labels: a group without a name is called `$1`, by its number.
    pub(crate) fn groups(&self, name: &str, case: Option<SubmatchCase>) -> Vec<(String, String)> {
        let Pattern::Regexp(regex) = &self.name else {
            return Vec::new();
        };
        let Some(groups) = regex.captures(name) else {
            return Vec::new();
        };
        let found = regex.capture_names().zip(groups.iter()).enumerate().skip(1);
        let labels = found.filter_map(|(number, (key, text))| {
            let text = text.filter(|text| !text.is_empty())?.as_str();
            let key = key.map_or_else(|| format!("${number}"), str::to_owned);
            let text = match case {
                None => text.to_owned(),
                Some(SubmatchCase::Lower) => text.to_lowercase(),
                Some(SubmatchCase::Upper) => text.to_uppercase(),
            };
            Some((key, text))
        });
        labels.collect()
    }
}
