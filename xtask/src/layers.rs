//! `cargo xtask layers`: the architecture as a table, held against the dependencies of every crate.
//!
//! Arrows point down only. Crates of one layer do not import each other unless the table says so; components
//! never import each other and never import `weir-runtime`. Development dependencies (testkit, load generator)
//! are free.

use anyhow::{Context, Result, bail};
use cargo_metadata::{DependencyKind, MetadataCommand, Package};

use crate::process::workspace_root;

/// What one crate, or every crate of one folder, may depend on.
#[derive(Debug)]
pub struct Rule {
    /// Name of a crate, or the beginning of a path such as `components/receivers/`.
    pub subject: &'static str,
    /// Weir crates it may depend on. [`ANY`] alone stands for all.
    pub may_use: &'static [&'static str],
}

/// Stands for every crate.
pub const ANY: &str = "*";

/// The table, from the wire up.
#[rustfmt::skip]
pub const RULES: &[Rule] = &[
    // L0, wire.
    Rule { subject: "weir-proto",     may_use: &[] },
    // Words of the standards that no crate has, of use on any layer.
    Rule { subject: "weir-regex",     may_use: &[] },
    Rule { subject: "weir-relabel",   may_use: &["weir-regex"] },
    // L1, model.
    Rule { subject: "weir-pdata",     may_use: &["weir-proto"] },
    Rule { subject: "weir-prom",      may_use: &["weir-proto", "weir-pdata", "weir-regex", "weir-relabel"] },
    Rule { subject: "weir-streams",   may_use: &["weir-pdata"] },
    // L2, the API of components.
    Rule { subject: "weir-telemetry", may_use: &[] },
    Rule { subject: "weir-component", may_use: &["weir-pdata", "weir-telemetry"] },
    // L3, building blocks. They do not import each other, save runtime -> config.
    Rule { subject: "weir-config",    may_use: &["weir-pdata", "weir-telemetry", "weir-component"] },
    Rule { subject: "weir-net",       may_use: &["weir-proto", "weir-pdata", "weir-telemetry", "weir-component"] },
    Rule { subject: "weir-export",    may_use: &["weir-pdata", "weir-telemetry", "weir-component"] },
    Rule { subject: "weir-edit",      may_use: &["weir-proto", "weir-pdata", "weir-regex", "weir-component"] },
    Rule { subject: "weir-memory",    may_use: &["weir-telemetry", "weir-component"] },
    Rule { subject: "weir-storage",   may_use: &["weir-pdata", "weir-telemetry", "weir-component"] },
    Rule { subject: "weir-runtime",   may_use: &["weir-pdata", "weir-telemetry", "weir-component", "weir-config"] },
    // L4, components.
    Rule { subject: "components/receivers/",
           may_use: &["weir-proto", "weir-pdata", "weir-prom", "weir-telemetry", "weir-component", "weir-net"] },
    Rule { subject: "components/processors/",
           may_use: &["weir-proto", "weir-pdata", "weir-prom", "weir-streams", "weir-regex", "weir-relabel", "weir-telemetry",
                      "weir-component", "weir-edit", "weir-memory"] },
    Rule { subject: "components/exporters/",
           may_use: &["weir-proto", "weir-pdata", "weir-prom", "weir-streams", "weir-relabel", "weir-telemetry", "weir-component",
                      "weir-net", "weir-export"] },
    Rule { subject: "components/connectors/",
           may_use: &["weir-pdata", "weir-telemetry", "weir-component"] },
    Rule { subject: "components/extensions/",
           may_use: &["weir-telemetry", "weir-component", "weir-memory", "weir-net", "weir-storage"] },
    // L5, the program.
    Rule { subject: "weir-cli",
           may_use: &["weir-proto", "weir-pdata", "weir-prom", "weir-relabel", "weir-telemetry", "weir-component", "weir-config",
                      "weir-net", "weir-export", "weir-storage", "weir-runtime"] },
    Rule { subject: "weir",           may_use: &[ANY] },
    // Development only.
    Rule { subject: "weir-testkit",
           may_use: &["weir-proto", "weir-pdata", "weir-prom", "weir-telemetry", "weir-component", "weir-config",
                      "weir-net", "weir-export", "weir-storage", "weir-runtime"] },
    Rule { subject: "weir-loadgen",   may_use: &["weir-proto", "weir-pdata"] },
    Rule { subject: "weir-integration", may_use: &["weir-proto", "weir-pdata", "weir-testkit", "weir-loadgen"] },
    Rule { subject: "weir-stages",    may_use: &[ANY] },
    Rule { subject: "xtask",          may_use: &[] },
];

/// One edge between crates of the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// Name of the crate that depends.
    pub from: String,
    /// Folder of that crate, relative to the root of the workspace, ending in `/`.
    pub folder: String,
    /// Name of the crate it depends on.
    pub to: String,
}

/// Checks the whole workspace and prints one line.
///
/// # Errors
///
/// `cargo metadata` fails, or an edge is not in the table; the error lists every such edge.
pub fn layers() -> Result<()> {
    let edges = edges()?;
    let violations = violations(&edges);
    if violations.is_empty() {
        println!("layers: {} edges, all of them point down", edges.len());
        return Ok(());
    }
    bail!(
        "the layer table (xtask/src/layers.rs) forbids:\n  {}",
        violations.join("\n  ")
    )
}

/// Returns a sentence for each edge that the table does not allow.
#[must_use]
pub fn violations(edges: &[Edge]) -> Vec<String> {
    edges.iter().filter_map(violation).collect()
}

fn violation(edge: &Edge) -> Option<String> {
    let Edge { from, folder, to } = edge;
    let rule = RULES
        .iter()
        .find(|rule| rule.subject == from || folder.starts_with(rule.subject));
    let Some(rule) = rule else {
        return Some(format!("{from} ({folder}) is in no layer"));
    };
    let allowed = rule.may_use == [ANY] || rule.may_use.contains(&to.as_str());
    (!allowed).then(|| format!("{from} -> {to}"))
}

/// Every edge of the workspace, development dependencies excepted.
fn edges() -> Result<Vec<Edge>> {
    let root = workspace_root();
    let metadata = MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .no_deps()
        .exec()
        .context("cannot read the workspace")?;
    let members = metadata.workspace_packages();
    let is_member = |name: &str| members.iter().any(|package| package.name == name);
    let mut edges = Vec::new();
    for package in &members {
        let folder = folder(package, &root)?;
        for dependency in &package.dependencies {
            if dependency.kind != DependencyKind::Development && is_member(&dependency.name) {
                edges.push(Edge {
                    from: package.name.to_string(),
                    folder: folder.clone(),
                    to: dependency.name.clone(),
                });
            }
        }
    }
    Ok(edges)
}

fn folder(package: &Package, root: &std::path::Path) -> Result<String> {
    let manifest = package.manifest_path.as_std_path();
    let folder = manifest
        .parent()
        .and_then(|folder| folder.strip_prefix(root).ok());
    let folder = folder.with_context(|| format!("{} lies outside the workspace", package.name))?;
    Ok(format!("{}/", folder.display()))
}
