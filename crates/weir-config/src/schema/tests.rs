use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use weir_component::config::{OffUnlessNamed, OnUnlessDisabled, Secret, duration};
use weir_component::schemars::{self, JsonSchema};
use weir_component::{
    Batch, BuildContext, BuildError, Catalog, ComponentKind, ConsumeError, Processor, ProcessorFactory,
    Stability, Validate, Verdict,
};
use weir_testkit::json_schema::mistakes;

use super::Schemas;

/// Options of the toy.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Options {
    /// Number of [`Toy`]s,
    /// at least one.
    #[schemars(range(min = 1))]
    number: u16,
    words: Vec<String>,
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    patience: Duration,
    colour: Option<Colour>,
    password: Secret,
    /// Shares its definition with `inner`, not its defaults.
    outer: Part,
    inner: Part,
    on: OnUnlessDisabled<Part>,
    off: OffUnlessNamed<Part>,
}

/// A colour.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Colour {
    /// As blood.
    Red,
    /// As grass.
    Green,
}

/// A part.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Part {
    size: f64,
    fits: bool,
}

impl Default for Part {
    fn default() -> Self {
        Self {
            size: 1.5,
            fits: true,
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            number: 3,
            words: vec!["a".to_owned()],
            patience: Duration::from_secs(90),
            colour: None,
            password: Secret::default(),
            outer: Part {
                size: 2.5,
                fits: true,
            },
            inner: Part::default(),
            on: OnUnlessDisabled::default(),
            off: OffUnlessNamed::default(),
        }
    }
}

impl Validate for Options {}

struct Toy;

impl Processor for Toy {
    type Config = Options;

    fn build(_: &Options, _: &BuildContext) -> Result<Self, BuildError> {
        Ok(Self)
    }

    fn process(&self, _: &mut Batch) -> Result<Verdict, ConsumeError> {
        Ok(Verdict::Forward)
    }
}

fn schemas() -> Schemas {
    let toy = ProcessorFactory::of::<Toy>("little_toy", Stability::Alpha).aliases(&["tiny"]);
    Schemas::of(&Catalog::new([toy.into()]))
}

fn options() -> Value {
    schemas()
        .component(ComponentKind::Processor, "little_toy")
        .expect("described")
}

#[track_caller]
fn check(schema: &Value, value: &Value, good: bool) {
    let found = mistakes(schema, value);
    assert_eq!(found.is_empty(), good, "{value}: {found:?}");
}

#[test]
fn defaults_stand_at_the_keys_they_belong_to() {
    let options = options();
    let property = |path: &str| options.pointer(path).unwrap_or(&Value::Null).clone();
    assert_eq!(property("/properties/number/default"), 3);
    assert_eq!(property("/properties/patience/default"), "1m30s");
    assert_eq!(property("/properties/password/default"), "");
    assert_eq!(property("/properties/inner/default"), Value::Null);
    assert_eq!(property("/properties/inner/$ref"), "#/$defs/Part");
    assert_eq!(property("/$defs/Part/properties/size/default"), 1.5);
    assert_eq!(property("/properties/outer/properties/size/default"), 2.5);
    assert_eq!(
        property("/properties/outer/description"),
        "Shares its definition with `inner`, not its defaults."
    );
    assert_eq!(property("/properties/off/default/enabled"), false);
    assert_eq!(property("/properties/on/default"), Value::Null);
}

#[test]
fn descriptions_are_text_and_numbers_have_ranges() {
    let options = options();
    let number = &options["properties"]["number"];
    assert_eq!(number["description"], "Number of `Toy`s, at least one.");
    assert_eq!(
        (&number["minimum"], &number["maximum"]),
        (&json!(1), &json!(65535))
    );
    assert_eq!(number.get("format"), None);
}

#[test]
fn the_grammar_of_files_holds_everywhere() {
    let options = options();
    for good in [
        json!({}),
        json!({ "number": 3, "words": ["a", "b"], "patience": "1m", "colour": "red", "on": { "size": 1, "enabled": false } }),
        json!({ "number": "${env:N}", "words": "a,b", "patience": "${P}", "colour": "${C}", "on": "${file:on.yaml}" }),
        json!({ "words": null, "on": null, "off": null, "inner": null, "colour": null }),
        json!({ "inner::size": 3 }),
        json!({ "on": { "fits": "${F:-true}" } }),
    ] {
        check(&options, &good, true);
    }
    for bad in [
        json!({ "numbr": 3 }),
        json!({ "number": "3" }),
        json!({ "number": null }),
        json!({ "number": 0 }),
        json!({ "number": 65536 }),
        json!({ "patience": "1 minute" }),
        json!({ "patience": 60 }),
        json!({ "colour": "blue" }),
        json!({ "on": { "enabeld": false } }),
        json!({ "on": true }),
        json!({ "words": [1] }),
    ] {
        check(&options, &bad, false);
    }
}

#[test]
fn files_are_sections_of_components_by_id() {
    let file = schemas().file();
    assert_eq!(file["$schema"], super::DIALECT);
    for id in ["little_toy", "little_toy/2", "littletoy", "tiny/x"] {
        check(&file, &json!({ "processors": { id: { "number": 3 } } }), true);
        check(&file, &json!({ "processors": { id: null } }), true);
        check(&file, &json!({ "processors": { id: { "numbr": 3 } } }), false);
    }
    assert_eq!(
        file["properties"]["processors"]["properties"]["tiny"]["deprecated"],
        true
    );
    let pipeline = |id: &str, key: &str| json!({ "service": { "pipelines": { id: { key: ["a/b"] } } } });
    check(&file, &pipeline("traces/x", "receivers"), true);
    check(&file, &pipeline("profiles", "receivers"), false);
    check(&file, &pipeline("logs", "exporter"), false);
    check(&file, &json!({ "processors": { "toy": null } }), false);
    check(&file, &json!({ "receivers": { "little_toy": null } }), false);
    check(&file, &json!({ "procesors": {} }), false);
    check(
        &file,
        &json!({ "receivers": null, "service::extensions": ["a"] }),
        true,
    );
}

#[test]
fn an_unknown_component_has_no_schema() {
    assert!(
        schemas()
            .component(ComponentKind::Receiver, "little_toy")
            .is_none()
    );
}
