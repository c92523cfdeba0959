//! What rules do to a set of labels, one after the other.

use std::fmt;

use anyhow::anyhow;
use serde_json::{Map, Value, json};
use weir_relabel::{Action, Labels, Rule, Verdict, compile};

use super::rules::RuleList;

/// Labels in order of name.
type Pairs = Vec<(String, String)>;

/// What became of a set of labels.
pub(super) struct Story<'a> {
    list: &'a RuleList,
    labels: Pairs,
    steps: Vec<Step>,
    /// Labels that were for rules alone, and are gone after the last one.
    ended: Pairs,
    end: End,
}

/// What one rule did.
struct Step {
    action: Action,
    /// What it looked at; nothing for rules that look at names.
    value: Option<String>,
    matches: bool,
    before: Pairs,
    after: Pairs,
    verdict: Verdict,
}

enum End {
    Kept(Pairs),
    /// By a rule, from 1.
    DroppedBy(usize),
    /// Rules leave it in a state in which it cannot be sent.
    Unfit {
        reason: &'static str,
        message: &'static str,
    },
}

impl<'a> Story<'a> {
    /// Applies the rules.
    ///
    /// # Errors
    ///
    /// A rule that is none, which a configuration that was read does not have.
    pub(super) fn of(list: &'a RuleList, labels: Pairs) -> anyhow::Result<Self> {
        let rules = compile(&list.rules).map_err(|mut found| {
            let mistake = found.swap_remove(0);
            anyhow!("`{}`: {}", mistake.key, mistake.message)
        })?;
        let mut set = Labels::new(labels);
        let mut story = Self {
            list,
            labels: set.clone().into_sorted(),
            steps: Vec::new(),
            ended: Vec::new(),
            end: End::Kept(Vec::new()),
        };
        for (rule, config) in rules.iter().zip(&list.rules) {
            match Step::of(rule, config.action, &mut set) {
                Some(step) => story.steps.push(step),
                None => {
                    story.end = End::Unfit {
                        reason: "label_set_too_large",
                        message: "there are too many labels, or they are too long",
                    };
                    return Ok(story);
                }
            }
            if story
                .steps
                .last()
                .is_some_and(|step| step.verdict == Verdict::Drop)
            {
                story.end = End::DroppedBy(story.steps.len());
                return Ok(story);
            }
        }
        story.finish(set);
        Ok(story)
    }

    fn finish(&mut self, set: Labels) {
        let is_ended = |name: &str| self.list.ends_internal && name.starts_with("__") && name != "__name__";
        let (ended, kept): (Pairs, Pairs) = set
            .into_sorted()
            .into_iter()
            .partition(|(name, _)| is_ended(name));
        self.ended = ended;
        let has = |wanted: &str| kept.iter().any(|(name, _)| name == wanted);
        self.end = if !has("__name__") {
            End::Unfit {
                reason: "no_metric_name",
                message: "no metric name is left",
            }
        } else if has("") {
            End::Unfit {
                reason: "empty_label_name",
                message: "a label has no name",
            }
        } else {
            End::Kept(kept)
        };
    }

    /// Returns whether the set is sent.
    pub(super) fn is_kept(&self) -> bool {
        matches!(self.end, End::Kept(_))
    }

    /// Returns the same for programs.
    pub(super) fn to_json(&self) -> Value {
        let steps = (1..).zip(&self.steps).map(|(number, step): (usize, _)| {
            json!({
                "rule": number,
                "action": step.action,
                "value": step.value,
                "matches": step.matches,
                "dropped": step.verdict == Verdict::Drop,
                "labels": object(&step.after),
            })
        });
        let (kept, rule, reason) = match &self.end {
            End::Kept(labels) => (Some(object(labels)), None, None),
            End::DroppedBy(rule) => (None, Some(*rule), Some("relabel")),
            End::Unfit { reason, .. } => (None, None, Some(*reason)),
        };
        json!({
            "component": self.list.component,
            "option": self.list.option,
            "labels": object(&self.labels),
            "steps": steps.collect::<Vec<_>>(),
            "kept": kept.is_some(),
            "dropped_by_rule": rule,
            "dropped_for": reason,
            "result": kept,
        })
    }
}

impl Step {
    /// Applies a rule. Nothing if the set becomes too large.
    fn of(rule: &Rule, action: Action, labels: &mut Labels) -> Option<Self> {
        let looks_at_names = matches!(action, Action::LabelMap | Action::LabelDrop | Action::LabelKeep);
        let value = (!looks_at_names).then(|| rule.value(labels));
        let (matches, before) = (rule.matches(labels), labels.clone().into_sorted());
        let verdict = rule.apply(labels).ok()?;
        Some(Self {
            action,
            value,
            matches,
            before,
            after: labels.clone().into_sorted(),
            verdict,
        })
    }
}

// === text ===

impl fmt::Display for Story<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RuleList {
            component, option, ..
        } = self.list;
        writeln!(f, "{option} of {component}\n")?;
        writeln!(f, "   {}", Braces(&self.labels))?;
        for (number, step) in (1..).zip(&self.steps) {
            let number: usize = number;
            writeln!(f, "{number:>2} {:<10} {step}", step.action.as_str())?;
        }
        if !self.ended.is_empty() {
            let gone = Changes {
                before: &self.ended,
                after: &[],
            };
            writeln!(f, "   {:<10} {gone}", "end")?;
        }
        writeln!(f)?;
        match &self.end {
            End::Kept(labels) => writeln!(f, "kept: {}", Braces(labels)),
            End::DroppedBy(rule) => writeln!(f, "dropped by rule {rule}"),
            End::Unfit { reason, message } => writeln!(f, "dropped: {message} ({reason})"),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let finding = match (self.action, self.matches) {
            (Action::HashMod | Action::Lowercase | Action::Uppercase, _) => "",
            (Action::KeepEqual | Action::DropEqual, true) => "is equal",
            (Action::KeepEqual | Action::DropEqual, false) => "is not equal",
            (_, true) => "matches",
            (_, false) => "does not match",
        };
        match &self.value {
            Some(value) if finding.is_empty() => write!(f, "{value:?}")?,
            Some(value) => write!(f, "{value:?} {finding}")?,
            None => f.write_str(finding)?,
        }
        let changes = Changes {
            before: &self.before,
            after: &self.after,
        };
        match self.verdict {
            Verdict::Drop => f.write_str(": dropped"),
            Verdict::Keep if self.before == self.after => Ok(()),
            Verdict::Keep => write!(f, ": {changes}"),
        }
    }
}

/// A set of labels as PromQL writes it.
struct Braces<'a>(&'a [(String, String)]);

impl fmt::Display for Braces<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (index, (name, value)) in self.0.iter().enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            write!(f, "{comma}{}={value:?}", Name(name))?;
        }
        f.write_str("}")
    }
}

/// What is different between two sets.
struct Changes<'a> {
    before: &'a [(String, String)],
    after: &'a [(String, String)],
}

impl fmt::Display for Changes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut comma = "";
        for (name, value) in self.before {
            match value_in(self.after, name) {
                Some(new) if new == value => continue,
                Some(new) => write!(f, "{comma}{}={value:?} becomes {new:?}", Name(name))?,
                None => write!(f, "{comma}without {}={value:?}", Name(name))?,
            }
            comma = ", ";
        }
        for (name, value) in self.after {
            if value_in(self.before, name).is_none() {
                write!(f, "{comma}{}={value:?}", Name(name))?;
                comma = ", ";
            }
        }
        Ok(())
    }
}

fn value_in<'a>(labels: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = labels.iter().find(|(own, _)| own == name);
    found.map(|(_, value)| value.as_str())
}

/// The name of a label, in quotes if it needs some.
struct Name<'a>(&'a str);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let starts = self.0.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if starts && self.0.chars().all(is_plain) {
            f.write_str(self.0)
        } else {
            write!(f, "{:?}", self.0)
        }
    }
}

fn object(labels: &[(String, String)]) -> Map<String, Value> {
    let pair = |(name, value): &(String, String)| (name.clone(), Value::from(value.as_str()));
    labels.iter().map(pair).collect()
}
