//! The pages: one per component, one per shared block, an index.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use weir_component::{ComponentKind, Factory};
use weir_config::schema::{Described, Schemas};

use super::COMMAND;
use super::keys::{Keys, Tables};
use super::markdown::{code, table};
use super::readme::Readme;

/// Keys that several components have, as a section or among their own.
#[derive(Debug)]
pub(crate) struct Block {
    /// Name of the page.
    pub(crate) name: String,
    /// What the page is called.
    pub(crate) title: &'static str,
    /// The keys.
    pub(crate) schema: Value,
}

/// Returns all pages by their path in `docs/reference/`.
pub(crate) fn all(schemas: &Schemas, blocks: &[Block], root: &Path) -> BTreeMap<String, String> {
    let mut pages = BTreeMap::new();
    let mut index: BTreeMap<ComponentKind, Vec<[String; 3]>> = BTreeMap::new();
    for described in schemas.components() {
        let (kind, meta) = (described.factory.kind(), described.factory.meta());
        let folder = format!("components/{}/{}", kind.section(), meta.name);
        let readme = Readme::read(root, &folder, "../../..");
        let path = format!("{}/{}.md", kind.section(), meta.name);
        index.entry(kind).or_default().push([
            format!("[`{}`]({path})", meta.name),
            first_sentence(&readme.purpose),
            meta.stability.as_str().to_owned(),
        ]);
        pages.insert(path, component(schemas, blocks, described, &readme, &folder));
    }
    for block in blocks {
        pages.insert(
            format!("shared/{}.md", block.name),
            shared(schemas, blocks, block),
        );
    }
    pages.insert("service.md".to_owned(), service(schemas, blocks));
    pages.insert("README.md".to_owned(), overview(&index, blocks));
    pages
}

/// Returns the beginning of a text up to the first full stop that ends a sentence.
fn first_sentence(text: &str) -> String {
    let text = text.replace('\n', " ");
    text.split_once(". ")
        .map_or(text.clone(), |(first, _)| format!("{first}."))
}

fn head(title: &str) -> String {
    format!(
        "<!-- Made of the code. Edit the doc comments of the options or the component's README, then: {COMMAND} -->\n\n# {title}\n\n"
    )
}

fn component(
    schemas: &Schemas,
    blocks: &[Block],
    described: &Described,
    readme: &Readme,
    folder: &str,
) -> String {
    let (kind, meta) = (described.factory.kind(), described.factory.meta());
    let mut page = head(&format!("`{}` {kind}", meta.name));
    page += &format!("{}\n\n", readme.purpose);
    let mut facts = vec![["Signals".to_owned(), signals(&described.factory)]];
    facts.push(["Stability".to_owned(), meta.stability.as_str().to_owned()]);
    if !meta.aliases.is_empty() {
        let names: Vec<_> = meta.aliases.iter().map(|name| code(name)).collect();
        facts.push(["Old names".to_owned(), names.join(", ")]);
    }
    facts.push([
        "More".to_owned(),
        format!("[README](../../../{folder}/README.md)"),
    ]);
    facts.retain(|[_, value]| !value.is_empty());
    page += &table(["", ""], &facts);
    if let Some(example) = &readme.example {
        page += &format!("\n```yaml\n{example}\n```\n");
    }
    page += "\n## Keys\n\n";
    let tables = Tables {
        schemas,
        blocks,
        shared: "../shared",
    };
    let keys = tables.keys(schemas.resolve(&described.options));
    if keys.rows.is_empty() && keys.borrowed.is_empty() {
        page += "None.\n";
    }
    page += &render(&keys, blocks, "../shared");
    if let Some(metrics) = &readme.metrics {
        page += &format!("\n## Own metrics\n\n{metrics}\n");
    }
    page
}

fn signals(factory: &Factory) -> String {
    match factory {
        Factory::Connector(connector) => {
            let pairs = connector
                .pairs
                .iter()
                .map(|(from, to)| format!("{} to {}", from.as_str(), to.as_str()));
            pairs.collect::<Vec<_>>().join(", ")
        }
        other => {
            let signals = other.meta().signals.iter().map(|signal| signal.as_str());
            signals.collect::<Vec<_>>().join(", ")
        }
    }
}

fn shared(schemas: &Schemas, blocks: &[Block], block: &Block) -> String {
    let mut page = head(block.title);
    let description = block.schema.get("description").and_then(Value::as_str);
    page += &format!("{}\n\n", description.unwrap_or_default());
    if !block.name.starts_with("telemetry") {
        page += "Components choose some of these defaults themselves; their pages say which.\n\n";
    }
    let tables = Tables {
        schemas,
        blocks,
        shared: ".",
    };
    page + &render(&tables.keys_of_block(block), blocks, ".")
}

fn service(schemas: &Schemas, blocks: &[Block]) -> String {
    let telemetry = serde_json::json!({ "properties": { "telemetry": schemas.telemetry() } });
    let tables = Tables {
        schemas,
        blocks,
        shared: "shared",
    };
    head("`service`") + SERVICE + &render(&tables.keys(&telemetry), blocks, "shared")
}

const SERVICE: &str = "What runs. Components that nothing here names are checked and then left alone.

| Key | Type | Meaning |
|---|---|---|
| `extensions` | list of ids | The extensions to start, in this order. |
| `pipelines` | map of ids to sections | Ways of data, at least one. An id is a signal (`metrics`, `traces`, `logs`), or a signal and a name, as in `metrics/prod`. |
| `pipelines::<id>::receivers` | list of ids | Receivers, and connectors that end other pipelines. At least one. |
| `pipelines::<id>::processors` | list of ids | Processors, in the order of the data. |
| `pipelines::<id>::exporters` | list of ids | Exporters, and connectors that begin other pipelines. At least one. |

## `telemetry`

";

fn render(keys: &Keys, blocks: &[Block], folder: &str) -> String {
    let mut text = table(["Key", "Type", "Default", "Meaning"], &keys.rows);
    for borrowed in &keys.borrowed {
        let title = blocks
            .iter()
            .find(|block| block.name == borrowed.block)
            .map_or("", |block| block.title);
        let place = match borrowed.section.as_str() {
            "" => "On the same level".to_owned(),
            section => format!("In `{section}`"),
        };
        if !text.is_empty() {
            text.push('\n');
        }
        text += &format!(
            "{place} stand the keys of the [{title}]({folder}/{}.md)",
            borrowed.block
        );
        if borrowed.differing.is_empty() {
            text += ".\n";
        } else {
            text += ", with other defaults for these:\n\n";
            let rows: Vec<_> = borrowed
                .differing
                .iter()
                .map(|(key, default)| [code(key), code(default)])
                .collect();
            text += &table(["Key", "Default"], &rows);
        }
    }
    text
}

fn overview(index: &BTreeMap<ComponentKind, Vec<[String; 3]>>, blocks: &[Block]) -> String {
    let mut page = head("Reference");
    page += "Every component and every key of this build. `weir schema` prints the same for editors: see \
             [editors](../editors.md).\n";
    for (kind, rows) in index {
        let section = kind.section();
        page += &format!("\n## {}{}\n\n", section[..1].to_uppercase(), &section[1..]);
        page += &table(["Type", "What it does", "Stability"], rows);
    }
    page += "\n## The service\n\n[`service`](service.md): pipelines, extensions, and logs, metrics and traces of Weir itself.\n";
    page += "\n## Shared blocks\n\n";
    let rows: Vec<_> = blocks
        .iter()
        .map(|block| [format!("[{}](shared/{}.md)", block.title, block.name)])
        .collect();
    page += &table(["Keys that several components have"], &rows);
    page + HOW_TO_READ
}

const HOW_TO_READ: &str = "
## How to read the tables

- `a::b` is the key `b` in the section `a`; `a[]::b` is `b` in each element of the list `a`. Both may be written with `::` in one key, too.
- *Duration*: numbers with the units `ns`, `us`, `ms`, `s`, `m`, `h`, such as `200ms` or `1h30m`.
- *Secret*: a text that shows as `[REDACTED]` wherever Weir prints it.
- *List of texts*: also one text with commas.
- A section with the default *off* or *on* takes the key `enabled` besides its own: `enabled: false` switches it off, naming the section
  switches it on. Named without a value, it is off where the key is the Collector's optional section, and on otherwise; `weir print-config`
  tells.
- `${env:NAME}`, `${file:path}` and the other expansions may stand in place of any value.
";
