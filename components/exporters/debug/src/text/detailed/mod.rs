//! Everything, a field per line.

mod logs;
mod metrics;
mod traces;

use std::fmt::{Result, Write};

use weir_proto::otlp::common::v1::{InstrumentationScope, KeyValue};
use weir_proto::otlp::resource::v1::Resource;

pub(super) use logs::logs;
pub(super) use metrics::metrics;
pub(super) use traces::traces;

use super::value::typed;

fn resource(out: &mut String, name: &str, index: usize, schema: &str, resource: Option<&Resource>) -> Result {
    writeln!(out, "{name} #{index}")?;
    writeln!(out, "Resource SchemaURL: {schema}")?;
    attributes(out, "Resource attributes:", 5, resource.map_or(&[], |resource| &resource.attributes))
}

fn scope(out: &mut String, name: &str, index: usize, schema: &str, scope: Option<&InstrumentationScope>) -> Result {
    writeln!(out, "{name} #{index}")?;
    writeln!(out, "{name} SchemaURL: {schema}")?;
    let Some(scope) = scope else { return writeln!(out, "InstrumentationScope") };
    writeln!(out, "InstrumentationScope {} {}", scope.name, scope.version)?;
    attributes(out, "InstrumentationScope attributes:", 5, &scope.attributes)
}

/// Writes a heading and the attributes below it, or nothing if there are none.
fn attributes(out: &mut String, heading: &str, indent: usize, attributes: &[KeyValue]) -> Result {
    if attributes.is_empty() {
        return Ok(());
    }
    writeln!(out, "{heading}")?;
    let mut attributes = attributes.iter();
    attributes.try_for_each(|pair| writeln!(out, "{:indent$}-> {}: {}", "", pair.key, typed(pair.value.as_ref())))
}
