//! The schema of a whole file: sections of components by id, and `service`.

use serde_json::{Map, Value, json};
use weir_component::ComponentKind;

use super::{Described, Schemas, grammar};
use crate::read::KINDS;

/// A type, or a type and a name.
const ID: &str = r"^\s*[A-Za-z][A-Za-z0-9_]*\s*(/.+)?$";

/// Returns the schema, with the options of components under `$defs` and without the definitions that these refer to.
pub(super) fn schema(schemas: &Schemas) -> Value {
    let mut definitions = Map::new();
    let mut properties = Map::new();
    for kind in KINDS {
        properties.insert(kind.section().to_owned(), section(schemas, kind));
    }
    for described in &schemas.components {
        let mut options = described.options.clone();
        grammar::admit(&mut options);
        definitions.insert(name(described), options);
    }
    properties.insert("service".to_owned(), service(&schemas.telemetry));
    json!({
        "title": "Weir configuration",
        "description": "A configuration file, or a part of one: several are laid over each other. Any value may be a text with `${...}`, \
                        which is expanded before the value is read.",
        "type": "object",
        "properties": properties,
        "patternProperties": { "::": {} },
        "additionalProperties": false,
        "$defs": definitions,
    })
}

/// Name of a component's options among the definitions; types have no dots.
fn name(described: &Described) -> String {
    format!("{}.{}", described.factory.kind(), described.factory.meta().name)
}

/// The components of a kind by id. Plain types are listed so that editors can offer them.
fn section(schemas: &Schemas, kind: ComponentKind) -> Value {
    let (mut plain, mut named) = (Map::new(), Map::new());
    named.insert("::".to_owned(), json!({}));
    for described in &schemas.components {
        if described.factory.kind() != kind {
            continue;
        }
        let meta = described.factory.meta();
        let reference = format!("#/$defs/{}", name(described));
        let mut add = |spelling: &str, schema: Value| {
            plain.insert(spelling.to_owned(), schema.clone());
            named.insert(format!(r"^\s*{spelling}\s*/.+$"), schema);
        };
        add(meta.name, json!({ "$ref": reference }));
        let bare = meta.name.replace('_', "");
        let old = meta.aliases.iter().copied().chain([bare.as_str()]);
        for spelling in old.filter(|spelling| *spelling != meta.name) {
            let description = format!(
                "Old name of `{0}`: write `{0}`, here and in the pipelines.",
                meta.name
            );
            add(
                spelling,
                json!({ "$ref": reference, "description": description, "deprecated": true }),
            );
        }
    }
    let what = match kind {
        ComponentKind::Receiver => "What brings data in",
        ComponentKind::Processor => "What changes data on its way",
        ComponentKind::Exporter => "What takes data out",
        ComponentKind::Connector => "What ends pipelines and begins others",
        ComponentKind::Extension => "What serves beside the pipelines",
    };
    json!({
        "description": format!("{what}, by id: a type, or `type/name` where there are several of it."),
        "type": ["object", "null", "string"],
        "pattern": r"\$\{",
        "properties": plain,
        "patternProperties": named,
        "additionalProperties": false,
    })
}

fn service(telemetry: &Value) -> Value {
    let mut telemetry = telemetry.clone();
    grammar::admit(&mut telemetry);
    let ids = |what: &str| {
        let mut list = json!({
            "description": what,
            "type": "array",
            "items": { "type": "string", "pattern": ID },
        });
        grammar::admit(&mut list);
        list
    };
    let pipeline = json!({
        "description": "One way of data.",
        "type": ["object", "null", "string"],
        "pattern": r"\$\{",
        "properties": {
            "receivers": ids("Ids of receivers, and of connectors that end other pipelines. At least one."),
            "processors": ids("Ids of processors, in the order of the data. Default: none."),
            "exporters": ids("Ids of exporters, and of connectors that begin other pipelines. At least one."),
        },
        "patternProperties": { "::": {} },
        "additionalProperties": false,
    });
    json!({
        "description": "What runs.",
        "type": ["object", "null", "string"],
        "pattern": r"\$\{",
        "properties": {
            "extensions": ids("Ids of the extensions to start, in this order. Default: none."),
            "pipelines": {
                "description": "Ways of data by id: `metrics`, `traces` or `logs`, or with a name, as in `metrics/prod`.",
                "type": ["object", "null", "string"],
                "pattern": r"\$\{",
                "properties": { "metrics": pipeline, "traces": pipeline, "logs": pipeline },
                "patternProperties": { r"^\s*(metrics|traces|logs)\s*/.+$": pipeline, "::": {} },
                "additionalProperties": false,
            },
            "telemetry": telemetry,
        },
        "patternProperties": { "::": {} },
        "additionalProperties": false,
    })
}
