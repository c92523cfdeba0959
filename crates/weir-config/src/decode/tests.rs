use std::collections::BTreeMap;

use serde::Deserialize;

use super::{decode, diagnose};
use crate::{path::Path, yaml};

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Outer {
    text: String,
    number: u16,
    ratio: f64,
    on: bool,
    names: Vec<String>,
    counts: Vec<u64>,
    inner: Inner,
    map: BTreeMap<String, Inner>,
    mode: Mode,
    maybe: Option<Inner>,
}

impl Default for Outer {
    fn default() -> Self {
        Self {
            text: "default".to_owned(),
            number: 7,
            ratio: 0.5,
            on: true,
            names: vec!["default".to_owned()],
            counts: Vec::new(),
            inner: Inner { size: 9 },
            map: BTreeMap::new(),
            mode: Mode::Fast,
            maybe: None,
        }
    }
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Inner {
    size: usize,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Mode {
    Fast,
    Slow,
}

fn read(text: &str) -> Result<Outer, Vec<String>> {
    let node = yaml::parse(&yaml::Input {
        source: 0,
        offset: 0,
        text,
    })
    .expect("valid YAML");
    decode(&node, &[], |source| {
        let mut erased = <dyn erased_serde::Deserializer<'_>>::erase(source);
        erased_serde::deserialize::<Outer>(&mut erased)
    })
    .map_err(|problems| {
        problems
            .iter()
            .map(|problem| {
                let diagnostic = diagnose(&node, &Path::root(), problem);
                let hint = diagnostic
                    .advice()
                    .map(|hint| format!(" ({hint})"))
                    .unwrap_or_default();
                format!(
                    "{}: {}{hint}",
                    diagnostic.config_path().unwrap_or_default(),
                    diagnostic.message()
                )
            })
            .collect()
    })
}

fn check(text: &str, change: impl FnOnce(&mut Outer)) {
    let mut expected = Outer::default();
    change(&mut expected);
    assert_eq!(read(text), Ok(expected), "{text}");
}

#[test]
fn null_keeps_defaults_of_sections() {
    check("", |_| {});
    check("inner:\nmap:\nnames:\nmaybe:\n", |_| {});
    check("inner: {}", |outer| outer.inner.size = 0);
    check("names: []", |outer| outer.names.clear());
    check("map: {a: }", |outer| {
        outer.map.clear();
    });
}

#[test]
fn scalars_are_strict() {
    check("text: '5'", |outer| outer.text = "5".to_owned());
    check("number: 5.0", |outer| outer.number = 5);
    check("number: 1e3", |outer| outer.number = 1000);
    check("number: 0x10", |outer| outer.number = 16);
    check("number: 0123", |outer| outer.number = 83);
    check("number: 1_000", |outer| outer.number = 1000);
    check("ratio: 1", |outer| outer.ratio = 1.0);
    check("names: a,b , c", |outer| {
        outer.names = vec!["a".into(), "b ".into(), " c".into()]
    });
    check("names: ''", |outer| outer.names.clear());
    check("mode: slow", |outer| outer.mode = Mode::Slow);
    for (text, expected) in [
        (
            "text: 5",
            "text: expected a text, found the number `5` (put the value in quotes to make it a text)",
        ),
        (
            "text: true",
            "text: expected a text, found `true` (put the value in quotes to make it a text)",
        ),
        (
            "text: 0123",
            "text: expected a text, found the number `83` (put the value in quotes to make it a text)",
        ),
        (
            "text:",
            "text: expected a text, found nothing (remove the key to keep its default, or give it a value)",
        ),
        (
            "number: 1.5",
            "number: expected an integer from 0 to 65535, found the number `1.5`",
        ),
        (
            "number: -1",
            "number: the number `-1` is not allowed, expected an integer from 0 to 65535",
        ),
        (
            "number: 70000",
            "number: the number `70000` is not allowed, expected an integer from 0 to 65535",
        ),
        (
            "number: '5'",
            "number: expected an integer from 0 to 65535, found the text `5` (remove the quotes)",
        ),
        (
            "on: yes",
            "on: expected `true` or `false`, found the text `yes` (write `true`, without quotes)",
        ),
        ("on: 1", "on: expected `true` or `false`, found the number `1`"),
        (
            "counts: 1,2",
            "counts: expected a list, found a text (put it in brackets to make it a list)",
        ),
        ("inner: text", "inner: expected a mapping, found the text `text`"),
        ("names: {a: b}", "names: expected a list, found a mapping"),
        ("mode: slwo", "mode: unknown value `slwo` (did you mean `slow`?)"),
        (
            "mode: x",
            "mode: unknown value `x` (the values allowed here are: fast, slow)",
        ),
    ] {
        assert_eq!(read(text), Err(vec![expected.to_owned()]), "{text}");
    }
}

#[test]
fn all_mistakes_are_reported() {
    let text = "text: 5\nnumbr: 1\ninner: {size: -1, sise: 2}\nmap: {a: {size: x}, b: {size: 1}}\ncounts: [1, b, 3, d]\n";
    assert_eq!(
        read(text),
        Err(vec![
            "counts::1: expected an integer not below 0, found the text `b`".to_owned(),
            "counts::3: expected an integer not below 0, found the text `d`".to_owned(),
            "inner::sise: unknown key `sise` (did you mean `size`?)".to_owned(),
            "inner::size: the number `-1` is not allowed, expected an integer not below 0".to_owned(),
            "map::a::size: expected an integer not below 0, found the text `x`".to_owned(),
            "numbr: unknown key `numbr` (did you mean `number`?)".to_owned(),
            "text: expected a text, found the number `5` (put the value in quotes to make it a text)"
                .to_owned(),
        ])
    );
}

#[test]
fn missing_keys_are_reported_once() {
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Strict {
        #[expect(dead_code, reason = "only decoded")]
        a: u64,
        #[expect(dead_code, reason = "only decoded")]
        b: u64,
    }
    let node = yaml::parse(&yaml::Input {
        source: 0,
        offset: 0,
        text: "a: x",
    })
    .expect("valid YAML");
    let found = decode(&node, &[], |source| Strict::deserialize(source)).expect_err("broken");
    let messages: Vec<_> = found.iter().map(|problem| problem.fault.message()).collect();
    assert_eq!(messages, ["expected an integer not below 0, found the text `x`"]);
}
