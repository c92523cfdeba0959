//! `schema`: JSON Schemas of configuration files and of single components.

use anyhow::{Context, bail};
use weir_component::{Catalog, ComponentKind, Factory};
use weir_config::schema::Schemas;

/// Returns the schema of files, or that of the component named as `kind/type`.
pub(crate) fn render(catalog: &Catalog, component: Option<&str>) -> anyhow::Result<String> {
    let schemas = Schemas::of(catalog);
    let schema = match component {
        None => schemas.file(),
        Some(component) => {
            let factory = find(catalog, component)?;
            let described = schemas.component(factory.kind(), factory.meta().name);
            described.context("a component of the catalog is not described")?
        }
    };
    Ok(serde_json::to_string_pretty(&schema).context("cannot write JSON")? + "\n")
}

/// Finds a component by `exporter/type` or `exporters/type`, in any spelling that configurations may use.
fn find<'a>(catalog: &'a Catalog, component: &str) -> anyhow::Result<&'a Factory> {
    const KINDS: [ComponentKind; 5] = [
        ComponentKind::Receiver,
        ComponentKind::Processor,
        ComponentKind::Exporter,
        ComponentKind::Connector,
        ComponentKind::Extension,
    ];
    let Some((kind, type_name)) = component.split_once('/') else {
        bail!("`{component}` names no component: write `kind/type`, for example `exporter/otlp_http`");
    };
    let Some(kind) = KINDS
        .into_iter()
        .find(|known| kind == known.as_str() || kind == known.section())
    else {
        bail!("`{kind}` is no kind of component: use receiver, processor, exporter, connector or extension");
    };
    if let Some(found) = catalog.find(kind, type_name) {
        return Ok(found.factory());
    }
    let names: Vec<_> = catalog.of_kind(kind).map(|factory| factory.meta().name).collect();
    bail!(
        "this build has no {kind} `{type_name}`; its {}: {}",
        kind.section(),
        names.join(", ")
    )
}
