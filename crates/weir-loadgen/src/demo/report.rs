//! What the demo says while it runs and in the end. The only place that decides how it looks.

use std::fmt;
use std::time::Duration;

use super::generator::Sent;
use super::ledger::Ledger;
use super::{DemoGenerator, DemoReceiver, Difference, Row};
use crate::check::{Level, Violations};
use crate::sink::Counts;

/// Differences printed; the rest is counted.
const SHOWN: usize = 10;

/// Where the demo stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// Rounds exported.
    pub round: u32,
    /// Rounds in all, if the demo ends by itself.
    pub rounds: Option<u32>,
    /// Time since the first export.
    pub elapsed: Duration,
    /// Data points sent.
    pub sent: u64,
    /// What the receiver has taken.
    pub received: Counts,
    /// Broken MUST rules so far.
    pub violations: u64,
}

impl Progress {
    pub(super) fn now(
        round: u32,
        rounds: Option<u32>,
        elapsed: Duration,
        generator: &DemoGenerator,
        receiver: &DemoReceiver,
    ) -> Self {
        let violations = receiver.sink.findings().violations.count(Level::Must);
        Self {
            round,
            rounds,
            elapsed,
            sent: generator.sent(),
            received: receiver.sink.counts(),
            violations,
        }
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let written = &self.received.written;
        let of_rounds = self.rounds.map(|rounds| format!("/{rounds}")).unwrap_or_default();
        write!(
            f,
            "{:5.1} s  round {}{of_rounds}  sent {} points  received {} samples, {} histograms in {} requests  violations {}",
            self.elapsed.as_secs_f64(),
            self.round,
            self.sent,
            written.samples,
            written.histograms,
            self.received.requests,
            self.violations,
        )
    }
}

/// Verdict of the demo.
#[derive(Debug, Clone, PartialEq)]
pub struct DemoReport {
    /// Time from the first export until the receiver was quiet.
    pub elapsed: Duration,
    /// Sent and received by kind, exemplars last.
    pub rows: Vec<Row>,
    /// Points that the gateway never acknowledged.
    pub refused: u64,
    /// Failed attempts by cause.
    pub failures: Vec<(String, u64)>,
    /// What arrived otherwise than sent, by series family.
    pub differences: Vec<Difference>,
    /// Broken rules of the specifications.
    pub violations: Violations,
    /// What the receiver has taken.
    pub received: Counts,
}

impl DemoReport {
    pub(super) fn new(elapsed: Duration, sent: &Sent, receiver: &DemoReceiver) -> Self {
        let findings = receiver.sink.findings();
        let received = Ledger::received(&sent.ledger, &sent.instruments, &findings.series);
        Self {
            elapsed,
            rows: sent.ledger.rows(&received, &sent.instruments),
            refused: sent.refused,
            failures: sent.failures.clone(),
            differences: sent.ledger.differences(&received),
            violations: findings.violations,
            received: receiver.sink.counts(),
        }
    }

    /// Returns data points and exemplars sent and not received, or received and not sent, over all kinds.
    pub fn imbalance(&self) -> u64 {
        self.rows.iter().map(|row| row.sent.abs_diff(row.received)).sum()
    }

    /// Whether everything arrived as sent and no MUST rule was broken.
    pub fn is_sound(&self) -> bool {
        self.imbalance() == 0
            && self.refused == 0
            && self.differences.is_empty()
            && self.violations.count(Level::Must) == 0
    }
}

impl fmt::Display for DemoReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<24}{:>10}{:>10}{:>10}{:>12}",
            "", "sent", "received", "series", "imbalance"
        )?;
        for row in &self.rows {
            let series = if row.series == 0 {
                String::new()
            } else {
                row.series.to_string()
            };
            let imbalance = i128::from(row.sent) - i128::from(row.received);
            writeln!(
                f,
                "{:<24}{:>10}{:>10}{series:>10}{imbalance:>12}",
                row.kind, row.sent, row.received
            )?;
        }
        let counts = &self.received;
        writeln!(
            f,
            "\n{} requests ({} of them remote write 2.0), {} bytes, {:.1} s",
            counts.requests,
            counts.v2_requests,
            counts.bytes,
            self.elapsed.as_secs_f64(),
        )?;
        if self.refused > 0 {
            writeln!(f, "refused by the gateway: {} points", self.refused)?;
        }
        for (cause, count) in &self.failures {
            writeln!(f, "failed attempts: {count} times {cause}")?;
        }
        for difference in self.differences.iter().take(SHOWN) {
            writeln!(
                f,
                "{}: sent {}, received {}",
                difference.what, difference.sent, difference.received
            )?;
        }
        if self.differences.len() > SHOWN {
            writeln!(f, "and {} more differences", self.differences.len() - SHOWN)?;
        }
        write!(f, "{}", self.violations)?;
        let verdict = if self.is_sound() {
            "sound: imbalance 0"
        } else {
            "NOT SOUND"
        };
        match self.is_sound() {
            true => write!(f, "{verdict}"),
            false => write!(f, "{verdict}: imbalance {}", self.imbalance()),
        }
    }
}
