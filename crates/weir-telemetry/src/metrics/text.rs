//! The Prometheus text format. Spec: Prometheus exposition formats, "Text-based format"; OpenTelemetry, "Prometheus and OpenMetrics
//! compatibility".

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::snapshot::{Kind, Metric, Series, Snapshot, Value};

/// How metrics are shown to those who read them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exposition {
    /// Adds the unit, then `_total` for counters, to names that do not end so already. Off by default, as in the Collector
    /// since 0.152: names are exactly those declared.
    pub suffixes: bool,
    /// Adds the labels of the scope, `otel_scope_name` and `otel_scope_version`, with this version. Off by default.
    pub scope_version: Option<String>,
    /// Attributes of the own resource; shown as the labels of `target_info`, which is left out if there are none.
    pub resource: BTreeMap<String, String>,
    /// Labels of every series.
    pub constant_labels: BTreeMap<String, String>,
}

#[expect(clippy::derivable_impls, reason = "says what the defaults are")]
impl Default for Exposition {
    fn default() -> Self {
        Self {
            suffixes: false,
            scope_version: None,
            resource: BTreeMap::new(),
            constant_labels: BTreeMap::new(),
        }
    }
}

impl Exposition {
    /// Writes metrics. Names and labels have `_` where Prometheus did not always take other characters.
    pub fn render(&self, snapshot: &Snapshot) -> String {
        let mut text = String::new();
        if !self.resource.is_empty() {
            head(
                &mut text,
                "target_info",
                "Attributes of the process that exposes these metrics.",
                "gauge",
            );
            text.push_str("target_info");
            let labels = self
                .resource
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()));
            push_labels(&mut text, labels);
            text.push_str(" 1\n");
        }
        for metric in &snapshot.metrics {
            self.push_metric(&mut text, metric);
        }
        text
    }

    fn push_metric(&self, text: &mut String, metric: &Metric) {
        let name = self.exposed_name(metric);
        let kind = match metric.kind {
            Kind::Counter => "counter",
            Kind::UpDownCounter | Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        head(text, &name, &metric.help, kind);
        for series in &metric.series {
            let mut line = |suffix: &str, bucket: Option<&str>, value: &str| {
                text.push_str(&name);
                text.push_str(suffix);
                push_labels(
                    text,
                    self.labels_of(metric, series)
                        .chain(bucket.map(|bound| ("le", bound))),
                );
                text.push(' ');
                text.push_str(value);
                text.push('\n');
            };
            match &series.value {
                Value::Count(count) => line("", None, &count.to_string()),
                Value::Number(value) => line("", None, &number(*value)),
                Value::Spread(spread) => {
                    let mut below = 0;
                    for (count, bound) in spread.counts.iter().zip(spread.bounds.iter()) {
                        below += count;
                        line("_bucket", Some(&number(*bound)), &below.to_string());
                    }
                    let count = spread.count().to_string();
                    line("_bucket", Some("+Inf"), &count);
                    line("_sum", None, &number(spread.sum));
                    line("_count", None, &count);
                }
            }
        }
    }

    fn labels_of<'a>(
        &'a self,
        metric: &'a Metric,
        series: &'a Series,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        let scope = self.scope_version.iter().flat_map(|version| {
            [
                ("otel_scope_name", metric.scope),
                ("otel_scope_version", version.as_str()),
            ]
        });
        let constant = self
            .constant_labels
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let own = series.labels.iter().map(|(name, value)| (*name, value.as_str()));
        constant.chain(own).chain(scope)
    }

    fn exposed_name(&self, metric: &Metric) -> String {
        let mut name = escaped(&metric.name, true);
        if self.suffixes {
            let total = (metric.kind == Kind::Counter).then_some("total");
            // `_total` comes last, also if the declared name has it and the unit is still missing.
            if total.is_some()
                && let Some(bare) = name.strip_suffix("_total")
            {
                name.truncate(bare.len());
            }
            for suffix in [metric.unit_suffix, total].into_iter().flatten() {
                if !name.split('_').any(|part| part == suffix) {
                    name = format!("{name}_{suffix}");
                }
            }
        }
        name
    }
}

fn head(text: &mut String, name: &str, help: &str, kind: &str) {
    let help = help.replace('\\', "\\\\").replace('\n', "\\n");
    // Writing into a string does not fail.
    let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
}

fn push_labels<'a>(text: &mut String, labels: impl Iterator<Item = (&'a str, &'a str)>) {
    let mut open = false;
    for (name, value) in labels {
        text.push(if open { ',' } else { '{' });
        open = true;
        text.push_str(&escaped(name, false));
        text.push_str("=\"");
        for c in value.chars() {
            match c {
                '\\' => text.push_str("\\\\"),
                '"' => text.push_str("\\\""),
                '\n' => text.push_str("\\n"),
                c => text.push(c),
            }
        }
        text.push('"');
    }
    if open {
        text.push('}');
    }
}

/// Returns a name in the characters that every Prometheus takes.
fn escaped(name: &str, colons: bool) -> String {
    let mut out: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '_' || (colons && c == ':') {
                c
            } else {
                '_'
            }
        })
        .collect();
    if out.starts_with(|c: char| c.is_ascii_digit()) {
        out.insert(0, '_');
    }
    out
}

fn number(value: f64) -> String {
    if value == f64::INFINITY {
        "+Inf".to_owned()
    } else if value == f64::NEG_INFINITY {
        "-Inf".to_owned()
    } else {
        value.to_string()
    }
}
