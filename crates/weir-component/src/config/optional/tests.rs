use serde_json::{Value, from_str, json, to_value};

use super::*;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Section {
    size: u32,
}

impl Default for Section {
    fn default() -> Self {
        Self { size: 7 }
    }
}

#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Sections {
    set: OffUnlessSet<Section>,
    named: OffUnlessNamed<Section>,
    disabled: OnUnlessDisabled<Section>,
}

/// Reads all three flavours written the same way, and returns their sizes.
fn sizes(value: &str) -> [Option<u32>; 3] {
    let text = match value {
        "" => "{}".to_owned(),
        value => format!(r#"{{"set": {value}, "named": {value}, "disabled": {value}}}"#),
    };
    let sections: Sections = from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let Sections { set, named, disabled } = sections;
    [set.into_inner(), named.into_inner(), disabled.into_inner()]
        .map(|section| section.map(|section| section.size))
}

#[test]
fn the_table_of_flavours_holds() {
    assert_eq!(sizes(""), [None, None, Some(7)]);
    assert_eq!(sizes("null"), [None, Some(7), Some(7)]);
    assert_eq!(sizes("{}"), [Some(7); 3]);
    assert_eq!(sizes(r#"{"size": 9}"#), [Some(9); 3]);
    assert_eq!(sizes(r#"{"enabled": true, "size": 9}"#), [Some(9); 3]);
    assert_eq!(sizes(r#"{"size": 9, "enabled": false}"#), [None; 3]);
}

#[test]
fn what_is_printed_reads_back() {
    for value in ["", "null", "{}", r#"{"enabled": false}"#, r#"{"size": 9}"#] {
        let text = if value.is_empty() {
            "{}".to_owned()
        } else {
            format!(r#"{{"set": {value}, "named": {value}, "disabled": {value}}}"#)
        };
        let sections: Sections = from_str(&text).unwrap();
        let printed = to_value(&sections).unwrap();
        assert_eq!(
            serde_json::from_value::<Sections>(printed.clone()).unwrap(),
            sections,
            "{printed}"
        );
    }
}

#[test]
fn other_values_are_refused() {
    for value in [
        json!(5),
        json!("on"),
        json!([]),
        json!({"sise": 1}),
        json!({"enabled": "yes"}),
        Value::Bool(true),
    ] {
        assert!(
            serde_json::from_value::<OnUnlessDisabled<Section>>(value.clone()).is_err(),
            "{value}"
        );
    }
}
