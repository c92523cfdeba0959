//! Counts beside those accepted, and what follows from them.

use anyhow::{Result, bail};

/// Share by which a stage may exceed its baseline.
pub const TOLERANCE: f64 = 0.03;

/// One stage.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Name of the stage.
    pub stage: String,
    /// Accepted instructions per data point.
    pub baseline: Option<f64>,
    /// Instructions per data point now.
    pub now: Option<f64>,
}

/// What becomes of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Within the tolerance.
    Same,
    /// Less than the tolerance explains: to be accepted, or the gain may be lost again unnoticed.
    Better,
    /// More than the tolerance allows.
    Worse,
    /// Not in the baseline.
    New,
    /// In the baseline alone.
    Gone,
}

impl Row {
    /// Returns the row of a stage that was counted.
    #[must_use]
    pub fn new(stage: &str, baseline: Option<f64>, now: f64) -> Self {
        Self {
            stage: stage.to_owned(),
            baseline,
            now: Some(now),
        }
    }

    /// Returns the row of a stage that there is no more.
    #[must_use]
    pub fn gone(stage: &str, baseline: f64) -> Self {
        Self {
            stage: stage.to_owned(),
            baseline: Some(baseline),
            now: None,
        }
    }

    /// Returns now divided by the baseline.
    #[must_use]
    pub fn ratio(&self) -> Option<f64> {
        Some(self.now? / self.baseline?)
    }

    /// Returns what becomes of the stage.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match self.ratio() {
            None if self.now.is_none() => Verdict::Gone,
            None => Verdict::New,
            Some(ratio) if ratio > 1.0 + TOLERANCE => Verdict::Worse,
            Some(ratio) if ratio < 1.0 - TOLERANCE => Verdict::Better,
            // A baseline of zero has no ratio to speak of.
            Some(ratio) if ratio.is_nan() => Verdict::New,
            Some(_) => Verdict::Same,
        }
    }

    /// Returns the head of the table, for stages with names of at most `width` letters.
    #[must_use]
    pub fn header(width: usize) -> String {
        format!(
            "{:<width$} {:>10} {:>10} {:>7}  verdict",
            "stage", "baseline", "now", "ratio"
        )
    }

    /// Returns the line of the table.
    #[must_use]
    pub fn line(&self, width: usize) -> String {
        let count = |count: Option<f64>| count.map_or("-".to_owned(), |count| format!("{count:.1}"));
        let ratio = self.ratio().map_or("-".to_owned(), |ratio| format!("{ratio:.3}"));
        let verdict = match self.verdict() {
            Verdict::Same => "same",
            Verdict::Better => "better",
            Verdict::Worse => "WORSE",
            Verdict::New => "new",
            Verdict::Gone => "gone",
        };
        let (baseline, now) = (count(self.baseline), count(self.now));
        format!(
            "{:<width$} {baseline:>10} {now:>10} {ratio:>7}  {verdict}",
            self.stage
        )
    }
}

/// Returns what to say of stages that may pass.
///
/// # Errors
///
/// A stage is worse, new or gone; the error lists them and says how to accept them.
pub(super) fn judge(rows: &[Row]) -> Result<String> {
    let those = |verdict: Verdict| -> Vec<&str> {
        let rows = rows.iter().filter(|row| row.verdict() == verdict);
        rows.map(|row| row.stage.as_str()).collect()
    };
    let faults: Vec<String> = [
        (Verdict::Worse, "more instructions than accepted"),
        (Verdict::New, "no baseline"),
        (Verdict::Gone, "no such stage any more"),
    ]
    .into_iter()
    .filter(|(verdict, _)| !those(*verdict).is_empty())
    .map(|(verdict, what)| format!("{what}: {}", those(verdict).join(", ")))
    .collect();
    if !faults.is_empty() {
        bail!(
            "{}; if that is meant, `cargo xtask bench-gate --accept` and say why in the commit",
            faults.join("; ")
        );
    }
    let better = those(Verdict::Better);
    Ok(if better.is_empty() {
        format!("every stage is within {:.0} %", TOLERANCE * 100.0)
    } else {
        format!(
            "better: {}; `cargo xtask bench-gate --accept` keeps it so",
            better.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tolerance_is_three_percent_on_both_sides() {
        let verdict = |now| Row::new("a", Some(100.0), now).verdict();
        assert_eq!(verdict(103.0), Verdict::Same);
        assert_eq!(verdict(103.1), Verdict::Worse);
        assert_eq!(verdict(97.0), Verdict::Same);
        assert_eq!(verdict(96.9), Verdict::Better);
        assert_eq!(Row::new("a", None, 1.0).verdict(), Verdict::New);
        assert_eq!(Row::new("a", Some(0.0), 0.0).verdict(), Verdict::New);
        assert_eq!(Row::new("a", Some(0.0), 1.0).verdict(), Verdict::Worse);
        assert_eq!(Row::gone("a", 1.0).verdict(), Verdict::Gone);
    }

    #[test]
    fn what_is_worse_new_or_gone_fails_and_is_named() {
        let rows = [
            Row::new("door/mixed6", Some(100.0), 104.0),
            Row::new("rw1/mixed6", Some(100.0), 90.0),
            Row::new("rw2/mixed6", None, 90.0),
            Row::gone("rw3/mixed6", 90.0),
        ];
        let error = judge(&rows).unwrap_err().to_string();
        for part in [
            "accepted: door/mixed6;",
            "no baseline: rw2/mixed6;",
            "any more: rw3/mixed6;",
            "--accept",
        ] {
            assert!(error.contains(part), "{error}");
        }
        assert!(!error.contains("rw1/mixed6"), "{error}");
    }

    #[test]
    fn what_is_better_passes_and_is_named() {
        let better = Row::new("rw1/mixed6", Some(100.0), 90.0);
        let same = Row::new("rw2/mixed6", Some(100.0), 101.0);
        assert!(
            judge(&[better, same.clone()])
                .unwrap()
                .contains("better: rw1/mixed6;")
        );
        assert_eq!(judge(&[same]).unwrap(), "every stage is within 3 %");
    }

    #[test]
    fn columns_line_up() {
        let width = 12;
        let lines = [
            Row::header(width),
            Row::new("door/mixed6", Some(100.0), 1234.56).line(width),
            Row::new("new", None, 7.0).line(width),
            Row::gone("gone", 90.0).line(width),
        ];
        assert_eq!(
            lines.join("\n"),
            "stage          baseline        now   ratio  verdict\n\
             door/mixed6       100.0     1234.6  12.346  WORSE\n\
             new                   -        7.0       -  new\n\
             gone               90.0          -       -  gone"
        );
    }
}
