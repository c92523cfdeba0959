//! Writes the page.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_yaml::{Mapping, Value};
use weir_component::ComponentKind;

use crate::KINDS;
use crate::readme;
use crate::trial::{self, Verdict};

const HEAD: &str = "<!-- Made by trying every key. Edit crates/weir/tests/compatibility/collector.yaml, then: WEIR_REWRITE=1 cargo test -p weir --test compatibility -->

# Compatibility with the OpenTelemetry Collector

What Weir does with the components and keys of the Collector and its contrib distribution. *Supported* is a key that is taken and
honoured; whatever is not supported is an error that says so, never ignored. What is done in another way than in the Collector is told in
[differences](differences.md); all keys with their meaning are in the [reference](reference/README.md). Former spellings of types, such as
`prometheusremotewrite` and `otlphttp`, work and warn.
";

/// A verdict per key.
type Verdicts = BTreeMap<String, Verdict>;

pub(crate) fn write(collector: &Value) -> String {
    let mut out = HEAD.to_owned();
    types(&mut out);
    let blocks: BTreeMap<&str, Verdicts> = mapping(&collector["blocks"])
        .map(|(name, block)| (name, block_verdicts(collector, block)))
        .collect();
    out += "\n## Shared blocks\n";
    for (name, block) in mapping(&collector["blocks"]) {
        let title = block["title"].as_str().expect("a title");
        let _ = write!(out, "\n### {title}\n\n");
        table(&mut out, block, &blocks[name]);
    }
    for kind in KINDS {
        let section = kind.section();
        let _ = write!(out, "\n## {}{}\n", section[..1].to_uppercase(), &section[1..]);
        for factory in weir::components().of_kind(kind) {
            let name = factory.meta().name;
            component(
                &mut out,
                collector,
                &blocks,
                kind,
                name,
                &collector["components"][section][name],
            );
        }
    }
    out += "\n## `service::telemetry`\n\n";
    let verdicts = mapping(&collector["telemetry"]).map(|(path, value)| {
        let (value, beside) = sample(value);
        (path.to_owned(), trial::telemetry(path, value, &beside))
    });
    table(&mut out, &Value::Null, &verdicts.collect());
    out
}

/// Which types there are, and which are known and missing.
fn types(out: &mut String) {
    *out += "\n## Components\n\n| Kind | In this build | Known, not in this build |\n|---|---|---|\n";
    for kind in KINDS {
        let built: Vec<&str> = weir::components()
            .of_kind(kind)
            .map(|factory| factory.meta().name)
            .collect();
        let mut missing: Vec<&str> = weir_config::known_types(kind)
            .filter(|name| !built.contains(name))
            .collect();
        missing.sort_unstable();
        let built: Vec<String> = built
            .iter()
            .map(|name| format!("[`{name}`](reference/{}/{name}.md)", kind.section()))
            .collect();
        let _ = writeln!(
            out,
            "| {} | {} | {} |",
            kind.section(),
            built.join(", "),
            missing.join(", ")
        );
    }
    *out += "\nA component that is not in this build is an error of `validate` that names it and its place. `profiles` pipelines are not supported.\n";
}

fn block_verdicts(collector: &Value, block: &Value) -> Verdicts {
    let tried = block["tried"].as_str().expect("where it is tried");
    let mut steps = tried.splitn(3, "::");
    let (section, name, prefix) = (steps.next(), steps.next(), steps.next().unwrap_or_default());
    let kind = KINDS
        .into_iter()
        .find(|kind| Some(kind.section()) == section)
        .expect("a section");
    let name = name.expect("a component");
    let base = base(kind, name, &collector["components"][kind.section()][name]);
    at_prefix(kind, name, &base, prefix, block)
}

/// Returns the options that a component is tried with: those that are listed, or else the first example in its README.
fn base(kind: ComponentKind, name: &str, entry: &Value) -> Value {
    match entry.get("base") {
        Some(base) => base.clone(),
        None => readme::example(kind, name),
    }
}

/// Tries the keys of a block that a component has under `prefix`.
fn at_prefix(kind: ComponentKind, name: &str, base: &Value, prefix: &str, block: &Value) -> Verdicts {
    let tried = mapping(&block["keys"]).map(|(key, value)| {
        let (value, beside) = sample(value);
        let mut needed = Value::Null;
        for part in [&block["beside"], &beside] {
            let mut placed = Value::Null;
            trial::put(&mut placed, prefix, part);
            if part.is_mapping() {
                trial::lay(&mut needed, &placed);
            }
        }
        let path = if prefix.is_empty() {
            key.to_owned()
        } else {
            format!("{prefix}::{key}")
        };
        (
            key.to_owned(),
            trial::component(kind, name, base, &path, value, &needed),
        )
    });
    tried.collect()
}

fn component(
    out: &mut String,
    collector: &Value,
    blocks: &BTreeMap<&str, Verdicts>,
    kind: ComponentKind,
    name: &str,
    entry: &Value,
) {
    let _ = write!(out, "\n### {} `{name}`\n\n", capitalized(kind.as_str()));
    let base = base(kind, name, entry);
    if let Some(title) = entry["differs"].get("").and_then(Value::as_str) {
        let _ = write!(
            out,
            "Differences: [{title}](differences.md#{}).\n\n",
            anchor(title)
        );
    }
    for (prefix, block_name) in mapping(&entry["blocks"]) {
        let block_name = block_name.as_str().expect("a block");
        let block = &collector["blocks"][block_name];
        let title = block["title"].as_str().expect("a title");
        let place = if prefix.is_empty() {
            "On its own level".to_owned()
        } else {
            format!("`{prefix}`")
        };
        let mut other = at_prefix(kind, name, &base, prefix, block);
        other.retain(|key, verdict| blocks[block_name].get(key) != Some(verdict));
        let _ = write!(out, "{place}: the keys of [{title}](#{})", anchor(title));
        if other.is_empty() {
            *out += ".\n\n";
        } else {
            *out += ", except\n\n";
            table(out, &Value::Null, &other);
            *out += "\n";
        }
    }
    let own = at_prefix(kind, name, &base, "", entry);
    if own.is_empty() && entry["own"].as_bool() == Some(true) {
        *out += "The Collector has no such component.\n";
    } else if own.is_empty() && !entry["blocks"].is_mapping() {
        *out += "It has no keys.\n";
    } else if !own.is_empty() {
        table(out, entry, &own);
    }
}

fn table(out: &mut String, entry: &Value, verdicts: &Verdicts) {
    *out += "| Key | Weir |\n|---|---|\n";
    for (key, verdict) in verdicts {
        let verdict = match verdict {
            Verdict::Supported => match entry["differs"].get(key.as_str()).and_then(Value::as_str) {
                Some(title) => format!("supported, [differs](differences.md#{})", anchor(title)),
                None => "supported".to_owned(),
            },
            Verdict::Unknown => "not there".to_owned(),
            Verdict::Refused(message) => {
                let message = message
                    .split_once("`: ")
                    .map_or(message.as_str(), |(_, message)| message);
                format!("refused: {}", message.replace('|', "\\|"))
            }
        };
        let _ = writeln!(out, "| `{key}` | {verdict} |");
    }
}

/// Splits an entry into the value to try and what it needs beside it.
fn sample(entry: &Value) -> (&Value, Value) {
    match (entry.get("value"), entry.get("beside")) {
        (Some(value), Some(beside)) => (value, beside.clone()),
        _ => (entry, Value::Null),
    }
}

fn mapping(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let entries = value.as_mapping().into_iter().flat_map(Mapping::iter);
    entries.map(|(key, value)| (key.as_str().expect("a text"), value))
}

fn capitalized(text: &str) -> String {
    format!("{}{}", text[..1].to_uppercase(), &text[1..])
}

/// The anchor of a heading, as code hosts make it.
fn anchor(title: &str) -> String {
    let kept = title.to_lowercase();
    let kept = kept
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '_' | '-'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}
