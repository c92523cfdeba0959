//! Goals of a case, and whether they were reached.

use serde::{Deserialize, Serialize};

use super::Summary;

/// Upper bounds of the figures of a case; those that are not given are no goals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Goals {
    /// Microseconds of CPU time per point.
    pub cpu_us_per_point: Option<f64>,
    /// CPU time per point as a multiple of that of the first case.
    pub cpu_ratio: Option<f64>,
    /// Microseconds of CPU time per point more than the first case takes.
    pub cpu_us_over_first: Option<f64>,
    /// Highest resident memory, MiB.
    pub peak_mib: Option<f64>,
    /// Resident memory before the load, MiB.
    pub idle_mib: Option<f64>,
    /// Time from exec to listening, milliseconds.
    pub start_ms: Option<f64>,
    /// 99th percentile of the time to an acknowledgement, milliseconds.
    pub latency_p99_ms: Option<f64>,
}

/// A goal beside its figure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    /// Name of the case.
    pub case: String,
    /// Name of the figure, as tables have it.
    pub figure: &'static str,
    /// The bound.
    pub goal: f64,
    /// The median that was measured; NaN if nothing was.
    pub measured: f64,
}

impl Outcome {
    /// Whether the figure is within its bound.
    pub fn is_reached(&self) -> bool {
        self.measured <= self.goal
    }
}

impl Goals {
    /// Holds the figures of a case against its goals. Goals that compare with the first case have no outcome for that one.
    pub(super) fn outcomes(&self, case: &Summary, first: &Summary) -> Vec<Outcome> {
        let other = |goal: Option<f64>| goal.filter(|_| !std::ptr::eq(case, first));
        let over = case.cpu_us_per_point - case.cpu_us_per_point / case.cpu_ratio;
        let pairs = [
            ("us/pt", self.cpu_us_per_point, case.cpu_us_per_point),
            ("x cpu", other(self.cpu_ratio), case.cpu_ratio),
            ("us/pt over the first", other(self.cpu_us_over_first), over),
            ("MiB", self.peak_mib, case.peak_mib),
            ("idle MiB", self.idle_mib, case.idle_mib),
            ("start ms", self.start_ms, case.start_ms),
            ("p99 ms", self.latency_p99_ms, case.latency_p99_ms),
        ];
        pairs
            .into_iter()
            .filter_map(|(figure, goal, measured)| {
                goal.map(|goal| Outcome {
                    case: case.case.clone(),
                    figure,
                    goal,
                    measured,
                })
            })
            .collect()
    }
}
