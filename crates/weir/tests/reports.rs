//! Golden reports of the built binary: each file of `testdata/bad` has what `weir validate` says about it beside it, and so has each file
//! of `testdata/warned`, which passes.
//!
//! `crates/weir-config/testdata` holds the mistakes of the grammar, against components that stand still. Here are those that the real
//! components find, and those that show when the graph is built. `WEIR_REWRITE=1 cargo test -p weir --test reports` writes the reports
//! anew; they are reviewed like code.

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use weir_testkit::golden::{self, Scene};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name)
}

/// Runs `weir validate` on each file of a folder and compares exit code and report.
fn check(name: &str, code: i32) -> usize {
    let folder = folder(name);
    let files = golden::files(&folder);
    let mut wrong = Vec::new();
    for file in &files {
        let scene = Scene::of(file);
        let mut command = Command::cargo_bin("weir").expect("built");
        command
            .current_dir(&folder)
            .env_clear()
            .envs(scene.variables)
            .arg("validate");
        for config in &scene.configs {
            command.args(["--config", config]);
        }
        for set in &scene.sets {
            command.args(["--set", set]);
        }
        let output = command.output().expect("ran");
        let report = String::from_utf8(output.stderr).expect("UTF-8");
        if output.status.code() != Some(code) || !output.stdout.is_empty() {
            wrong.push(format!("=== {}: {:?}\n{report}", file.display(), output.status));
        }
        if report.lines().any(|line| line.contains("hunter2")) {
            wrong.push(format!("=== {} shows a secret\n{report}", file.display()));
        }
        let placed = report.matches("\n --> ").count() + report.matches("--> ").count();
        if placed == 0 {
            wrong.push(format!("=== {} has no place\n{report}", file.display()));
        }
        wrong.extend(golden::compare(&file.with_extension("report"), &report).err());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    files.len()
}

#[test]
fn mistakes_that_components_find_are_explained() {
    let files = check("bad", 1);
    assert!(files >= 50, "only {files} bad configurations");
}

#[test]
fn what_only_the_world_outside_can_refuse_is_a_warning() {
    check("warned", 0);
}
