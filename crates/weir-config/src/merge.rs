//! Lays the sources over each other, before any `${…}` is expanded.
//!
//! figment decides which source wins at which path (maps merge, lists are replaced, null erases) and remembers it by
//! its tags. The values themselves, with their places, stay in the [`Node`] trees: what figment is handed are the maps,
//! and for everything else the number of the source.

use std::collections::BTreeMap;

use figment::{
    Figment, Metadata, Profile, Provider,
    value::{Dict, Empty, Map, Value},
};

use crate::{
    node::{Kind, Node},
    report::Place,
};

/// Merges trees left to right. Each of them is a map or null.
pub(crate) fn merge(layers: &[Node], append: bool) -> Node {
    let figment = (0..layers.len()).fold(Figment::new(), |figment, number| {
        figment.merge(Layer { layers, number })
    });
    let merged = figment
        .data()
        .ok()
        .and_then(|mut data| data.remove(&Profile::Default))
        .unwrap_or_default();
    let sources: Vec<Option<&Node>> = layers.iter().map(Some).collect();
    let root = layers
        .last()
        .map_or_else(|| Place::whole(0), |last| last.at.clone());
    let append = if append {
        Appended::Below
    } else {
        Appended::Nothing
    };
    Node::new(Kind::Map(rebuild(&merged, &figment, &sources, append)), root)
}

/// One source, as figment wants it.
struct Layer<'a> {
    layers: &'a [Node],
    number: usize,
}

impl Provider for Layer<'_> {
    fn metadata(&self) -> Metadata {
        Metadata::from(
            "configuration source",
            figment::Source::Custom(self.number.to_string()),
        )
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        let dict = match &self.layers[self.number].kind {
            Kind::Map(map) => dict(map),
            _ => Dict::new(),
        };
        Ok(Map::from([(Profile::Default, dict)]))
    }
}

fn dict(map: &BTreeMap<String, Node>) -> Dict {
    map.iter()
        .map(|(key, node)| (key.clone(), outline(node)))
        .collect()
}

fn outline(node: &Node) -> Value {
    match &node.kind {
        Kind::Map(map) => dict(map).into(),
        _ => Empty::Unit.into(),
    }
}

/// Puts the winning nodes together. `sources` holds, for every layer, what it has at this path.
fn rebuild(
    merged: &Dict,
    figment: &Figment,
    sources: &[Option<&Node>],
    append: Appended,
) -> BTreeMap<String, Node> {
    merged
        .iter()
        .filter_map(|(key, value)| {
            let inner: Vec<_> = sources
                .iter()
                .map(|source| source.and_then(|node| node.entry(key)))
                .collect();
            let winner = inner[layer_of(value, figment)?]?;
            let mut node = winner.clone();
            let append = append.at(key);
            if let Value::Dict(_, dict) = value {
                let alive = since_last(&inner, |kind| matches!(kind, Kind::Map(_)));
                node.kind = Kind::Map(rebuild(dict, figment, &alive, append));
            } else if append == Appended::This
                && let Kind::List(items) = &mut node.kind
            {
                *items = put_together(&since_last(&inner, |kind| matches!(kind, Kind::List(_))));
            }
            Some((key.clone(), node))
        })
        .collect()
}

/// Where lists are put together instead of replaced: `service::extensions`, `service::**::receivers`, `service::**::exporters`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Appended {
    Nothing,
    /// At the root: below `service`.
    Below,
    /// In `service`.
    InService,
    /// Deeper in `service`.
    Deeper,
    /// Here.
    This,
}

impl Appended {
    fn at(self, key: &str) -> Self {
        match (self, key) {
            (Self::Below, "service") => Self::InService,
            (Self::InService, "extensions") | (Self::InService | Self::Deeper, "receivers" | "exporters") => {
                Self::This
            }
            (Self::InService | Self::Deeper | Self::This, _) => Self::Deeper,
            (Self::Nothing | Self::Below, _) => Self::Nothing,
        }
    }
}

/// Leaves out what layers had before a later one put something else in its place.
fn since_last<'a>(layers: &[Option<&'a Node>], same: impl Fn(&Kind) -> bool) -> Vec<Option<&'a Node>> {
    let other = |layer: &Option<&Node>| layer.is_some_and(|node| !same(&node.kind));
    let from = layers.iter().rposition(other).map_or(0, |last| last + 1);
    let alive = layers.iter().enumerate();
    alive
        .map(|(layer, node)| node.filter(|_| layer >= from))
        .collect()
}

/// The items of all lists in their order, each once.
fn put_together(lists: &[Option<&Node>]) -> Vec<Node> {
    let mut items: Vec<Node> = Vec::new();
    for list in lists.iter().flatten() {
        let Kind::List(list) = &list.kind else { continue };
        for item in list {
            if !items.contains(item) {
                items.push(item.clone());
            }
        }
    }
    items
}

/// The number of the layer that a value came from; of a merged map, the last one that has it.
fn layer_of(value: &Value, figment: &Figment) -> Option<usize> {
    figment
        .get_metadata(value.tag())?
        .source
        .as_ref()?
        .custom()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::merge;
    use crate::yaml;

    fn tree(source: usize, text: &str) -> crate::node::Node {
        yaml::parse(&yaml::Input {
            source,
            offset: 0,
            text,
        })
        .expect("valid YAML")
    }

    #[test]
    fn later_sources_win() {
        for (left, right, expected) in [
            (
                "{a: {b: 1, c: 2}}",
                "{a: {c: 3, d: 4}}",
                "{a: {b: 1, c: 3, d: 4}}",
            ),
            ("{a: {b: 1}}", "{a: {}}", "{a: {b: 1}}"),
            ("{a: {b: 1}}", "{a: }", "{a: }"),
            ("{a: {b: 1}}", "{a: 5}", "{a: 5}"),
            ("{a: {b: 1}}", "{a: [1]}", "{a: [1]}"),
            ("{a: [1, 2, 3]}", "{a: [4]}", "{a: [4]}"),
            ("{a: 1}", "{a: {b: 1}}", "{a: {b: 1}}"),
            ("{a: }", "{a: {b: 1}}", "{a: {b: 1}}"),
            ("{a: 1}", "{b: 2}", "{a: 1, b: 2}"),
            ("{a: '${file:x}'}", "{a: {b: 1}}", "{a: {b: 1}}"),
        ] {
            let merged = merge(&[tree(0, left), tree(1, right)], false);
            assert_eq!(merged, tree(0, expected), "{left} and {right}");
        }
    }

    #[test]
    fn every_value_keeps_its_source() {
        let merged = merge(
            &[
                tree(0, "{a: {b: 1, c: 2}}"),
                tree(1, "{a: }"),
                tree(2, "{a: {c: 3}, d: 4}"),
            ],
            false,
        );
        let a = merged.entry("a").expect("a");
        assert!(a.entry("b").is_none(), "erased by the second source");
        assert_eq!(a.entry("c").expect("c").at.source, 2);
        let merged = merge(&[tree(0, "{a: {b: 1, c: 2}}"), tree(1, "{a: {c: 3}}")], false);
        let a = merged.entry("a").expect("a");
        assert_eq!(a.entry("b").expect("b").at.source, 0);
        assert_eq!(a.entry("c").expect("c").at.source, 1);
    }

    #[test]
    fn lists_of_the_service_are_put_together_if_a_gate_says_so() {
        for (layers, expected) in [
            (
                &[
                    "{service: {extensions: [a, b]}}",
                    "{service: {extensions: [b, c]}}",
                ][..],
                "{service: {extensions: [a, b, c]}}",
            ),
            (
                &[
                    "{service: {pipelines: {logs: {receivers: [a], processors: [p], exporters: [x]}}}}",
                    "{service: {pipelines: {logs: {receivers: [b], processors: [q], exporters: [x, y]}}}}",
                ],
                "{service: {pipelines: {logs: {receivers: [a, b], processors: [q], exporters: [x, y]}}}}",
            ),
            (
                &[
                    "{service: {extensions: [a]}}",
                    "{service: {extensions: }}",
                    "{service: {extensions: [b]}}",
                ],
                "{service: {extensions: [b]}}",
            ),
            (
                &[
                    "{service: {extensions: [a]}}",
                    "{service: }",
                    "{service: {extensions: [b]}}",
                ],
                "{service: {extensions: [b]}}",
            ),
            (
                &[
                    "{x: {extensions: [a], receivers: [a]}}",
                    "{x: {extensions: [b], receivers: [b]}}",
                ],
                "{x: {extensions: [b], receivers: [b]}}",
            ),
        ] {
            let trees: Vec<_> = layers
                .iter()
                .enumerate()
                .map(|(source, text)| tree(source, text))
                .collect();
            assert_eq!(merge(&trees, true), tree(9, expected), "{layers:?}");
        }
    }
}
