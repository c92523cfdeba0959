//! Reads what `--config` and `--set` name, each into a tree of its own.

use std::collections::BTreeMap;

use crate::{
    environment::Environment,
    node::{Kind, Node},
    provider::{self, Failure},
    report::{Diagnostic, Place, Report, SourceMap},
    yaml,
};

/// How many keys a `--set` may hold; bounds the depth of the tree.
const MAX_STEPS: usize = 32;

/// Where configuration comes from, in the order of the command line. All `configs` come before all `sets`.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Locations: `file:path` or a plain path, `env:NAME`, `yaml:text`, `http://...`, `https://...`.
    pub configs: Vec<String>,
    /// Overrides `key.key=value`, the value in YAML.
    pub sets: Vec<String>,
    /// What is read in another way.
    pub gates: Gates,
}

/// Feature gates of the Collector that change how configuration is read. All are off by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gates {
    /// `confmap.enableMergeAppendOption`: where sources are laid over each other, `service::extensions` and the receivers and
    /// exporters of pipelines are put together instead of replaced.
    pub merge_append: bool,
    /// `service.AllowNoPipelines`: a configuration may have extensions only.
    pub allow_no_pipelines: bool,
}

/// Reads every source. Mistakes go to `report`; a source that has one is left out.
pub(crate) fn read_all(
    sources: &Sources,
    environment: &dyn Environment,
    texts: &mut SourceMap,
    report: &mut Report,
) -> Vec<Node> {
    if sources.configs.is_empty() && sources.sets.is_empty() {
        report.push(
            Diagnostic::error("no configuration given").hint("name at least one file: `--config weir.yaml`"),
        );
    }
    let mut layers = Vec::new();
    for location in &sources.configs {
        match read_config(location, environment, texts) {
            Ok(layer) => layers.push(layer),
            Err(found) => report.extend(found),
        }
    }
    for set in &sources.sets {
        match read_set(set, texts) {
            Ok(layer) => layers.push(layer),
            Err(found) => report.extend(found),
        }
    }
    layers
}

fn read_config(
    location: &str,
    environment: &dyn Environment,
    texts: &mut SourceMap,
) -> Result<Node, Vec<Diagnostic>> {
    let (scheme, rest) = provider::split_scheme(location).unwrap_or(("file", location));
    let retrieved = provider::retrieve(scheme, rest, environment).map_err(|failure| {
        let diagnostic = match failure {
            Failure::Unset(name) => {
                Diagnostic::error(format!("the environment variable `{name}` is not set"))
                    .hint(format!("`--config {location}` reads configuration from it"))
            }
            Failure::Bad(message, hint) => Diagnostic::error(message).maybe_hint(hint),
        };
        vec![diagnostic]
    })?;
    let name = if scheme == "file" {
        rest
    } else if scheme == "yaml" {
        "--config (yaml)"
    } else {
        &*provider::without_credentials(location)
    };
    let text = retrieved.text.strip_prefix('\u{feff}').unwrap_or(&retrieved.text);
    let source = texts.add(name, text);
    let node = yaml::parse(&yaml::Input {
        source,
        offset: 0,
        text,
    })?;
    root(node)
}

/// A root is a mapping; nothing at all is an empty one.
fn root(mut node: Node) -> Result<Node, Vec<Diagnostic>> {
    match node.kind {
        Kind::Map(_) => Ok(node),
        Kind::Null => {
            node.kind = Kind::Map(BTreeMap::new());
            Ok(node)
        }
        _ => {
            let found = if matches!(node.kind, Kind::List(_)) {
                "a list"
            } else {
                "plain text"
            };
            let message = format!(
                "a configuration is a mapping with `receivers`, `exporters` and `service`, not {found}"
            );
            Err(vec![Diagnostic::error(message).place(node.at)])
        }
    }
}

/// `a.b.c=value` is `a: {b: {c: value}}`.
fn read_set(set: &str, texts: &mut SourceMap) -> Result<Node, Vec<Diagnostic>> {
    let source = texts.add("--set", set);
    let Some((key, value)) = set.split_once('=') else {
        let diagnostic = Diagnostic::error("`--set` without `=`")
            .place(Place::new(source, 0..set.len()))
            .hint("write `--set key.key=value`");
        return Err(vec![diagnostic]);
    };
    let key_place = Place::new(source, 0..key.len());
    let steps: Vec<&str> = key.split('.').flat_map(|part| part.split("::")).collect();
    if steps.iter().any(|step| step.is_empty()) {
        return Err(vec![
            Diagnostic::error("an empty key in `--set`").place(key_place),
        ]);
    }
    if steps.len() > MAX_STEPS {
        return Err(vec![
            Diagnostic::error("too many keys in `--set`").place(key_place),
        ]);
    }
    let mut node = yaml::parse(&yaml::Input {
        source,
        offset: key.len() + 1,
        text: value,
    })?;
    if node.at.span.is_none() {
        node.at = Place::new(source, key.len() + 1..set.len());
    }
    for step in steps.into_iter().rev() {
        node.key = Some(key_place.clone());
        let mut outer = Node::new(Kind::Null, node.at.clone());
        outer.kind = Kind::Map(BTreeMap::from([(step.to_owned(), node)]));
        node = outer;
    }
    Ok(node)
}
