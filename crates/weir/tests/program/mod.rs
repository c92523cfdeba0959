//! The built program.

use assert_cmd::Command;

/// Runs `weir` and returns exit code, standard output and standard error.
pub(crate) fn weir(arguments: &[&str]) -> (i32, String, String) {
    let output = Command::cargo_bin("weir")
        .expect("built")
        .args(arguments)
        .output()
        .expect("ran");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (
        output.status.code().expect("exit code"),
        text(output.stdout),
        text(output.stderr),
    )
}
