//! The Collector's grammar, rule by rule: what is written, and what is understood. Deliberate deviations are marked with *differs* and
//! stand in `docs/differences.md`. How mistakes are reported is in `testdata/bad`.

mod probe;

use probe::{REST, Variables, message, options, probe, read};

const NO_VARIABLES: Variables<'_> = Variables(&[]);

/// A value in JSON, or a part of the mistake.
type Expected = Result<&'static str, &'static str>;

/// Checks what becomes of options: the text, the option to look at, and its value in JSON or a part of the mistake.
fn check(cases: &[(&str, &str, Result<&str, &str>)]) {
    check_with(&NO_VARIABLES, cases);
}

fn check_with(variables: &Variables<'_>, cases: &[(&str, &str, Result<&str, &str>)]) {
    let mut wrong = Vec::new();
    for (written, key, expected) in cases {
        let found = probe(written, key, variables);
        let fits = match (&found, expected) {
            (Ok(found), Ok(expected)) => found == expected,
            (Err(found), Err(expected)) => found.contains(expected),
            _ => false,
        };
        if !fits {
            wrong.push(format!("{written} -> {key}: {found:?}, expected {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn scalars_are_strict() {
    check(&[
        // Texts.
        ("text: plain", "text", Ok("\"plain\"")),
        ("text: '5'", "text", Ok("\"5\"")),
        ("text: ''", "text", Ok("\"\"")),
        ("text: |\n  a\n  b", "text", Ok("\"a\\nb\\n\"")),
        ("text: 5", "text", Err("expected a text, found the number `5`")),
        ("text: 1.5", "text", Err("expected a text")),
        ("text: true", "text", Err("expected a text")),
        // YAML 1.1 would make a timestamp of it; a text is what is meant.
        ("text: 2001-01-01", "text", Ok("\"2001-01-01\"")),
        ("text: {a: 1}", "text", Err("expected a text, found a mapping")),
        // Booleans.
        ("flag: false", "flag", Ok("false")),
        (
            "flag: no",
            "flag",
            Err("expected `true` or `false`, found the text `no`"),
        ),
        ("flag: 'true'", "flag", Err("expected `true` or `false`")),
        ("flag: 1", "flag", Err("expected `true` or `false`")),
        // Integers.
        ("integer: -5", "integer", Ok("-5")),
        ("integer: 0x1f", "integer", Ok("31")),
        ("integer: 0o17", "integer", Ok("15")),
        ("integer: 0123", "integer", Ok("83")),
        ("integer: 0b101", "integer", Ok("5")),
        ("integer: 5.0", "integer", Ok("5")),
        // Differs: a fraction is not cut off.
        (
            "integer: 5.5",
            "integer",
            Err("expected an integer, found the number `5.5`"),
        ),
        (
            "integer: '5'",
            "integer",
            Err("expected an integer, found the text `5`"),
        ),
        ("integer: true", "integer", Err("expected an integer")),
        ("integer: 9223372036854775808", "integer", Err("is not allowed")),
        ("natural: -1", "natural", Err("`-1` is not allowed")),
        ("natural: 4294967296", "natural", Err("is not allowed")),
        // Numbers.
        ("number: 2", "number", Ok("2.0")),
        ("number: 1e3", "number", Ok("1000.0")),
        ("number: '2'", "number", Err("expected a number")),
        // Durations.
        ("span: 1h30m", "span", Ok("\"1h30m\"")),
        ("span: 1.5s", "span", Ok("\"1.5s\"")),
        ("span: 250us", "span", Ok("\"250us\"")),
        ("span: '0'", "span", Ok("\"0s\"")),
        ("span: 0", "span", Ok("\"0s\"")),
        // Differs: a bare number is not taken for nanoseconds.
        ("span: 5", "span", Err("a duration with a unit")),
        ("span: '5'", "span", Err("missing unit")),
        ("span: 1d", "span", Err("unknown unit `d`")),
        ("span: 5 s", "span", Err("duration")),
        ("span: true", "span", Err("a duration with a unit")),
        // Lists.
        ("texts: [a, b]", "texts", Ok("[\"a\",\"b\"]")),
        ("texts: a,b ,c", "texts", Ok("[\"a\",\"b \",\"c\"]")),
        ("texts: ''", "texts", Ok("[]")),
        (
            "texts: [a, 5]",
            "texts",
            Err("expected a text, found the number `5`"),
        ),
        ("texts: 5", "texts", Err("expected a list")),
        ("numbers: [1, 2]", "numbers", Ok("[1,2]")),
        ("numbers: 1,2", "numbers", Err("expected a list, found a text")),
        ("numbers: 1", "numbers", Err("expected a list")),
        // Words.
        ("word: slow", "word", Ok("\"slow\"")),
        ("word: SLOW", "word", Err("unknown value `SLOW`")),
    ]);
}

#[test]
fn null_and_empty_keep_defaults() {
    check(&[
        ("{}", "text", Ok("\"default\"")),
        ("section:", "section", Ok("{\"a\":1,\"b\":2}")),
        ("section: {}", "section", Ok("{\"a\":1,\"b\":2}")),
        ("section: {b: 5}", "section", Ok("{\"a\":1,\"b\":5}")),
        ("map:", "map", Ok("{\"default\":\"x\"}")),
        ("texts:", "texts", Ok("[\"default\"]")),
        ("texts: []", "texts", Ok("[]")),
        // Differs: null does not silently become 0, "" or false.
        ("text:", "text", Err("found nothing")),
        ("integer: null", "integer", Err("found nothing")),
        ("flag: ~", "flag", Err("found nothing")),
        ("span:", "span", Err("found nothing")),
        (
            "integer: {}",
            "integer",
            Err("expected an integer, found a mapping"),
        ),
        ("maybe: 3", "maybe", Ok("3")),
        ("maybe:", "maybe", Ok("null")),
        (
            "section: text",
            "section",
            Err("expected a mapping, found the text `text`"),
        ),
        (
            "section: [1, 2]",
            "section",
            Err("expected a mapping, found a list"),
        ),
    ]);
}

#[test]
fn optional_sections_have_three_flavours() {
    let (on, off, named_off) = ("{\"a\":1,\"b\":2}", "null", "{\"enabled\":false}");
    for (key, absent, null, empty) in [
        ("unless_set", off, off, on),
        ("unless_named", named_off, on, on),
        ("unless_disabled", on, on, on),
    ] {
        let switched_off = if key == "unless_set" { off } else { named_off };
        check(&[
            ("{}", key, Ok(absent)),
            (&format!("{key}:"), key, Ok(null)),
            (&format!("{key}: {{}}"), key, Ok(empty)),
            (&format!("{key}: {{b: 5}}"), key, Ok("{\"a\":1,\"b\":5}")),
            (&format!("{key}: {{enabled: true}}"), key, Ok(on)),
            (&format!("{key}: {{enabled: false}}"), key, Ok(switched_off)),
            (&format!("{key}: {{enabled: false, b: 5}}"), key, Ok(switched_off)),
            // What is switched off is still read.
            (
                &format!("{key}: {{enabled: false, c: 5}}"),
                key,
                Err("unknown key `c`"),
            ),
            (
                &format!("{key}: {{enabled: 'no'}}"),
                key,
                Err("expected `true` or `false`"),
            ),
            (&format!("{key}: true"), key, Err("a mapping")),
        ]);
    }
}

#[test]
fn keys_with_two_colons_nest() {
    check(&[
        ("section::b: 5", "section", Ok("{\"a\":1,\"b\":5}")),
        (
            "{'section::a': 3, 'section::b': 5}",
            "section",
            Ok("{\"a\":3,\"b\":5}"),
        ),
        (
            "{section: {a: 3}, 'section::b': 5}",
            "section",
            Ok("{\"a\":3,\"b\":5}"),
        ),
        (
            "{section: {a: 3}, 'section::a': 5}",
            "section",
            Err("given twice"),
        ),
        ("map::k: v", "map", Ok("{\"k\":\"v\"}")),
        ("section::c: 5", "section", Err("unknown key `c`")),
    ]);
    let whole = "{'exporters::probe::section::b': 5}";
    let (config, _) = read(&[REST, whole], &[], &NO_VARIABLES).expect("good");
    assert_eq!(options(&config)["section"]["b"], 5);
}

#[test]
fn yaml_is_read_as_the_collector_reads_it() {
    check(&[
        (
            "section: &s {a: 3}\nunless_set: *s",
            "unless_set",
            Ok("{\"a\":3,\"b\":2}"),
        ),
        (
            "section: &s {a: 3, b: 4}\nunless_set:\n  <<: *s\n  b: 9",
            "unless_set",
            Ok("{\"a\":3,\"b\":9}"),
        ),
        ("{\"text\": \"json\", \"numbers\": [1]}", "text", Ok("\"json\"")),
        (
            "map: {1: a, true: b, 1.5: c}",
            "map",
            Ok("{\"1\":\"a\",\"1.5\":\"c\",\"true\":\"b\"}"),
        ),
        ("text: a # comment", "text", Ok("\"a\"")),
        ("text: 'a # no comment'", "text", Ok("\"a # no comment\"")),
        ("text: a\ntext: b", "text", Err("the key `text` is given twice")),
        ("Text: a", "text", Err("unknown key `Text`")),
    ]);
}

#[test]
fn later_sources_go_before_earlier_ones() {
    let merged = |first: &str, second: &str| {
        let layers = [REST, first, second].map(|layer| {
            if layer == REST {
                layer.to_owned()
            } else {
                format!("{{exporters: {{probe: {layer}}}}}")
            }
        });
        let layers: Vec<&str> = layers.iter().map(String::as_str).collect();
        read(&layers, &[], &NO_VARIABLES)
            .map(|(config, _)| serde_json::to_string(&options(&config)).expect("JSON"))
            .map_err(|report| message(&report))
    };
    for (first, second, expected) in [
        (
            "{section: {a: 3}}",
            "{section: {b: 4}}",
            "\"section\":{\"a\":3,\"b\":4}",
        ),
        (
            "{section: {a: 3}}",
            "{section: {a: 4}}",
            "\"section\":{\"a\":4,\"b\":2}",
        ),
        (
            "{section: {a: 3}}",
            "{section: {}}",
            "\"section\":{\"a\":3,\"b\":2}",
        ),
        // Null erases the section, and then means its default.
        (
            "{section: {a: 3}}",
            "{section: }",
            "\"section\":{\"a\":1,\"b\":2}",
        ),
        ("{numbers: [1, 2]}", "{numbers: [3]}", "\"numbers\":[3]"),
        ("{texts: [a]}", "{texts: b}", "\"texts\":[\"b\"]"),
        (
            "{map: {k: v}}",
            "{map: {l: w}}",
            "\"map\":{\"k\":\"v\",\"l\":\"w\"}",
        ),
        ("{text: a}", "{text: b}", "\"text\":\"b\""),
    ] {
        let found = merged(first, second).expect(first);
        assert!(found.contains(expected), "{first} {second}: {found}");
    }
    assert!(
        merged("{section: {a: 3}}", "{section: 5}")
            .expect_err("no section")
            .contains("a mapping")
    );
    let erased = read(&[REST, "{exporters: }"], &[], &NO_VARIABLES).expect_err("no exporters");
    assert!(
        message(&erased).contains("`probe`, which is not defined"),
        "{erased}"
    );
}

#[test]
fn flags_set_single_values() {
    let set = |sets: &[&str]| {
        read(&[REST], sets, &NO_VARIABLES)
            .map(|(config, _)| options(&config))
            .map_err(|report| message(&report))
    };
    let good = set(&[
        "exporters.probe.section.a=3",
        "exporters.probe.texts=[a, b]",
        "exporters.probe.map={k: v}",
        "exporters.probe.text=a=b",
        "exporters::probe::integer=9",
        "exporters.probe.integer=10",
    ])
    .expect("good");
    assert_eq!(good["section"]["a"], 3);
    assert_eq!(good["texts"][1], "b");
    assert_eq!(good["map"]["k"], "v");
    assert_eq!(good["text"], "a=b");
    assert_eq!(good["integer"], 10);
    assert!(
        set(&["exporters.probe.text"])
            .expect_err("no value")
            .contains("without `=`")
    );
    assert!(
        set(&["exporters.probe.text=5"])
            .expect_err("a number")
            .contains("expected a text")
    );
}

#[test]
fn the_field_decides_the_type_of_a_variable() {
    let value = |raw: &'static str| [("X", raw)];
    let table: &[(&str, Expected, Expected, Expected)] = &[
        // raw text, text field, integer field, boolean field
        ("123", Ok("\"123\""), Ok("123"), Err("`true` or `false`")),
        ("0123", Ok("\"0123\""), Ok("83"), Err("`true` or `false`")),
        (
            "0xdeadbeef",
            Ok("\"0xdeadbeef\""),
            Ok("3735928559"),
            Err("`true` or `false`"),
        ),
        (
            "\"0123\"",
            Ok("\"\\\"0123\\\"\""),
            Err("an integer"),
            Err("`true` or `false`"),
        ),
        (
            "!!str 0123",
            Ok("\"!!str 0123\""),
            Err("an integer"),
            Err("`true` or `false`"),
        ),
        ("true", Ok("\"true\""), Err("an integer"), Ok("true")),
        ("t", Ok("\"t\""), Err("an integer"), Err("`true` or `false`")),
        (
            "[a,b]",
            Ok("\"[a,b]\""),
            Err("an integer"),
            Err("`true` or `false`"),
        ),
        (
            "[\"a\",",
            Ok("\"[\\\"a\\\",\""),
            Err("an integer"),
            Err("`true` or `false`"),
        ),
        ("", Ok("\"\""), Err("found nothing"), Err("found nothing")),
        ("null", Ok("\"null\""), Err("found nothing"), Err("found nothing")),
    ];
    for (raw, text, integer, flag) in table {
        let set = value(raw);
        let variables = Variables(&set);
        check_with(
            &variables,
            &[
                ("text: ${env:X}", "text", *text),
                ("integer: ${env:X}", "integer", *integer),
                ("flag: ${X}", "flag", *flag),
            ],
        );
        let embedded = probe("text: '<${env:X}>'", "text", &variables).expect("a text");
        assert_eq!(
            embedded,
            serde_json::to_string(&format!("<{raw}>")).expect("JSON"),
            "{raw}"
        );
    }
    check_with(
        &Variables(&[("LIST", "[a, b]"), ("MAP", "{a: 3}"), ("SPAN", "3s")]),
        &[
            ("texts: ${env:LIST}", "texts", Ok("[\"a\",\"b\"]")),
            ("section: ${env:MAP}", "section", Ok("{\"a\":3,\"b\":2}")),
            ("span: ${env:SPAN}", "span", Ok("\"3s\"")),
            // Only values are expanded, never keys.
            ("{map: {'${env:SPAN}': x}}", "map", Ok("{\"${env:SPAN}\":\"x\"}")),
            ("texts: ['${env:SPAN}', x]", "texts", Ok("[\"3s\",\"x\"]")),
        ],
    );
}

#[test]
fn variables_have_defaults_and_dollars_can_be_written() {
    check_with(
        &Variables(&[("X", "val"), ("EMPTY", "")]),
        &[
            ("text: ${env:NONE:-d}", "text", Ok("\"d\"")),
            ("text: ${env:EMPTY:-d}", "text", Ok("\"\"")),
            ("text: ${env:NONE:-}", "text", Ok("\"\"")),
            ("integer: ${env:NONE:-5}", "integer", Ok("5")),
            ("texts: ${env:NONE:-[a]}", "texts", Ok("[\"a\"]")),
            ("text: $X", "text", Ok("\"$X\"")),
            ("text: a$$b", "text", Ok("\"a$b\"")),
            ("text: $${X}", "text", Ok("\"${X}\"")),
            ("text: $$${X}", "text", Ok("\"$val\"")),
            // Differs: what follows an escaped reference is expanded as well.
            ("text: $${X}-${X}", "text", Ok("\"${X}-val\"")),
            ("text: ${yaml:${X}}", "text", Ok("\"val\"")),
            ("text: '${X'", "text", Ok("\"${X\"")),
            // Differs: a variable that is not set is an error.
            ("text: ${env:NONE}", "text", Err("`NONE` is not set")),
            ("integer: ${env:NONE}", "integer", Err("`NONE` is not set")),
            ("text: ${1}-$1", "text", Ok("\"${1}-$1\"")),
            ("text: ${1A}", "text", Err("no name of an environment variable")),
            (
                "text: ${env:A-B}",
                "text",
                Err("no name of an environment variable"),
            ),
            ("text: ${foo:bar}", "text", Err("scheme `foo` is not supported")),
            ("text: ${env:$X}", "text", Err("contains a `$`")),
        ],
    );
}

#[test]
fn ids_are_types_and_names() {
    let with = |id: &str| {
        let config = format!(
            "{{receivers: {{source: }}, exporters: {{{id:?}: }}, \
             service: {{pipelines: {{metrics: {{receivers: [source], exporters: [{id:?}]}}}}}}}}"
        );
        read(&[&config], &[], &NO_VARIABLES)
            .map(|(config, _)| {
                config
                    .exporters
                    .keys()
                    .map(ToString::to_string)
                    .collect::<String>()
            })
            .map_err(|report| message(&report))
    };
    for (id, expected) in [
        ("probe", "probe"),
        ("probe/a", "probe/a"),
        ("probe/a/b", "probe/a/b"),
        (" probe / a ", "probe/a"),
        ("probe/-._:@#1", "probe/-._:@#1"),
        ("probe/名前", "probe/名前"),
        // The id is kept as it is written.
        ("sonde/old", "sonde/old"),
    ] {
        assert_eq!(with(id).as_deref(), Ok(expected), "{id}");
    }
    for (id, expected) in [
        ("/a", "before `/` is empty"),
        ("probe/", "after `/` is empty"),
        ("1probe", "a type begins with a letter"),
        ("pro-be", "a type begins with a letter"),
        ("probe/a b", "no white space"),
        ("probe/a$b", "symbols"),
        ("probe/a+b", "symbols"),
        ("probe/a|b", "symbols"),
        ("probe/a~b", "symbols"),
        ("Probe", "unknown exporter type `Probe`"),
    ] {
        let found = with(id).expect_err(id);
        assert!(found.contains(expected), "{id}: {found}");
    }
    assert!(with(&"p".repeat(64)).expect_err("too long").contains("63 bytes"));
}

#[test]
fn pipelines_name_what_is_defined() {
    let with = |receivers: &str, exporters: &str, service: &str| {
        let config = format!(
            "{{receivers: {receivers}, exporters: {exporters}, extensions: {{beside: }}, service: {service}}}"
        );
        read(&[&config], &[], &NO_VARIABLES)
            .map(|(_, warnings)| {
                warnings
                    .diagnostics()
                    .map(|one| one.message().to_owned())
                    .collect::<Vec<_>>()
            })
            .map_err(|report| message(&report))
    };
    let good = "{pipelines: {metrics: {receivers: [source], exporters: [probe]}}, extensions: [beside]}";
    assert_eq!(with("{source: }", "{probe: }", good), Ok(vec![]));
    // What is listed twice runs once; what nothing uses is left alone. Both are said.
    let twice =
        "{pipelines: {metrics: {receivers: [source, source], exporters: [probe]}}, extensions: [beside]}";
    assert_eq!(
        with("{source: }", "{probe: }", twice),
        Ok(vec!["`source` is listed twice".to_owned()])
    );
    let unused = with(
        "{source: , source/b: }",
        "{probe: }",
        "{pipelines: {logs/x: {receivers: [source], exporters: [probe]}}}",
    );
    assert_eq!(
        unused,
        Ok(vec![
            "the receiver `source/b` is in no pipeline".to_owned(),
            "the extension `beside` is not listed in `service::extensions`".to_owned(),
        ])
    );
    // An unused component is read all the same.
    let broken = with("{source: }", "{probe: , probe/b: {c: 1}}", good);
    assert_eq!(broken, Err("unknown key `c`".to_owned()));
    for (service, expected) in [
        ("{}", "there are no pipelines"),
        ("{pipelines: }", "there are no pipelines"),
        ("{pipelines: {metrics: }}", "neither receivers nor exporters"),
        (
            "{pipelines: {metrics: {receivers: [source]}}}",
            "has no exporters",
        ),
        ("{pipelines: {metrics: {exporters: [probe]}}}", "has no receivers"),
        (
            "{pipelines: {metrics: {receivers: source, exporters: [probe]}}}",
            "expected a list",
        ),
        (
            "{pipelines: {metrics: {receivers: [source], exporters: [other]}}}",
            "`other`, which is not defined",
        ),
        (
            "{pipelines: {Metrics: {receivers: [source], exporters: [probe]}}}",
            "unknown signal `Metrics`",
        ),
        (
            "{pipelines: {metrics/: {receivers: [source], exporters: [probe]}}}",
            "after `/` is empty",
        ),
        (
            "{pipelines: {profiles: {receivers: [source], exporters: [probe]}}}",
            "profiles are not supported",
        ),
        (
            "{pipelines: {metrics: {receivers: [source], exporters: [probe], x: 1}}}",
            "unknown key `x`",
        ),
        (
            "{pipelines: {metrics: {receivers: [source], exporters: [probe]}}, extensions: [besides]}",
            "`besides`, which is not defined",
        ),
        (
            "{pipelines: {metrics: {receivers: [source], exporters: [probe]}}, extensions: beside}",
            "expected a list",
        ),
    ] {
        let found = with("{source: }", "{probe: }", service).expect_err(service);
        assert!(found.contains(expected), "{service}: {found}");
    }
    assert!(
        with("{source: }", "[probe]", good)
            .expect_err("no mapping")
            .contains("expected a mapping of exporters")
    );
}
