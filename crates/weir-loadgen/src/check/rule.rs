//! The rules, and the list of what breaks them.

use std::collections::BTreeMap;
use std::fmt;

/// How binding a rule is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The specification says MUST, or a receiver answers 400.
    Must,
    /// The specification says SHOULD.
    Should,
}

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident, $level:ident, $text:literal;)*) => {
        /// One rule of a wire specification, or of telemetry that makes sense.
        ///
        /// Spec: remote write 1.0 and 2.0, <https://prometheus.io/docs/specs/prw/>; native histograms,
        /// <https://prometheus.io/docs/specs/native_histograms/>.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule { $(#[doc = $text] $(#[$doc])* $name,)* }

        impl Rule {
            /// All rules, in the order of reports.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Returns how binding the rule is.
            pub fn level(self) -> Level {
                match self { $(Self::$name => Level::$level,)* }
            }

            /// Returns the rule as a phrase.
            pub fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

rules! {
    ContentType, Must, "content type names the message";
    ContentEncoding, Must, "content encoding is snappy";
    VersionHeader, Must, "version header matches the message";
    UserAgent, Must, "user agent is present";
    SnappyBlock, Must, "body is a snappy block";
    Protobuf, Must, "body is the protobuf message";
    FirstSymbol, Must, "first symbol is the empty string";
    SymbolRepeated, Must, "symbols are distinct";
    SymbolRange, Must, "references lie inside the symbol table";
    RefsOdd, Must, "label references come in pairs";
    LabelsMissing, Must, "series has labels";
    LabelsUnsorted, Must, "labels are sorted by name";
    LabelRepeated, Must, "label names are distinct";
    LabelEmptyName, Must, "label names are not empty";
    LabelEmptyValue, Must, "label values are not empty";
    NameMissing, Must, "series has a metric name";
    NameReserved, Should, "label names do not begin with two underscores";
    SeriesEmpty, Must, "series has a sample or a histogram";
    SeriesMixed, Must, "series has samples or histograms, not both";
    TimeOrder, Must, "samples of one series in one request rise in time";
    OutOfOrder, Must, "a series never goes back in time from request to request";
    DuplicateTime, Must, "a series has one value per time";
    CounterFell, Must, "a counter never falls within one start time";
    MetadataType, Should, "metadata has a type";
    MetadataRange, Must, "metadata references lie inside the symbol table";
    StartMissing, Should, "counters and histograms have a start time";
    StartAfterTime, Must, "start time is not after the time of the sample";
    ExemplarTime, Must, "exemplars have a time";
    ExemplarLabels, Must, "exemplar labels are well-formed";
    ExemplarLength, Should, "exemplar labels have at most 128 characters";
    HistogramMixed, Must, "a histogram counts in integers or in floats, not both";
    HistogramSpans, Must, "histogram spans match its buckets";
    HistogramNegative, Must, "no histogram bucket is below zero";
    HistogramTotal, Must, "histogram buckets add up to its count";
    HistogramSchema, Must, "histogram schema is -53 or -4 to 8";
    HistogramCustom, Must, "custom bounds belong to schema -53 and rise";
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// Examples kept per rule.
const EXAMPLES: usize = 3;

/// What broke one rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Violation {
    /// How often.
    pub count: u64,
    /// Where, for the first three times.
    pub examples: Vec<String>,
}

/// Broken rules with counts and examples; bounded by the number of rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Violations {
    by_rule: BTreeMap<Rule, Violation>,
}

impl Violations {
    /// Notes a violation unless `holds`; `place` is called only if its text is kept.
    pub fn require(&mut self, holds: bool, rule: Rule, place: impl FnOnce() -> String) {
        if holds {
            return;
        }
        let violation = self.by_rule.entry(rule).or_default();
        violation.count += 1;
        if violation.examples.len() < EXAMPLES {
            violation.examples.push(place());
        }
    }

    /// Returns the broken rules, in the order of [`Rule::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (Rule, &Violation)> {
        self.by_rule.iter().map(|(rule, violation)| (*rule, violation))
    }

    /// Returns how often rules of a level were broken.
    pub fn count(&self, level: Level) -> u64 {
        self.iter()
            .filter(|(rule, _)| rule.level() == level)
            .map(|(_, violation)| violation.count)
            .sum()
    }

    /// Returns how often one rule was broken.
    pub fn of(&self, rule: Rule) -> u64 {
        self.by_rule.get(&rule).map_or(0, |violation| violation.count)
    }
}

impl fmt::Display for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (rule, violation) in self.iter() {
            let level = match rule.level() {
                Level::Must => "MUST",
                Level::Should => "SHOULD",
            };
            writeln!(f, "{level}: {rule}: broken {} times", violation.count)?;
            for example in &violation.examples {
                writeln!(f, "    {example}")?;
            }
        }
        Ok(())
    }
}
