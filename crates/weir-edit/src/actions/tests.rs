//! Each action on a list of attributes.

use bytes::Bytes;
use prost::Message as _;
use weir_component::{Batch, Identity, Signal, Validate, Violations};
use weir_pdata::ContextParts;
use weir_pdata::rewrite::{Answer, Editor, ResourceEdit};
use weir_pdata::view::{Attributes, Resource};
use weir_proto::otlp::collector::logs::v1::ExportLogsServiceRequest;
use weir_proto::otlp::logs::v1::ResourceLogs;
use weir_proto::otlp::resource::v1;

use super::*;
use crate::Literal;

struct Run<'a>(Prepared<'a>);

impl Editor for Run<'_> {
    fn resource(&mut self, _: &Resource<'_>, edit: &mut ResourceEdit<'_>) -> Answer {
        self.0.apply(&mut edit.attributes);
        Answer::Enter
    }
}

struct Show(String);

impl Editor for Show {
    fn resource(&mut self, resource: &Resource<'_>, _: &mut ResourceEdit<'_>) -> Answer {
        self.0 = show(&resource.attributes);
        Answer::Keep
    }
}

fn show(attributes: &Attributes<'_>) -> String {
    let one = |attribute: Attribute<'_>| {
        let mut text = String::new();
        let kind = match attribute.value() {
            AnyValue::String(_) => '"',
            AnyValue::Int(_) => 'i',
            AnyValue::Double(_) => 'd',
            _ => '?',
        };
        weir_pdata::view::push_text(attribute.value(), &mut text).unwrap();
        format!("{}={kind}{text}", attribute.key().to_str().unwrap())
    };
    attributes.iter().map(one).collect::<Vec<_>>().join(" ")
}

fn context() -> Context {
    Context::new(ContextParts {
        peer: Some("10.1.2.3:5".parse().unwrap()),
        identity: Some(Identity {
            subject: "ann".to_owned(),
            attributes: [("team".to_owned(), "shop".to_owned())].into(),
        }),
        metadata: [("x-tenant".to_owned(), vec!["a".to_owned(), "b".to_owned()])].into(),
        ..ContextParts::default()
    })
}

/// Runs actions, written as JSON, on a list, written as a JSON object.
fn check(actions: &str, list: &str, expect: &str) {
    let actions: Vec<Action> = serde_json::from_str(actions).unwrap();
    for action in &actions {
        let mut found = Violations::default();
        action.validate(&mut found);
        assert_eq!(found.into_found(), [], "{action:?}");
    }
    let Literal::Map(list) = serde_json::from_str(list).unwrap() else {
        panic!("a map");
    };
    let attribute = |(key, value): (String, Literal)| otlp::KeyValue {
        key,
        value: Some(value.to_message()),
        ..otlp::KeyValue::default()
    };
    let request = ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            resource: Some(v1::Resource {
                attributes: list.into_iter().map(attribute).collect(),
                ..v1::Resource::default()
            }),
            ..ResourceLogs::default()
        }],
    };
    let mut batch = Batch::from_wire(Signal::Logs, Bytes::from(request.encode_to_vec())).unwrap();
    let actions = Actions::new(&actions).unwrap();
    batch.rewrite(&mut Run(actions.prepare(&context()))).unwrap();
    let mut shown = Show(String::new());
    batch.rewrite(&mut shown).unwrap();
    assert_eq!(shown.0, expect);
}

#[test]
fn values_are_set() {
    check(
        r#"[{"key": "a", "action": "INSERT", "value": 1}]"#,
        r#"{"b": 2}"#,
        "b=i2 a=i1",
    );
    check(
        r#"[{"key": "a", "action": "insert", "value": 1}]"#,
        r#"{"a": 2}"#,
        "a=i2",
    );
    check(
        r#"[{"key": "a", "action": "update", "value": "x"}]"#,
        r#"{"a": 2}"#,
        "a=\"x",
    );
    check(r#"[{"key": "a", "action": "update", "value": "x"}]"#, r#"{}"#, "");
    check(
        r#"[{"key": "a", "action": "upsert", "value": [1, {"k": 2.5}]}]"#,
        "{}",
        r#"a=?[1,{"k":2.5}]"#,
    );
}

#[test]
fn values_come_from_elsewhere() {
    check(
        r#"[{"key": "a", "action": "upsert", "from_attribute": "b"}]"#,
        r#"{"b": 2.5}"#,
        "b=d2.5 a=d2.5",
    );
    check(
        r#"[{"key": "a", "action": "upsert", "from_attribute": "b"}]"#,
        r#"{"a": 1}"#,
        "a=i1",
    );
    check(
        r#"[{"key": "a", "action": "upsert", "from_attribute": "b", "default_value": "d"}]"#,
        r#"{"a": 1}"#,
        "a=\"d",
    );
    check(
        r#"[{"key": "a", "action": "insert", "default_value": "d"}]"#,
        "{}",
        "a=\"d",
    );
    for (name, text) in [
        ("metadata.X-Tenant", "a=\"a;b"),
        ("x-tenant", "a=\"a;b"),
        ("metadata.other", ""),
        ("auth.team", "a=\"shop"),
        ("auth.subject", "a=\"ann"),
        ("auth.other", ""),
        ("client.address", "a=\"10.1.2.3"),
    ] {
        let actions = format!(r#"[{{"key": "a", "action": "upsert", "from_context": "{name}"}}]"#);
        check(&actions, "{}", text);
    }
}

#[test]
fn attributes_are_deleted() {
    check(
        r#"[{"key": "a", "action": "delete"}]"#,
        r#"{"a": 1, "ab": 2}"#,
        "ab=i2",
    );
    check(
        r#"[{"pattern": "^a", "action": "delete"}]"#,
        r#"{"a": 1, "ab": 2, "ba": 3}"#,
        "ba=i3",
    );
    check(
        r#"[{"key": "ba", "pattern": "^a", "action": "delete"}]"#,
        r#"{"a": 1, "ba": 3}"#,
        "",
    );
}

#[test]
fn values_are_hashed() {
    // sha256sum of the same bytes.
    let text = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let one = "7c9fa136d4413fa6173637e883b6998d32e1d675f88cddff9dcbcf331820f4b8";
    let yes = "4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a";
    check(
        r#"[{"pattern": ".", "key": "t", "action": "hash"}]"#,
        r#"{"t": "abc", "i": 1, "b": true, "l": [], "e": ""}"#,
        &format!("t=\"{text} i=\"{one} b=\"{yes} l=\" e=\""),
    );
    check(r#"[{"key": "t", "action": "hash"}]"#, r#"{"o": 1}"#, "o=i1");
}

#[test]
fn parts_of_texts_are_extracted() {
    let actions = r#"[{"key": "url", "action": "extract", "pattern": "^(?P<scheme>\\w+)://(?P<host>[^:/]+)(?P<port>:\\d+)?"}]"#;
    check(
        actions,
        r#"{"url": "http://é.x/", "host": 1}"#,
        "url=\"http://é.x/ host=\"é.x scheme=\"http port=\"",
    );
    check(actions, r#"{"url": "no"}"#, "url=\"no");
    check(actions, r#"{"url": 1}"#, "url=i1");
}

#[test]
fn values_are_converted() {
    let list = r#"{"a": "12", "b": 1.9, "c": true, "d": "x", "e": 7, "f": "1e999", "g": "-Inf", "h": [1]}"#;
    let convert = |to: &str| {
        let one = |key| format!(r#"{{"key": "{key}", "action": "convert", "converted_type": "{to}"}}"#);
        let all: Vec<String> = "abcdefgh".chars().map(one).collect();
        format!("[{}]", all.join(","))
    };
    check(
        &convert("int"),
        list,
        "a=i12 b=i1 c=i1 d=\"x e=i7 f=\"1e999 g=\"-Inf h=?[1]",
    );
    check(
        &convert("double"),
        list,
        "a=d12 b=d1.9 c=d1 d=\"x e=d7 f=\"1e999 g=d-Infinity h=?[1]",
    );
    check(
        &convert("string"),
        list,
        "a=\"12 b=\"1.9 c=\"true d=\"x e=\"7 f=\"1e999 g=\"-Inf h=\"[1]",
    );
}

fn mistakes(action: &str) -> Vec<String> {
    let action: Action = serde_json::from_str(action).unwrap();
    let mut found = Violations::default();
    action.validate(&mut found);
    let text = |violation: weir_component::config::Violation| {
        format!("{}: {}", violation.path.join("::"), violation.message)
    };
    found.into_found().into_iter().map(text).collect()
}

#[test]
fn mistakes_are_told_all_at_once() {
    let cases: [(&str, &[&str]); 10] = [
        (
            r#"{"key": "a"}"#,
            &["action: required: insert, update, upsert, delete, hash, extract or convert"],
        ),
        (
            r#"{"action": "insert"}"#,
            &[
                "key: required",
                "value: required: one of `value`, `from_attribute`, `from_context`",
            ],
        ),
        (
            r#"{"action": "insert", "key": "a", "value": 1, "from_context": "x", "pattern": "x"}"#,
            &[
                ": has several sources: use one of `value`, `from_attribute`, `from_context`",
                "pattern: only delete, hash and extract have a pattern",
            ],
        ),
        (
            r#"{"action": "delete"}"#,
            &["key: required: a key, or a `pattern`"],
        ),
        (
            r#"{"action": "hash", "key": "a", "default_value": 1, "converted_type": "int"}"#,
            &[
                "default_value: only insert, update and upsert set a value",
                "converted_type: only convert has a type",
            ],
        ),
        (
            r#"{"action": "extract", "key": "a"}"#,
            &["pattern: required: its groups become attributes"],
        ),
        (
            r#"{"action": "extract", "key": "a", "pattern": "(a)"}"#,
            &[
                "pattern: has a group without a name: write `(?P<name>...)`, or `(?:...)` for a group that is not extracted",
            ],
        ),
        (
            r#"{"action": "extract", "key": "a", "pattern": "a"}"#,
            &["pattern: has no groups: write `(?P<name>...)`"],
        ),
        (
            r#"{"action": "delete", "pattern": "("}"#,
            &["pattern: not a regular expression: unclosed group"],
        ),
        (
            r#"{"action": "convert", "key": "a"}"#,
            &["converted_type: required: int, double or string"],
        ),
    ];
    for (action, expected) in cases {
        assert_eq!(mistakes(action), expected, "{action}");
    }
    let deep = format!(
        r#"{{"action": "insert", "key": "a", "value": {}1{}}}"#,
        "[".repeat(17),
        "]".repeat(17)
    );
    assert_eq!(mistakes(&deep), ["value: nests deeper than 16 lists and maps"]);
    assert!(serde_json::from_str::<Action>(r#"{"action": "drop"}"#).is_err());
}
