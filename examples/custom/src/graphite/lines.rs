//! Batches as Graphite lines.

use std::fmt::Write as _;

use weir_pdata::Batch;
use weir_pdata::view::{
    Attributes, ExponentialHistogramPoint, HistogramPoint, Metric, MetricsVisitor, NO_RECORDED_VALUE, Number,
    NumberPoint, Resource, Scope, SummaryPoint, Visit, push_text,
};

/// The lines of a batch.
#[derive(Debug, Default)]
pub struct Lines {
    /// One after the other.
    pub text: String,
    /// Points that have no value, or none that can be written.
    pub skipped: u64,
    /// Name of the current metric.
    path: String,
}

impl Lines {
    /// Writes the lines of a batch of metrics.
    pub fn of(batch: &Batch) -> Self {
        let mut lines = Self::default();
        batch.visit_metrics(&mut lines);
        lines
    }

    /// Writes one line, or counts its point as skipped.
    fn line(&mut self, suffix: &str, attributes: Attributes<'_>, value: f64, time_ns: u64) {
        let begin = self.text.len();
        self.text.push_str(&self.path);
        self.text.push_str(suffix);
        for attribute in attributes.iter() {
            let (tag, value) = (self.text.len(), attribute.value());
            let Ok(key) = attribute.key().to_str() else {
                continue;
            };
            self.text.push(';');
            push_clean(&mut self.text, key);
            self.text.push('=');
            let mut text = String::new();
            if push_text(value, &mut text).is_err() || text.is_empty() {
                // Graphite knows no empty tags.
                self.text.truncate(tag);
                continue;
            }
            push_clean(&mut self.text, &text);
        }
        if value.is_finite() {
            let seconds = time_ns / 1_000_000_000;
            // Writing to a string cannot fail.
            let _ = writeln!(self.text, " {value} {seconds}");
        } else {
            self.text.truncate(begin);
            self.skipped += 1;
        }
    }

    /// Writes the lines of a point that is a count and a sum.
    fn distribution(
        &mut self,
        attributes: Attributes<'_>,
        count: u64,
        sum: Option<f64>,
        flags: u32,
        time_ns: u64,
    ) {
        if flags & NO_RECORDED_VALUE != 0 {
            self.skipped += 1;
            return;
        }
        self.line(".count", attributes, count as f64, time_ns);
        if let Some(sum) = sum.filter(|sum| sum.is_finite()) {
            self.line(".sum", attributes, sum, time_ns);
        }
    }
}

impl MetricsVisitor for Lines {
    fn resource(&mut self, _: &Resource<'_>) {}

    fn scope(&mut self, _: &Scope<'_>) {}

    fn metric(&mut self, metric: &Metric<'_>) -> Visit {
        self.path.clear();
        match metric.name.to_str() {
            Ok(name) if !name.is_empty() => {
                push_clean(&mut self.path, name);
                Visit::Points
            }
            _ => {
                self.skipped += metric.points as u64;
                Visit::Skip
            }
        }
    }

    fn number(&mut self, point: &NumberPoint<'_>) {
        let value = point.value.filter(|_| point.flags & NO_RECORDED_VALUE == 0);
        // A value that is not finite is skipped like one that is missing.
        let value = value.map_or(f64::NAN, Number::as_f64);
        self.line("", point.attributes, value, point.time_ns);
    }

    fn histogram(&mut self, point: &HistogramPoint<'_>) {
        self.distribution(
            point.attributes,
            point.count,
            point.sum,
            point.flags,
            point.time_ns,
        );
    }

    fn exponential_histogram(&mut self, point: &ExponentialHistogramPoint<'_>) {
        self.distribution(
            point.attributes,
            point.count,
            point.sum,
            point.flags,
            point.time_ns,
        );
    }

    fn summary(&mut self, point: &SummaryPoint<'_>) {
        self.distribution(
            point.attributes,
            point.count,
            Some(point.sum),
            point.flags,
            point.time_ns,
        );
    }
}

/// Appends a text without the characters that mean something in a line.
fn push_clean(out: &mut String, text: &str) {
    let clean = |c: char| {
        if c.is_whitespace() || c.is_control() || ";=~!^".contains(c) {
            '_'
        } else {
            c
        }
    };
    out.extend(text.chars().map(clean));
}
