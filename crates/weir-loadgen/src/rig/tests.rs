//! Cases, process figures, medians.

use std::path::Path;
use std::time::Duration;

use super::process::{cpu_ticks, idle_ticks, others, status_kib};
use super::report::median;
use super::*;

fn parse(text: &str) -> Result<Case, CaseError> {
    Case::parse(Path::new("benches/cases/one.yaml"), text)
}

#[test]
fn a_case_needs_a_command_and_a_config_alone() {
    let case = parse("gateway: {command: [weir, --config, '{config}'], config: ../compare/a.yaml}").unwrap();
    assert_eq!(case.name, "one");
    assert_eq!(case.gateway.config, Path::new("benches/cases/../compare/a.yaml"));
    assert_eq!(case.measure, Duration::from_secs(10));
    assert_eq!(case.load, LoadOptions::default());
}

#[test]
fn a_case_sets_load_and_sink() {
    let case = parse(
        "name: gzip\n\
         gateway: {command: [weir], config: a.yaml, env: {A: b}}\n\
         load:\n  workload: {payload: sums10, points: 40, series: 100, churn: 0.1, temporality: delta}\n  \
         send: {protocol: otlp_http, compression: gzip, connections: 4, rate: 1000}\n\
         sink: {mode: check, latency: 5ms}\n\
         warmup: 1s\nmeasure: 500ms\n",
    )
    .unwrap();
    assert_eq!(case.load.send.rate, Some(1000.0));
    assert_eq!(case.sink.latency, Duration::from_millis(5));
    assert!(!case.uses_grpc());
}

#[test]
fn mistakes_in_a_case_are_named() {
    let error = |text| {
        let error = parse(text).unwrap_err();
        let source = std::error::Error::source(&error)
            .map(ToString::to_string)
            .unwrap_or_default();
        format!("{error}: {source}")
    };
    assert!(error("gateway: {command: [], config: a}").contains("must name a program"));
    assert!(error("gateway: {command: [a], config: a, wait: 1s}").contains("unknown field `wait`"));
    assert!(error("gateway: {command: [a], config: a}\nmeasure: 10").contains("10"));
    assert!(
        error("gateway: {command: [a], config: a}\nload: {workload: {points: 0}}")
            .contains("points per request")
    );
    assert!(error("gateway: {command: [a], config: a}\nload: {send: {rate: 0}}").contains("rate"));
    let json = "gateway: {command: [a], config: a}\nload: {send: {protocol: otlp_http, encoding: json}}\nsink: {mode: check}";
    assert!(error(json).contains("need another sink mode"));
}

#[test]
fn process_figures_are_read_around_odd_names() {
    let stat = "42 (we) ir (x) S 1 42 42 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 5 0 100 1 2";
    assert_eq!(cpu_ticks(stat), Some(300));
    assert_eq!(cpu_ticks("42 (weir"), None);
    let status = "Name:\tweir\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n";
    assert_eq!(status_kib(status, "VmHWM:"), Some(2048));
    assert_eq!(status_kib(status, "VmRSS:"), Some(1024));
    assert_eq!(status_kib("Name:\tweir\n", "VmHWM:"), None);
    assert_eq!(idle_ticks("cpu  10 0 5 300 4 0 1\ncpu0 10 0 5 150 2"), Some(304));
    assert_eq!(idle_ticks("cpu0 10"), None);
}

#[test]
fn the_load_takes_the_cpus_that_the_gateway_leaves() {
    assert_eq!(others(&[0], 2), [1]);
    assert_eq!(others(&[0, 1], 2), [0, 1]);
    assert_eq!(others(&[], 2), [0, 1]);
    assert_eq!(others(&[1], 4), [0, 2, 3]);
}

#[test]
fn medians_of_odd_and_even_counts() {
    assert_eq!(median([3.0, 1.0, 2.0].into_iter()), 2.0);
    assert_eq!(median([4.0, 1.0, 2.0, 3.0].into_iter()), 2.5);
    assert!(median(std::iter::empty()).is_nan());
}

fn measurement(case: &str, cpu: f64) -> Measurement {
    Measurement {
        case: case.to_owned(),
        run: 0,
        points_per_second: 1000.0 / cpu,
        acknowledged_per_second: 1000.0 / cpu,
        cpu_us_per_point: cpu,
        cpus: 1.0,
        idle_cpus: 0.5,
        start_ms: 20.0,
        idle_mib: 5.0,
        peak_mib: 10.0,
        bytes_per_series: None,
        latency_p50_ms: Some(1.0),
        latency_p99_ms: Some(2.0),
        sent: 100,
        acknowledged: 100,
        refused: 0,
        lost: Some(-1.0),
        sink_bytes_per_point: 1.0,
        violations: 0,
        stopped_cleanly: true,
        failures: Vec::new(),
    }
}

#[test]
fn ratios_are_medians_of_pairs_and_losses_do_not_cancel() {
    let base = [1.0, 2.0, 4.0].map(|cpu| measurement("base", cpu)).to_vec();
    let other = [2.0, 4.0, 4.0].map(|cpu| measurement("other", cpu)).to_vec();
    let comparison = Comparison::new(vec![base, other], &[Goals::default(); 2]);
    assert_eq!(comparison.cases[0].cpu_ratio, 1.0);
    assert_eq!(comparison.cases[1].cpu_ratio, 2.0);
    assert_eq!(comparison.cases[1].cpu_us_per_point, 4.0);
    assert_eq!(comparison.cases[1].cpu_us_per_point_range, (2.0, 4.0));
    assert_eq!(comparison.cases[0].lost, Some(3.0));
    let table = comparison.to_string();
    assert_eq!(table.lines().count(), 3, "{table}");
}

#[test]
fn goals_are_held_against_medians_and_the_first_case() {
    let base = [1.0, 2.0, 4.0].map(|cpu| measurement("base", cpu)).to_vec();
    let other = [2.0, 4.0, 4.0].map(|cpu| measurement("other", cpu)).to_vec();
    let goals = Goals {
        cpu_us_per_point: Some(2.0),
        cpu_ratio: Some(2.0),
        cpu_us_over_first: Some(1.5),
        latency_p99_ms: Some(1.9),
        ..Goals::default()
    };
    let comparison = Comparison::new(vec![base, other], &[goals; 2]);
    let outcomes: Vec<_> = comparison
        .outcomes
        .iter()
        .map(|outcome| {
            (
                &*outcome.case,
                outcome.figure,
                outcome.measured,
                outcome.is_reached(),
            )
        })
        .collect();
    assert_eq!(
        outcomes,
        [
            ("base", "us/pt", 2.0, true),
            ("base", "p99 ms", 2.0, false),
            ("other", "us/pt", 4.0, false),
            ("other", "x cpu", 2.0, true),
            ("other", "us/pt over the first", 2.0, false),
            ("other", "p99 ms", 2.0, false),
        ]
    );
    let table = comparison.to_string();
    assert!(table.contains("other: us/pt 4.000, at most 2: MISSED"), "{table}");
    assert!(table.contains("base: us/pt 2.000, at most 2: reached"), "{table}");
}
