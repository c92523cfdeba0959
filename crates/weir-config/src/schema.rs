//! JSON Schemas of configuration files, made of the types that read them: for editors (`weir schema`) and for the reference pages.
//!
//! A schema is stricter than an editor needs and laxer than `weir validate`: it knows types, keys, spellings and ranges, not what
//! values mean together. What may stand anywhere in a file is let in everywhere:
//!
//! - a text with `${...}` in it, whatever is expected there;
//! - null in place of a section, map or list, which then keeps its defaults;
//! - `a::b: value` for `a: {b: value}`, unchecked.

mod defaults;
mod file;
mod grammar;
mod text;

use serde_json::{Map, Value, json};
use weir_component::config::reveal;
use weir_component::config::schema::BLOCK;
use weir_component::schemars::generate::SchemaSettings;
use weir_component::schemars::{Schema, SchemaGenerator};
use weir_component::{Catalog, ComponentKind, Factory};

use crate::read::KINDS;
use crate::telemetry;

/// The dialect of all schemas.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The schemas of a binary's components and of what these have in common.
#[derive(Debug, Clone)]
pub struct Schemas {
    components: Vec<Described>,
    telemetry: Value,
    definitions: Map<String, Value>,
    more: Vec<Value>,
}

/// A component and the schema of its options.
#[derive(Debug, Clone)]
pub struct Described {
    /// Offers the component.
    pub factory: Factory,
    /// The options. Defaults of nested sections stand at their keys; what `$ref` names is in [`Schemas::resolve`].
    pub options: Value,
}

impl Schemas {
    /// Describes the components of a catalog.
    pub fn of(catalog: &Catalog) -> Self {
        Self::with(catalog, |_| Vec::new())
    }

    /// The same, and describes other types as well, which [`more`](Self::more) then has.
    pub fn with(catalog: &Catalog, more: impl FnOnce(&mut SchemaGenerator) -> Vec<Schema>) -> Self {
        // Secrets have no defaults worth hiding.
        let mut schemas = reveal(|| {
            let mut generator = SchemaSettings::draft2020_12().into_generator();
            Self {
                components: KINDS
                    .into_iter()
                    .flat_map(|kind| catalog.of_kind(kind))
                    .map(|factory| Described::of(*factory, &mut generator))
                    .collect(),
                more: more(&mut generator).into_iter().map(Schema::to_value).collect(),
                telemetry: telemetry::schema(&mut generator).to_value(),
                definitions: generator.take_definitions(true),
            }
        });
        for schema in schemas.all_mut() {
            text::tidy(schema);
        }
        schemas.settle_defaults();
        schemas
    }

    fn settle_defaults(&mut self) {
        let known = self.definitions.clone();
        for schema in self.all_mut() {
            defaults::settle(schema, &known);
        }
    }

    fn all_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        let components = self.components.iter_mut().map(|described| &mut described.options);
        components
            .chain([&mut self.telemetry])
            .chain(&mut self.more)
            .chain(self.definitions.values_mut())
    }

    /// Returns the components, by kind and then in the order of the catalog.
    pub fn components(&self) -> &[Described] {
        &self.components
    }

    /// Returns the schema of `service::telemetry`.
    pub fn telemetry(&self) -> &Value {
        &self.telemetry
    }

    /// Returns the schema of a shared block by its name, if a component or `service::telemetry` has it as a section.
    pub fn block(&self, name: &str) -> Option<&Value> {
        let mut definitions = self.definitions.values();
        definitions.find(|schema| schema.get(BLOCK).is_some_and(|block| block == name))
    }

    /// Returns the schemas of the types that were asked for beside the components.
    pub fn more(&self) -> &[Value] {
        &self.more
    }

    /// Returns what a schema refers to, or the schema itself.
    pub fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        defaults::resolve(schema, &self.definitions)
    }

    /// Returns the schema of configuration files.
    pub fn file(&self) -> Value {
        self.published(file::schema(self))
    }

    /// Returns the schema of the options of one component, by its kind and the name of its type.
    pub fn component(&self, kind: ComponentKind, name: &str) -> Option<Value> {
        let described = self.find(kind, name)?;
        let mut schema = described.options.clone();
        grammar::admit(&mut schema);
        Some(self.published(schema))
    }

    fn find(&self, kind: ComponentKind, name: &str) -> Option<&Described> {
        self.components
            .iter()
            .find(|described| described.factory.kind() == kind && described.factory.meta().name == name)
    }

    /// Adds the dialect and the definitions that are in use, and takes out what is for the reference pages.
    fn published(&self, mut schema: Value) -> Value {
        let mut definitions = Map::new();
        let mut wanted = references(&schema);
        while let Some(name) = wanted.pop() {
            let Some(definition) = self
                .definitions
                .get(&name)
                .filter(|_| !definitions.contains_key(&name))
            else {
                continue;
            };
            let mut definition = definition.clone();
            grammar::admit(&mut definition);
            wanted.extend(references(&definition));
            definitions.insert(name, definition);
        }
        if let Some(map) = schema.as_object_mut() {
            map.insert("$schema".to_owned(), DIALECT.into());
            // Components that are referred to stand here already.
            let present = map.entry("$defs").or_insert_with(|| json!({}));
            if let Some(present) = present.as_object_mut() {
                present.append(&mut definitions);
            }
        }
        text::present(&mut schema);
        schema
    }
}

impl Described {
    fn of(factory: Factory, generator: &mut SchemaGenerator) -> Self {
        Self {
            factory,
            options: factory.meta().schema(generator).to_value(),
        }
    }
}

/// Returns the names of the definitions that a schema refers to, directly.
fn references(schema: &Value) -> Vec<String> {
    let mut names = Vec::new();
    visit(schema, &mut |map| {
        let reference = map.get("$ref").and_then(Value::as_str);
        names.extend(
            reference
                .and_then(|path| path.strip_prefix("#/$defs/"))
                .map(str::to_owned),
        );
    });
    names
}

fn visit(value: &Value, see: &mut impl FnMut(&Map<String, Value>)) {
    match value {
        Value::Object(map) => {
            see(map);
            map.values().for_each(|value| visit(value, see));
        }
        Value::Array(list) => list.iter().for_each(|value| visit(value, see)),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
