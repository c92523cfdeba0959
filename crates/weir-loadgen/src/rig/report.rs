//! Medians, ratios and the table.

use std::fmt;

use serde::Serialize;

use super::{Goals, Measurement, Outcome};

/// All measurements, by case in the order asked for.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// One per case.
    pub cases: Vec<Summary>,
    /// Every run, by case.
    pub measurements: Vec<Vec<Measurement>>,
    /// Goals beside their figures, by case.
    pub outcomes: Vec<Outcome>,
}

/// Medians of one case over its runs.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// Name of the case.
    pub case: String,
    /// Runs.
    pub runs: usize,
    /// Median of [`Measurement::points_per_second`].
    pub points_per_second: f64,
    /// Median of [`Measurement::cpu_us_per_point`].
    pub cpu_us_per_point: f64,
    /// Lowest and highest [`Measurement::cpu_us_per_point`].
    pub cpu_us_per_point_range: (f64, f64),
    /// Median of the ratios to the first case, run by run, of CPU per point; 1 for the first case.
    pub cpu_ratio: f64,
    /// Median of the ratios to the first case, run by run, of points per second; 1 for the first case.
    pub rate_ratio: f64,
    /// Median of [`Measurement::cpus`].
    pub cpus: f64,
    /// Median of [`Measurement::idle_cpus`].
    pub idle_cpus: f64,
    /// Median of [`Measurement::start_ms`].
    pub start_ms: f64,
    /// Median of [`Measurement::idle_mib`].
    pub idle_mib: f64,
    /// Median of [`Measurement::peak_mib`].
    pub peak_mib: f64,
    /// Median of [`Measurement::bytes_per_series`].
    pub bytes_per_series: Option<f64>,
    /// Median of [`Measurement::latency_p50_ms`].
    pub latency_p50_ms: f64,
    /// Median of [`Measurement::latency_p99_ms`].
    pub latency_p99_ms: f64,
    /// Sum of [`Measurement::refused`] over all runs.
    pub refused: u64,
    /// Sum of [`Measurement::lost`] over all runs, each without its sign: duplicates do not pay for losses.
    /// None with a discarding sink.
    pub lost: Option<f64>,
    /// Sum of [`Measurement::violations`] over all runs.
    pub violations: u64,
}

impl Comparison {
    pub(super) fn new(measurements: Vec<Vec<Measurement>>, goals: &[Goals]) -> Self {
        let base = measurements.first().cloned().unwrap_or_default();
        let cases: Vec<_> = measurements
            .iter()
            .filter(|runs| !runs.is_empty())
            .map(|runs| Summary::new(runs, &base))
            .collect();
        let outcomes = cases
            .iter()
            .zip(goals)
            .flat_map(|(case, goals)| goals.outcomes(case, &cases[0]))
            .collect();
        Self {
            cases,
            measurements,
            outcomes,
        }
    }
}

impl Summary {
    fn new(runs: &[Measurement], base: &[Measurement]) -> Self {
        let of = |figure: fn(&Measurement) -> f64| median(runs.iter().map(figure));
        // Neighbouring runs met the same state of the machine: pairs are steadier than a ratio of medians.
        let ratio = |figure: fn(&Measurement) -> f64| {
            median(
                runs.iter()
                    .zip(base)
                    .map(|(run, base)| figure(run) / figure(base)),
            )
        };
        let cpu = |run: &Measurement| run.cpu_us_per_point;
        let lowest = runs.iter().map(cpu).fold(f64::INFINITY, f64::min);
        let highest = runs.iter().map(cpu).fold(f64::NEG_INFINITY, f64::max);
        Self {
            case: runs[0].case.clone(),
            runs: runs.len(),
            points_per_second: of(|run| run.points_per_second),
            cpu_us_per_point: of(cpu),
            cpu_us_per_point_range: (lowest, highest),
            cpu_ratio: ratio(cpu),
            rate_ratio: ratio(|run| run.points_per_second),
            cpus: of(|run| run.cpus),
            idle_cpus: of(|run| run.idle_cpus),
            start_ms: of(|run| run.start_ms),
            idle_mib: of(|run| run.idle_mib),
            peak_mib: of(|run| run.peak_mib),
            bytes_per_series: runs[0]
                .bytes_per_series
                .map(|_| of(|run| run.bytes_per_series.unwrap_or(f64::NAN))),
            latency_p50_ms: of(|run| run.latency_p50_ms.unwrap_or(f64::NAN)),
            latency_p99_ms: of(|run| run.latency_p99_ms.unwrap_or(f64::NAN)),
            refused: runs.iter().map(|run| run.refused).sum(),
            lost: runs.iter().map(|run| run.lost.map(f64::abs)).sum(),
            violations: runs.iter().map(|run| run.violations).sum(),
        }
    }
}

/// Returns the median, the mean of the two in the middle for an even count; NaN for none.
pub(super) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        length if length % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

/// A figure without decimals, or a dash.
fn whole(figure: Option<f64>) -> String {
    figure.map_or("-".to_owned(), |figure| format!("{figure:.0}"))
}

impl fmt::Display for Measurement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} run {}: {:.0} points/s, {:.3} us/point, {:.0} MiB, lost {}",
            self.case,
            self.run,
            self.points_per_second,
            self.cpu_us_per_point,
            self.peak_mib,
            whole(self.lost)
        )?;
        for (cause, count) in &self.failures {
            write!(f, "; {count} times {cause}")?;
        }
        let unclean = if self.stopped_cleanly {
            ""
        } else {
            "; did not stop cleanly"
        };
        f.write_str(unclean)
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self
            .cases
            .iter()
            .map(|case| case.case.chars().count())
            .max()
            .unwrap_or(0)
            .max(4);
        writeln!(
            f,
            "{:<width$} {:>5} {:>11} {:>8} {:>15} {:>6} {:>6} {:>5} {:>5} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8}",
            "case",
            "runs",
            "points/s",
            "us/pt",
            "min-max",
            "x cpu",
            "x rate",
            "cpus",
            "idle",
            "start ms",
            "idle MiB",
            "MiB",
            "p50 ms",
            "p99 ms",
            "refused",
            "lost"
        )?;
        for case in &self.cases {
            let (low, high) = case.cpu_us_per_point_range;
            writeln!(
                f,
                "{:<width$} {:>5} {:>11.0} {:>8.3} {:>15} {:>6.2} {:>6.2} {:>5.2} {:>5.2} {:>8.1} {:>8.1} {:>8.1} {:>8.2} {:>8.2} {:>8} {:>8}",
                case.case,
                case.runs,
                case.points_per_second,
                case.cpu_us_per_point,
                format!("{low:.3}-{high:.3}"),
                case.cpu_ratio,
                case.rate_ratio,
                case.cpus,
                case.idle_cpus,
                case.start_ms,
                case.idle_mib,
                case.peak_mib,
                case.latency_p50_ms,
                case.latency_p99_ms,
                case.refused,
                whole(case.lost),
            )?;
        }
        for case in self.cases.iter().filter(|case| case.violations > 0) {
            writeln!(
                f,
                "{}: {} rules broken or totals wrong",
                case.case, case.violations
            )?;
        }
        for case in &self.cases {
            if let Some(bytes) = case.bytes_per_series {
                writeln!(f, "{}: {bytes:.0} bytes per series above idle", case.case)?;
            }
        }
        for outcome in &self.outcomes {
            let Outcome {
                case,
                figure,
                goal,
                measured,
            } = outcome;
            let word = if outcome.is_reached() { "reached" } else { "MISSED" };
            writeln!(f, "{case}: {figure} {measured:.3}, at most {goal}: {word}")?;
        }
        Ok(())
    }
}
