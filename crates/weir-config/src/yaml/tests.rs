use proptest::{collection, prelude::*};
use serde_yaml::{Mapping, Value};

use super::{Input, parse};
use crate::node::{Kind, Node};

fn tree(text: &str) -> Node {
    parse(&Input {
        source: 0,
        offset: 0,
        text,
    })
    .unwrap_or_else(|found| panic!("{text}\n{found:?}"))
}

fn message(text: &str) -> String {
    parse(&Input {
        source: 0,
        offset: 0,
        text,
    })
    .expect_err(text)[0]
        .message()
        .to_owned()
}

/// Every value has a place, and what is written there is the value.
fn check_places(text: &str, node: &Node) {
    let span = node
        .at
        .span
        .clone()
        .unwrap_or_else(|| panic!("no place for {node:?} in\n{text}"));
    let written = text
        .get(span)
        .unwrap_or_else(|| panic!("a place outside of\n{text}"));
    match &node.kind {
        Kind::Null => {}
        Kind::List(items) => items.iter().for_each(|item| check_places(text, item)),
        Kind::Map(map) => {
            for (key, entry) in map {
                let span = entry
                    .key
                    .as_ref()
                    .and_then(|place| place.span.clone())
                    .expect("a place for the key");
                assert_eq!(
                    tree(&text[span]),
                    tree(&serde_yaml::to_string(key).expect("prints")),
                    "in\n{text}"
                );
                check_places(text, entry);
            }
        }
        // The text of a block scalar (`|`) cannot be read on its own.
        Kind::Text(value) if value.contains('\n') => {}
        _ => assert_eq!(&tree(written), node, "`{written}` in\n{text}"),
    }
}

#[test]
fn places_are_those_of_the_values() {
    for text in [
        "a: 1\nb:\n  - x\n  - {c: [1, 2.5, true, null, ~]}\n",
        "{a: {b: c}, \"d\": 'e'}",
        "# comment\na: 0123 # octal\nb: 'ä ö ü'\nc: ∞\n",
        "a: |\n  two\n  lines\nb: >-\n  folded\n  text\nc: end\n",
        "- - a\n  - b\n-\n  c: d\n",
        "a:\r\n  b: 1\r\n",
        "---\na: 1\n...\n",
        "long: word word\n  word\nnext: 1\n",
        "a: \"x\\ty\"\nb: ''\nc: \"\"\n",
    ] {
        check_places(text, &tree(text));
    }
}

#[test]
fn merge_keys_are_applied_innermost_first() {
    let text = "base: &a {x: 1, y: 1}\nmid: &b {<<: *a, y: 2}\ntop: {<<: [*b, {z: 9, y: 8}], x: 3}\n";
    let expected = "base: {x: 1, y: 1}\nmid: {x: 1, y: 2}\ntop: {x: 3, y: 2, z: 9}\n";
    assert_eq!(tree(text), tree(expected));
}

#[test]
fn keys_are_texts() {
    assert_eq!(tree("1: a\ntrue: b\n"), tree("'1': a\n'true': b\n"));
    assert_eq!(message("[a]: b"), "a key that is no plain text in a mapping");
    assert_eq!(message("~: b"), "an empty key in a mapping");
}

#[test]
fn delimiters_in_keys_nest() {
    assert_eq!(
        tree("a::b: 1\na::c::d: 2\na: {e: 3}\n"),
        tree("a: {b: 1, c: {d: 2}, e: 3}")
    );
    assert_eq!(
        message("a::b: 1\na: {b: 2}\n"),
        "`b` is given twice, once through a key with `::`"
    );
    assert_eq!(
        message(&format!("{}: 1", vec!["a"; 100].join("::"))),
        "too many `::` in a key"
    );
}

#[test]
fn integers_of_yaml_1_1_are_integers() {
    for (text, expected) in [
        ("0123", "83"),
        ("-017", "-15"),
        ("+1_000", "1000"),
        ("0o17", "15"),
        ("0x1F", "31"),
        ("0b11", "3"),
    ] {
        assert_eq!(
            tree(&format!("a: {text}")),
            tree(&format!("a: {expected}")),
            "{text}"
        );
    }
    for text in ["'0123'", "\"1_000\"", "089", "1_000x", "0_x"] {
        let node = tree(&format!("a: {text}"));
        assert!(
            matches!(node.entry("a").map(|a| &a.kind), Some(Kind::Text(_))),
            "{text}"
        );
    }
}

#[test]
fn deep_and_repetitive_texts_are_refused() {
    assert!(
        parse(&Input {
            source: 0,
            offset: 0,
            text: &"[".repeat(100_000)
        })
        .is_err()
    );
    assert!(
        parse(&Input {
            source: 0,
            offset: 0,
            text: &"a: {".repeat(10_000)
        })
        .is_err()
    );
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let items = vec![format!("*a{}", level - 1); 9].join(", ");
        bomb += &format!("a{level}: &a{level} [{items}]\n");
    }
    assert!(
        parse(&Input {
            source: 0,
            offset: 0,
            text: &bomb
        })
        .is_err()
    );
}

fn scalars() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1e9..1e9).prop_map(Value::from),
        "[ -~]{0,12}".prop_map(Value::from),
        "[a-z0-9_.:@-]{1,8}".prop_map(Value::from),
        "\\PC{0,6}".prop_map(Value::from),
        proptest::sample::select(vec![
            "yes",
            "on",
            "~",
            "0123",
            "1_0",
            "1e3",
            ".inf",
            "2020-01-01",
            "null",
            "[a",
            "# x",
            "- y"
        ])
        .prop_map(Value::from),
    ]
}

fn values() -> impl Strategy<Value = Value> {
    scalars().prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            collection::vec(inner.clone(), 0..5).prop_map(Value::Sequence),
            collection::btree_map("[a-z0-9 _./-]{1,8}", inner, 0..5).prop_map(|map| {
                let entries = map.into_iter().map(|(key, value)| (Value::String(key), value));
                Value::Mapping(entries.collect::<Mapping>())
            }),
        ]
    })
}

proptest! {
    /// Both parsers see the same shape: every value that serde_yaml finds has a place from serde-saphyr.
    #[test]
    fn both_parsers_agree(value in values()) {
        let text = serde_yaml::to_string(&value).expect("prints");
        check_places(&text, &tree(&text));
    }

    /// Whatever comes in, the answer is a tree or a report.
    #[test]
    fn nothing_panics(text in "[a-c:\\-\\[\\]{}&*!|>'\"%@`#,? \t\r\n0-9~<$äß∞\u{85}]{0,60}") {
        let _ = parse(&Input { source: 0, offset: 0, text: &text });
    }
}
