//! Instructions per OTLP data point, counted by valgrind: unlike times they do not depend on who else uses the
//! machine.
//!
//! `cargo bench -p weir-prom --bench count [-- FILTER]` prints a table: `door` checks the wire bytes, `v1` and `v2`
//! translate them, `rules` does what `v2` does with rules of relabeling. Each number is the difference of two runs under `callgrind`, so that start-up does not count.
//! `count --run MIX STEP TIMES` is such a run, for a look with `callgrind_annotate`.

#![expect(clippy::print_stdout, reason = "the table is the product")]

mod workload;

use std::process::Command;

use bytes::Bytes;
use prost::Message;
use weir_pdata::{Batch, Signal};
use weir_prom::{Output, Protocol, Translator};
use workload::{MIXES, POINTS_PER_REQUEST, request_of, settings};

const STEPS: [&str; 4] = ["door", "v1", "v2", "rules"];

/// One rule that drops series, one that adds a label, one that takes some away.
const RULES: &str = "
- {source_labels: [__name__, le], regex: '.*_bucket;0.005', action: drop}
- {source_labels: [job], target_label: owner, regex: '(.).*', replacement: team-$1}
- {regex: otel_scope_.*, action: labeldrop}
";

/// Repetitions of the two runs: the tables of a translator are warm after the first few.
const FEW: usize = 3;
const MANY: usize = 8;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if let ["--run", mix, step, times, ..] = arguments[..] {
        return run(mix, step, times.parse().expect("a number"));
    }
    // Cargo adds arguments of its own.
    let filter = arguments.iter().find(|argument| !argument.starts_with("--"));
    for mix in MIXES {
        for step in STEPS {
            let name = format!("{mix}/{step}");
            if filter.is_none_or(|filter| name.contains(filter)) {
                let spent = instructions(mix, step, MANY) - instructions(mix, step, FEW);
                println!("{name:12} {:6}", spent / (POINTS_PER_REQUEST * (MANY - FEW)));
            }
        }
    }
}

fn run(mix: &str, step: &str, times: usize) {
    let bytes = Bytes::from(request_of(mix).expect("a known mix").encode_to_vec());
    let batch = || Batch::from_wire(Signal::Metrics, bytes.clone()).expect("valid OTLP");
    let protocol = match step {
        "door" => return (0..times).for_each(|_| drop(batch())),
        "v1" => Protocol::V1,
        "v2" | "rules" => Protocol::V2,
        _ => panic!("step must be one of {STEPS:?}"),
    };
    let (batch, mut out) = (batch(), Output::default());
    let mut settings = settings();
    if step == "rules" {
        settings.relabel = serde_yaml::from_str(RULES).expect("sound rules");
    }
    let mut translator = Translator::new(settings, protocol).expect("valid settings");
    for _ in 0..times {
        translator.translate(&batch, &mut out);
    }
}

/// Runs this program under callgrind and returns the instructions that it counts.
fn instructions(mix: &str, step: &str, times: usize) -> usize {
    let program = std::env::current_exe().expect("a running program has a path");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args(["--run", mix, step, &times.to_string()])
        .output()
        .expect("valgrind is installed");
    let report = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "valgrind failed: {report}");
    let (_, collected) = report
        .rsplit_once("Collected :")
        .expect("callgrind reports a total");
    collected
        .split_whitespace()
        .next()
        .and_then(|total| total.parse().ok())
        .expect("the total is a number")
}
