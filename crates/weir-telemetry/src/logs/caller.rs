//! Where in the source a line comes from, in short.

/// Shortens the path of a source file to the folder of its crate and the path below `src`, for example `weir-cli/run.rs`.
/// Files outside of a `src` folder keep their last two parts.
pub(super) fn short(file: &str) -> String {
    let parts: Vec<&str> = file.split(['/', '\\']).collect();
    match parts.iter().rposition(|part| *part == "src") {
        Some(src) if src > 0 && src + 1 < parts.len() => {
            format!("{}/{}", parts[src - 1], parts[src + 1..].join("/"))
        }
        _ => parts[parts.len().saturating_sub(2)..].join("/"),
    }
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn the_crate_and_the_file_are_kept() {
        for (file, expect) in [
            ("crates/weir-cli/src/run.rs", "weir-cli/run.rs"),
            ("components/exporters/debug/src/text/mod.rs", "debug/text/mod.rs"),
            (
                "/registry/src/index-1/h2-0.4.20/src/proto/go_away.rs",
                "h2-0.4.20/proto/go_away.rs",
            ),
            ("src/main.rs", "src/main.rs"),
            ("a/tests/b.rs", "tests/b.rs"),
            ("x.rs", "x.rs"),
            ("src", "src"),
            ("", ""),
        ] {
            assert_eq!(short(file), expect, "{file}");
        }
    }
}
