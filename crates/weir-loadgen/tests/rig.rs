//! The rig over a real process: a sink stands in for the gateway, acknowledges all and forwards nothing.

use std::path::PathBuf;

use weir_loadgen::rig::{Case, RigError, RigOptions, compare};

fn options(folder: &std::path::Path, case: &str) -> RigOptions {
    let path = folder.join("case.yaml");
    std::fs::write(&path, case).expect("the folder was just made");
    RigOptions {
        cases: vec![path],
        runs: 1,
        pin: false,
        rate: None,
        logs: folder.join("logs"),
        json: None,
    }
}

fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).expect("cargo gives a writable folder");
    folder
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_forwards_nothing_loses_everything() {
    let case = format!(
        "name: hole\n\
         gateway:\n  command: [{}, sink, --listen, '{{RIG_OTLP_GRPC}}']\n  config: none.yaml\n\
         load: {{workload: {{points: 40, series: 400}}, send: {{connections: 1}}}}\n\
         warmup: 50ms\nmeasure: 300ms\n",
        env!("CARGO_BIN_EXE_weir-loadgen"),
    );
    let comparison = compare(&options(&folder("hole"), &case), |_| {}).await.unwrap();
    let run = &comparison.measurements[0][0];
    assert!(run.sent > 0);
    assert_eq!(run.acknowledged, run.sent);
    assert_eq!(run.lost, Some(run.sent as f64));
    assert!(run.acknowledged_per_second > 0.0);
    assert_eq!(run.points_per_second, 0.0);
    assert!(run.cpus > 0.0 && run.peak_mib > 1.0, "{run:?}");
    assert!(
        run.start_ms > 0.0 && run.idle_mib > 1.0 && run.idle_mib <= run.peak_mib,
        "{run:?}"
    );
    assert!(run.latency_p50_ms.unwrap() <= run.latency_p99_ms.unwrap());
    assert!(run.stopped_cleanly);
}

#[tokio::test]
async fn a_gateway_that_ends_at_once_is_reported_with_its_output() {
    let case = "name: gone\ngateway: {command: ['false'], config: none.yaml}\n";
    let error = compare(&options(&folder("gone"), case), |_| {})
        .await
        .unwrap_err();
    assert!(matches!(error, RigError::Ended { .. }), "{error}");
    assert!(error.to_string().contains("gone-0.log"), "{error}");
}

#[test]
fn every_case_of_the_repository_is_valid_and_has_its_config() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../benches/cases");
    let mut cases = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let case = Case::read(&entry.unwrap().path()).unwrap();
        assert!(case.gateway.config.is_file(), "{}", case.name);
        cases += 1;
    }
    assert!(cases > 0);
}
