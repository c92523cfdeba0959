//! What the gate remembers, and that the file in the repository is such a thing.

use xtask::bench_gate::{Baseline, Row, Tools};
use xtask::process::workspace_root;

fn tools(rustc: &str) -> Tools {
    Tools {
        rustc: rustc.into(),
        valgrind: "valgrind-3.19.0".into(),
        machine: "x86_64".into(),
    }
}

#[test]
fn the_baseline_of_the_repository_can_be_read() {
    let baseline = Baseline::read(&workspace_root().join("benches/gate.yaml")).unwrap();
    let baseline = baseline.expect("it is checked in");
    assert!(!baseline.stages.is_empty());
    assert!(baseline.tools.rustc.starts_with("rustc "), "{:?}", baseline.tools);
}

#[test]
fn accepting_renews_what_was_counted_and_forgets_what_is_gone() {
    let mut baseline = Baseline::default();
    let first = [
        Row::new("a", None, 1.04),
        Row::new("b", None, 2.0),
        Row::new("c", None, 3.0),
    ];
    baseline.accept(&first, tools("rustc 1"));
    baseline.accept(
        &[Row::new("a", Some(1.0), 9.0), Row::gone("b", 2.0)],
        tools("rustc 2"),
    );

    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("accepted.yaml");
    baseline.write(&path).unwrap();
    let read = Baseline::read(&path).unwrap().expect("it was just written");
    assert_eq!(read, baseline);
    assert_eq!(read.tools, tools("rustc 2"));
    assert_eq!(read.stages, [("a".to_owned(), 9.0), ("c".to_owned(), 3.0)].into());
}

#[test]
fn a_file_that_is_not_there_is_no_baseline_and_one_that_is_damaged_an_error() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    assert_eq!(Baseline::read(&folder.join("missing.yaml")).unwrap(), None);
    let damaged = folder.join("damaged.yaml");
    std::fs::write(&damaged, "stages: [").unwrap();
    assert!(Baseline::read(&damaged).is_err());
}

#[test]
fn other_tools_are_told() {
    let differences = tools("rustc 1").differences(&tools("rustc 2"));
    assert_eq!(
        differences,
        ["the baseline was counted with rustc 1, this is rustc 2"]
    );
    assert!(tools("rustc 1").differences(&tools("rustc 1")).is_empty());
    assert!(Tools::default().differences(&tools("rustc 1")).is_empty());
}
