//! What a component's README says that its types do not: what it is for, an example, its own metrics.

use std::fs;
use std::path::Path;

use super::markdown::moved;

/// Parts of a README.
#[derive(Debug, Default)]
pub(crate) struct Readme {
    /// The first paragraph.
    pub(crate) purpose: String,
    /// The first example in YAML.
    pub(crate) example: Option<String>,
    /// The section "Own metrics".
    pub(crate) metrics: Option<String>,
}

impl Readme {
    /// Reads the README in a component's folder, seen from the `root` of the repository; `up` leads there from the page that quotes.
    ///
    /// # Panics
    ///
    /// If there is none: every component has one.
    pub(crate) fn read(root: &Path, folder: &str, up: &str) -> Self {
        let path = root.join(folder).join("README.md");
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let body = text.split_once('\n').map_or("", |(_, body)| body).trim_start();
        let purpose = body.split("\n\n").next().unwrap_or_default();
        let example = text
            .split_once("```yaml\n")
            .and_then(|(_, rest)| rest.split_once("```"));
        let metrics = text.split_once("\n## Own metrics\n").map(|(_, rest)| {
            let end = rest.find("\n## ").unwrap_or(rest.len());
            moved(rest[..end].trim(), folder, up)
        });
        Self {
            purpose: moved(purpose.trim(), folder, up),
            example: example.map(|(example, _)| example.trim_end().to_owned()),
            metrics,
        }
    }
}
