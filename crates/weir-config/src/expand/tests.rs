//! The tables of the Collector's expansion rules.

use std::{collections::BTreeMap, ffi::OsString, io};

use serde::Deserialize;

use crate::{
    Environment, Sources,
    decode::decode,
    document::{Document, load},
    node::Kind,
};

/// Variables and files held in memory.
#[derive(Default)]
struct Held(BTreeMap<&'static str, &'static str>);

impl Environment for Held {
    fn variable(&self, name: &str) -> Option<OsString> {
        self.0.get(name).map(OsString::from)
    }

    fn read(&self, path: &std::path::Path, _: u64) -> io::Result<Vec<u8>> {
        let content = path.to_str().and_then(|path| self.0.get(path));
        content
            .map(|text| text.as_bytes().to_vec())
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

fn world() -> Held {
    Held(BTreeMap::from([
        ("X", "val"),
        ("EMPTY", ""),
        ("NULL", "null"),
        ("INT", "123"),
        ("OCTAL", "0123"),
        ("HEX", "0xdeadbeef"),
        ("QUOTED", "\"0123\""),
        ("TAGGED", "!!str 0123"),
        ("TRUE", "true"),
        ("T", "t"),
        ("LIST", "[a,b]"),
        ("BAD", "[\"a\","),
        ("NAME", "X"),
        ("NESTED", "${env:INT}"),
        ("SELF", "${env:SELF}"),
        ("GROW", "a${env:GROW}"),
        ("DOLLARS", "a$$b"),
        ("MAP", "{k: v}"),
        ("token.txt", "s3cret\n"),
        ("part.yaml", "a: ${env:INT}\nb: [1, x]\n"),
        ("loop.yaml", "again: ${file:loop.yaml}\n"),
    ]))
}

fn load_value(value: &str) -> Result<Document, crate::Report> {
    let text = format!("yaml:v: {value}");
    load(
        &Sources {
            configs: vec![text],
            sets: Vec::new(),
            ..Sources::default()
        },
        &world(),
    )
}

fn text(value: &str) -> String {
    let document = load_value(value).unwrap_or_else(|report| panic!("{value}: {report}"));
    assert!(document.unset.is_empty(), "{value}");
    #[derive(Deserialize)]
    struct Target {
        v: String,
    }
    decode(&document.root, &[], |source| Target::deserialize(source))
        .map(|target| target.v)
        .unwrap_or_else(|found| panic!("{found:?}"))
}

fn typed<T: for<'de> Deserialize<'de>>(value: &str) -> Option<T> {
    #[derive(Deserialize)]
    struct Target<T> {
        v: T,
    }
    let document = load_value(value).unwrap_or_else(|report| panic!("{value}: {report}"));
    decode(&document.root, &[], |source| Target::<T>::deserialize(source))
        .map(|target| target.v)
        .ok()
}

fn error(value: &str) -> String {
    let report = load_value(value).expect_err(value);
    report
        .diagnostics()
        .next()
        .expect("a diagnostic")
        .message()
        .to_owned()
}

#[test]
fn forms_of_references() {
    for (written, expected) in [
        ("${env:X}", "val"),
        ("${X}", "val"),
        ("a ${env:X} b ${X}", "a val b val"),
        ("${env:MISSING:-dflt}", "dflt"),
        ("${env:EMPTY:-dflt}", ""),
        ("${env:MISSING:-}", ""),
        ("${env:X:-dflt}", "val"),
        ("$X", "$X"),
        ("a $1 b", "a $1 b"),
        ("$$", "$"),
        ("$${X}", "${X}"),
        ("$$${X}", "$val"),
        ("$$$$", "$$"),
        ("$${1}/${X}", "${1}/val"),
        ("'${1}-${X}-${23}'", "${1}-val-${23}"),
        ("${1}", "${1}"),
        ("${env:${env:NAME}}", "val"),
        ("${NESTED}", "123"),
        ("'${unbalanced'", "${unbalanced"),
        ("'unbalanced}'", "unbalanced}"),
        ("'}${X}'", "}val"),
        ("${X}${X}$${X}", "valval${X}"),
        ("${DOLLARS}", "a$b"),
        ("${file:token.txt}", "s3cret"),
        ("Bearer ${file:token.txt}", "Bearer s3cret"),
        ("${env:MAP} text", "{k: v} text"),
        ("'${yaml:a: b}'", "a: b"),
        ("${env:MISSING:-${env:X}}", "val"),
    ] {
        assert_eq!(text(written), expected, "{written}");
    }
}

#[test]
fn the_target_decides_the_type() {
    // Raw text of the variable, as text, inside of text, as integer, as boolean.
    for (name, whole, embedded, int, bool) in [
        ("INT", "123", "<123>", Some(123), None),
        ("OCTAL", "0123", "<0123>", Some(83), None),
        ("HEX", "0xdeadbeef", "<0xdeadbeef>", Some(3_735_928_559), None),
        ("QUOTED", "\"0123\"", "<\"0123\">", None, None),
        ("TAGGED", "!!str 0123", "<!!str 0123>", None, None),
        ("TRUE", "true", "<true>", None, Some(true)),
        ("T", "t", "<t>", None, None),
        ("LIST", "[a,b]", "<[a,b]>", None, None),
        ("BAD", "[\"a\",", "<[\"a\",>", None, None),
        ("EMPTY", "", "<>", None, None),
        ("NULL", "null", "<null>", None, None),
    ] {
        assert_eq!(text(&format!("${{env:{name}}}")), whole, "{name}");
        assert_eq!(text(&format!("'<${{env:{name}}}>'")), embedded, "{name}");
        assert_eq!(typed::<i64>(&format!("${{env:{name}}}")), int, "{name}");
        assert_eq!(typed::<bool>(&format!("${{env:{name}}}")), bool, "{name}");
    }
    assert_eq!(
        typed::<Vec<String>>("${env:LIST}"),
        Some(vec!["a".to_owned(), "b".to_owned()])
    );
    assert_eq!(typed::<Option<String>>("${env:EMPTY}"), Some(None));
    assert_eq!(
        typed::<Option<String>>("${env:MISSING:-}"),
        Some(Some(String::new()))
    );
    assert_eq!(typed::<u64>("${env:MISSING:-5}"), Some(5));
    assert_eq!(typed::<u64>("${env:NESTED}"), Some(123));
    assert_eq!(typed::<u64>("1${env:INT}"), None, "spliced text stays text");
}

#[test]
fn sections_come_from_files() {
    let document = load_value("${file:part.yaml}").expect("loads");
    let node = document.root.entry("v").and_then(|v| v.entry("a")).expect("v::a");
    assert!(
        matches!(&node.kind, Kind::Number(number) if number.as_u64() == Some(123)),
        "{node:?}"
    );
    let list = document.root.entry("v").and_then(|v| v.entry("b")).expect("v::b");
    assert!(matches!(&list.kind, Kind::List(items) if items.len() == 2));
}

#[test]
fn keys_and_comments_are_not_expanded() {
    let document = load_value("{'${X}': 1} # ${env:MISSING}").expect("loads");
    assert!(document.root.entry("v").and_then(|v| v.entry("${X}")).is_some());
    assert!(document.unset.is_empty());
}

#[test]
fn unset_variables_are_kept_for_later() {
    let document = load_value("${env:MISSING}").expect("loads");
    assert_eq!(document.unset.len(), 1);
    assert_eq!(document.unset[0].path.to_string(), "v");
}

#[test]
fn malformed_references_are_errors() {
    for (written, expected) in [
        ("${1A}", "`1A` is no name of an environment variable"),
        ("${env:1}", "`1` is no name of an environment variable"),
        ("'${env:X:-${1}}'", "`1` is no name of an environment variable"),
        (
            "${hello.world}",
            "`hello.world` is no name of an environment variable",
        ),
        ("${env:A-B}", "`A-B` is no name of an environment variable"),
        ("${foo:bar}", "the scheme `foo` is not supported"),
        ("${HOST:-x}", "the scheme `HOST` is not supported"),
        ("${X:-x}", "the reference `${X:-x}` is malformed"),
        ("${env:$X}", "the reference `${env:$X}` contains a `$`"),
        ("${env:SELF}", "too many recursive expansions"),
        ("${env:GROW}", "too many recursive expansions"),
        ("${file:loop.yaml}", "too many recursive expansions"),
        (
            "${https://example.com}",
            "cannot fetch `https://example.com`: this program reads no configuration over the network",
        ),
    ] {
        assert_eq!(error(written), expected, "{written}");
    }
    assert!(error("${file:missing}").starts_with("cannot read the file `missing`"));
}
