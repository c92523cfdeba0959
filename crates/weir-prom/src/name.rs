//! Metric names: OTLP name, unit and type to a Prometheus metric name.
//!
//! Owns the four translation strategies and their suffix rules. It does not know series suffixes
//! (`_bucket`, `_sum`, `_count`): those are appended to the finished name by whoever writes the series.
//!
//! The results are those of the naming library that Prometheus and the Collector share, quirks included,
//! with two deliberate differences: an empty OTLP name is an error in every strategy, and a suffix is
//! trimmed in the UTF-8 strategy only where it is a word of its own (`subtotal` is not `su` + `total`).

mod unit;

use serde::Deserialize;

pub use unit::UnitTable;

/// How OTLP metric names become Prometheus names. The configuration text is the variant's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Deserialize)]
pub enum Strategy {
    /// Escapes to `[a-zA-Z0-9_:]` and appends unit, `_total` and `_ratio`. The default.
    #[default]
    UnderscoreEscapingWithSuffixes,
    /// Escapes, appends nothing.
    UnderscoreEscapingWithoutSuffixes,
    /// Keeps UTF-8 names and appends suffixes. Remote write 2.0 only.
    NoUTF8EscapingWithSuffixes,
    /// Leaves names as they are. Remote write 2.0 only. Metrics that differ only in unit or type may
    /// land on one name.
    NoTranslation,
}

impl Strategy {
    /// Returns whether names may hold any UTF-8 character, which remote write 1.0 does not allow.
    #[must_use]
    pub fn is_utf8(self) -> bool {
        matches!(self, Self::NoUTF8EscapingWithSuffixes | Self::NoTranslation)
    }

    /// Returns whether unit and type are appended to names.
    #[must_use]
    pub fn has_suffixes(self) -> bool {
        matches!(
            self,
            Self::UnderscoreEscapingWithSuffixes | Self::NoUTF8EscapingWithSuffixes
        )
    }
}

/// What of a metric's type decides its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NameClass {
    /// A gauge: unit `1` becomes `_ratio`.
    Gauge,
    /// A monotonic sum of any temporality: gets `_total`.
    Counter,
    /// Everything else: unit suffix only.
    Other,
}

/// Why a metric has no Prometheus name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The name is empty, or nothing of it survives escaping.
    #[error("metric name is empty")]
    Empty,
    /// Escaping left underscores only.
    #[error("metric name consists of underscores only")]
    OnlyUnderscores,
}

/// Builds metric names. One instance serves a whole translator.
#[derive(Debug, Clone, Default)]
pub struct MetricNamer {
    strategy: Strategy,
    namespace: String,
    units: UnitTable,
}

impl MetricNamer {
    /// Returns a namer; an empty `namespace` means none.
    #[must_use]
    pub fn new(strategy: Strategy, namespace: impl Into<String>, units: UnitTable) -> Self {
        Self {
            strategy,
            namespace: namespace.into(),
            units,
        }
    }

    /// Returns the Prometheus name of a metric.
    ///
    /// # Errors
    /// [`NameError`] if no usable name results; the metric cannot be sent under this strategy.
    pub fn name(&self, name: &str, unit: &str, class: NameClass) -> Result<String, NameError> {
        if name.is_empty() {
            return Err(NameError::Empty);
        }
        let built = match self.strategy {
            Strategy::UnderscoreEscapingWithSuffixes => self.escaped_with_suffixes(name, unit, class),
            Strategy::UnderscoreEscapingWithoutSuffixes => self.escaped(name),
            Strategy::NoUTF8EscapingWithSuffixes => self.utf8_with_suffixes(name, unit, class),
            Strategy::NoTranslation => self.with_raw_namespace(name),
        };
        if built.is_empty() {
            return Err(NameError::Empty);
        }
        if built != name && built.bytes().all(|b| b == b'_') {
            return Err(NameError::OnlyUnderscores);
        }
        Ok(built)
    }

    /// Returns the unit for metadata: the words of the unit table, without annotations, empty for `1`.
    #[must_use]
    pub fn metadata_unit(&self, unit: &str) -> String {
        let (main, per) = self.units.words(unit);
        let joined = match (main.is_empty(), per.is_empty()) {
            (_, true) => main,
            (true, false) => per,
            (false, false) => format!("{main}_{per}"),
        };
        if self.strategy.is_utf8() {
            return joined;
        }
        let cleaned = escape_collapsed(&joined);
        let cleaned = cleaned.strip_prefix('_').unwrap_or(&cleaned);
        cleaned.strip_suffix('_').unwrap_or(cleaned).to_owned()
    }

    fn escaped_with_suffixes(&self, name: &str, unit: &str, class: NameClass) -> String {
        let mut tokens: Vec<&str> = name
            .split(|c: char| !is_name_char(c))
            .filter(|token| !token.is_empty())
            .collect();
        let (main, per) = self.units.words(unit);
        let (main, per) = (clean_unit(&main), clean_unit(&per));
        // The per unit loses a trailing underscore always, the main unit only if a per unit follows.
        let per = per.strip_suffix('_').unwrap_or(&per);
        let main = if per.is_empty() {
            &main
        } else {
            main.strip_suffix('_').unwrap_or(&main)
        };
        if !main.is_empty() && !tokens.contains(&main) {
            tokens.push(main);
        }
        if !per.is_empty() && !tokens.contains(&per) {
            tokens.push(per);
        }
        if let Some(suffix) = type_suffix(unit, class) {
            tokens.retain(|token| *token != suffix);
            tokens.push(suffix);
        }
        if !self.namespace.is_empty() {
            tokens.insert(0, &self.namespace);
        }
        let joined = tokens.join("_");
        if joined.starts_with(|c: char| c.is_ascii_digit()) {
            format!("_{joined}")
        } else {
            joined
        }
    }

    fn escaped(&self, name: &str) -> String {
        let escaped = escape_runs(name);
        if !self.namespace.is_empty() {
            return format!("{}_{escaped}", escape_runs(&self.namespace));
        }
        if escaped.starts_with(|c: char| c.is_ascii_digit()) {
            format!("_{escaped}")
        } else {
            escaped
        }
    }

    fn utf8_with_suffixes(&self, name: &str, unit: &str, class: NameClass) -> String {
        let mut built = self.with_raw_namespace(name);
        let (main, per) = self.units.words(unit);
        let last = type_suffix(unit, class);
        // Suffixes that are there already are cut outermost first, then all are appended innermost first.
        if let Some(suffix) = last {
            trim_word(&mut built, suffix);
        }
        if !per.is_empty() {
            trim_word(&mut built, &per);
        }
        if !main.is_empty() && !built.ends_with(&main) {
            built.push('_');
            built.push_str(&main);
        }
        for suffix in [per.as_str(), last.unwrap_or_default()] {
            if !suffix.is_empty() {
                built.push('_');
                built.push_str(suffix);
            }
        }
        built
    }

    fn with_raw_namespace(&self, name: &str) -> String {
        if self.namespace.is_empty() {
            name.to_owned()
        } else {
            format!("{}_{name}", self.namespace)
        }
    }
}

fn type_suffix(unit: &str, class: NameClass) -> Option<&'static str> {
    match class {
        NameClass::Counter => Some("total"),
        NameClass::Gauge if unit == "1" => Some("ratio"),
        NameClass::Gauge | NameClass::Other => None,
    }
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == ':'
}

/// Runs of bad characters become one underscore, at the edges they vanish; underscores stay.
fn escape_runs(text: &str) -> String {
    let words: Vec<&str> = text
        .split(|c: char| !is_name_char(c) && c != '_')
        .filter(|word| !word.is_empty())
        .collect();
    words.join("_")
}

/// Each bad character becomes an underscore, then runs of underscores become one.
fn escape_collapsed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_name_char(c) {
            out.push(c);
        } else if !out.ends_with('_') {
            out.push('_');
        }
    }
    out
}

fn clean_unit(unit: &str) -> String {
    let cleaned = escape_collapsed(unit);
    cleaned.strip_prefix('_').map(str::to_owned).unwrap_or(cleaned)
}

/// Cuts `suffix` and the one character before it, unless that character makes it part of a longer word.
fn trim_word(name: &mut String, suffix: &str) {
    let Some(head) = name.strip_suffix(suffix) else {
        return;
    };
    let Some(delimiter) = head.chars().next_back() else {
        return;
    };
    let kept = head.len() - delimiter.len_utf8();
    if kept > 0 && !delimiter.is_alphanumeric() {
        name.truncate(kept);
    }
}
