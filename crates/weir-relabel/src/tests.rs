//! What rules do. The expectations are those of Prometheus 3.

use proptest::prelude::*;

use super::*;

type Pairs<'a> = &'a [(&'a str, &'a str)];

fn rules(json: &str) -> Vec<Rule> {
    let configs: Vec<RuleConfig> =
        serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"));
    let compile = |config: &RuleConfig| {
        config
            .compile()
            .unwrap_or_else(|found| panic!("{json}: {found:?}"))
    };
    configs.iter().map(compile).collect()
}

/// Applies rules, and compares with the labels expected, sorted by name, or with nothing if the set is dropped.
fn check(before: Pairs<'_>, json: &str, expected: Option<Pairs<'_>>) {
    let mut labels = Labels::new(before.iter().copied());
    let verdict = apply(&rules(json), &mut labels).expect("small");
    let found = (verdict == Verdict::Keep).then(|| labels.into_sorted());
    let expected = expected.map(|expected| {
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        expected.iter().map(pair).collect::<Vec<_>>()
    });
    assert_eq!(found, expected, "{before:?} {json}");
}

/// Applies one rule of replacement to `a` and returns what `to` is then.
fn replace(a: &str, regex: &str, replacement: &str) -> String {
    let config = RuleConfig {
        source_labels: vec!["a".into()],
        regex: Some(regex.into()),
        replacement: Some(replacement.into()),
        target_label: "to".into(),
        ..RuleConfig::default()
    };
    let mut labels = Labels::new([("a", a), ("to", "before")]);
    config
        .compile()
        .expect("sound")
        .apply(&mut labels)
        .expect("small");
    labels.get("to").to_owned()
}

#[test]
fn replace_writes_what_the_template_says() {
    for (a, regex, replacement, expected) in [
        ("foo", "f(.*)", "ch${1}-ch$1", "choo-choo"),
        ("foo", "f", "x", "before"),
        ("foo", "o+", "x", "before"),
        ("foo", "f|o", "x", "before"),
        ("foo", "foo|o", "$0", "foo"),
        ("foo", "(f)(x)?oo", "[$1$2]", "[f]"),
        ("foo", "(f).*", "$2", ""),
        ("foo", "(f).*", "", ""),
        ("foo", "(f).*", "$1x", ""),
        ("foo", "(f).*", "$1_", ""),
        ("foo", "(f).*", "$1-x", "f-x"),
        ("foo", "(f).*", "${1}x", "fx"),
        ("foo", "(f).*", "$$1", "$1"),
        ("foo", "(f).*", "$$$1", "$f"),
        ("foo", "(f).*", "a$", "a$"),
        ("foo", "(f).*", "$-$1", "$-f"),
        ("foo", "(f).*", "${", "${"),
        ("foo", "(f).*", "${}x", "${}x"),
        ("foo", "(f).*", "${1", "${1"),
        ("foo", "(f).*", "${1-}", "${1-}"),
        ("foo", "(f).*", "$01", ""),
        ("foo", "(f).*", "${1}$99999999999999999999999", "f"),
        ("foo", "(f).*", "$1é|", "|"),
        ("foo", "(?P<first>f)(?<rest>.*)", "$rest-${first}", "oo-f"),
        ("foo", "(?P<first>f)(?<rest>.*)", "$first_$restx.", "."),
        ("a\nb", "a.b", "x", "x"),
        ("a\nb", "(?-s:a.b)", "x", "before"),
        ("FOO", "(?i)f(o+)", "$1", "OO"),
        ("٣", r"\d", "x", "before"),
        ("", "", "x", "x"),
        ("", ".+", "x", "before"),
        ("foo", ".*(o)|.*", "$1", "o"),
        ("10.0.0.1:9090", r"([^:]+)(?::\d+)?", "$1:80", "10.0.0.1:80"),
    ] {
        assert_eq!(
            replace(a, regex, replacement),
            expected,
            "{a:?} {regex} {replacement}"
        );
    }
}

#[test]
fn defaults_are_those_of_prometheus() {
    check(
        &[("a", "1"), ("b", "2")],
        r#"[{"source_labels": ["a", "none", "b"], "target_label": "c"}]"#,
        Some(&[("a", "1"), ("b", "2"), ("c", "1;;2")]),
    );
    check(&[("a", "1")], r#"[{"target_label": "a"}]"#, Some(&[]));
    check(
        &[("a", "1")],
        r#"[{"target_label": "b", "replacement": "static"}]"#,
        Some(&[("a", "1"), ("b", "static")]),
    );
    check(
        &[("a", "1"), ("b", "2")],
        r#"[{"source_labels": ["a", "b"], "separator": "", "target_label": "a", "action": "Replace"}]"#,
        Some(&[("a", "12"), ("b", "2")]),
    );
    check(
        &[("a", "1")],
        r#"[{"regex": "", "target_label": "a", "replacement": ""}]"#,
        Some(&[]),
    );
}

#[test]
fn target_labels_may_refer_to_groups() {
    let rule = |target: &str| {
        format!(
            r#"[{{"source_labels": ["a"], "regex": "(.)-(.*)", "target_label": "{target}", "replacement": "$2"}}]"#
        )
    };
    check(&[("a", "x-1")], &rule("$1"), Some(&[("a", "x-1"), ("x", "1")]));
    check(
        &[("a", "x-1")],
        &rule("la.${1}é"),
        Some(&[("a", "x-1"), ("la.xé", "1")]),
    );
    check(&[("a", "x-1")], &rule("${3}"), Some(&[("a", "x-1")]));
    check(&[("a", "x-1")], &rule("-"), Some(&[("-", "1"), ("a", "x-1")]));
    check(&[("a", "x-"), ("x", "2")], &rule("$1"), Some(&[("a", "x-")]));
}

#[test]
fn rules_see_what_those_before_did() {
    check(
        &[("a", "foo"), ("b", "bar"), ("c", "baz")],
        r#"[{"source_labels": ["a", "b"], "regex": "f(.*);(.*)r", "target_label": "a", "replacement": "b${1}${2}m"},
            {"source_labels": ["c", "a"], "regex": "(b).*b(.*)ba(.*)", "target_label": "d", "replacement": "$1$2$2$3"}]"#,
        Some(&[("a", "boobam"), ("b", "bar"), ("c", "baz"), ("d", "boooom")]),
    );
    check(
        &[("a", "foo")],
        r#"[{"source_labels": ["a"], "action": "drop", "regex": "f.*"}, {"target_label": "d", "replacement": "x"}]"#,
        None,
    );
}

#[test]
fn keep_and_drop_match_whole_values() {
    for (regex, matches) in [
        ("f.*", true),
        ("f", false),
        ("o", false),
        ("foo|x", true),
        ("", false),
        (".*", true),
    ] {
        for (action, keeps) in [("keep", matches), ("drop", !matches)] {
            check(
                &[("a", "foo")],
                &format!(r#"[{{"source_labels": ["a"], "regex": "{regex}", "action": "{action}"}}]"#),
                keeps.then_some(&[("a", "foo")]),
            );
        }
    }
    check(&[("a", "1")], r#"[{"action": "keep"}]"#, Some(&[("a", "1")]));
    check(
        &[("a", "1")],
        r#"[{"source_labels": ["b"], "action": "keep", "regex": ".+"}]"#,
        None,
    );
}

#[test]
fn equal_compares_with_the_target() {
    let set = &[("a", "1"), ("b", "1"), ("c", "2")];
    for (sources, target, equal) in [
        (r#"["a"]"#, "b", true),
        (r#"["a"]"#, "c", false),
        (r#"["none"]"#, "nothing", true),
        (r#"["a", "c"]"#, "b", false),
        ("[]", "a", false),
    ] {
        for (action, keeps) in [("keepequal", equal), ("dropequal", !equal)] {
            check(
                set,
                &format!(
                    r#"[{{"source_labels": {sources}, "target_label": "{target}", "action": "{action}"}}]"#
                ),
                keeps.then_some(set),
            );
        }
    }
}

#[test]
fn hashmod_is_the_end_of_md5() {
    for (value, modulus, expected) in [
        ("baz", 1000, "976"),
        ("foo\nbar", 1000, "734"),
        ("baz", 1, "0"),
        // MD5 of nothing ends in e9800998ecf8427e.
        ("", u64::MAX, "16825458760271544958"),
    ] {
        let config = RuleConfig {
            source_labels: vec!["a".into()],
            target_label: "h".into(),
            modulus: Some(modulus),
            action: Action::HashMod,
            ..RuleConfig::default()
        };
        let mut labels = Labels::new([("a", value)]);
        config
            .compile()
            .expect("sound")
            .apply(&mut labels)
            .expect("small");
        assert_eq!(labels.get("h"), expected, "{value}");
    }
}

#[test]
fn cases_are_changed_letter_by_letter() {
    for (text, lower, upper) in [
        ("bAr123Foo", "bar123foo", "BAR123FOO"),
        ("ÄÖé", "äöé", "ÄÖÉ"),
        ("straße", "straße", "STRAßE"),
        ("İI", "ii", "İI"),
        ("ΣΑΣ", "σασ", "ΣΑΣ"),
        ("ᾳᾀᾈ", "ᾳᾀᾀ", "ᾼᾈᾈ"),
        ("ŉﬀǰ", "ŉﬀǰ", "ŉﬀǰ"),
        ("ǅ", "ǆ", "Ǆ"),
    ] {
        assert_eq!(
            (letters::lowercase(text), letters::uppercase(text)),
            (lower.into(), upper.into())
        );
    }
    check(
        &[("a", "Xy")],
        r#"[{"source_labels": ["a"], "target_label": "a", "action": "LOWERCASE"},
            {"source_labels": ["a", "a"], "target_label": "b", "action": "uppercase"}]"#,
        Some(&[("a", "xy"), ("b", "XY;XY")]),
    );
    check(
        &[("a", "x")],
        r#"[{"target_label": "a", "action": "lowercase"}]"#,
        Some(&[]),
    );
}

#[test]
fn labelmap_copies_labels() {
    check(
        &[("a", "foo"), ("b1", "bar"), ("b2", "baz")],
        r#"[{"regex": "(b.*)", "replacement": "bar_${1}", "action": "labelmap"}]"#,
        Some(&[
            ("a", "foo"),
            ("b1", "bar"),
            ("b2", "baz"),
            ("bar_b1", "bar"),
            ("bar_b2", "baz"),
        ]),
    );
    check(
        &[("a.b", "1"), ("c", "2")],
        r#"[{"regex": "(.*)[.](.*)", "replacement": "$2.é", "action": "labelmap"}]"#,
        Some(&[("a.b", "1"), ("b.é", "1"), ("c", "2")]),
    );
    // Several labels with one new name: the last one of the walk wins, and what has been written comes last.
    check(
        &[("b1", "1"), ("b2", "2")],
        r#"[{"regex": "b.", "replacement": "x", "action": "labelmap"}]"#,
        Some(&[("b1", "1"), ("b2", "2"), ("x", "2")]),
    );
    check(
        &[("b1", "1"), ("b2", "2")],
        r#"[{"target_label": "b1", "replacement": "3"}, {"regex": "b.", "replacement": "x", "action": "labelmap"}]"#,
        Some(&[("b1", "3"), ("b2", "2"), ("x", "3")]),
    );
    // What is written meanwhile is not seen: the labels change places.
    check(
        &[("a", "1"), ("ab", "2")],
        r#"[{"regex": "a(.*)", "replacement": "aa$1", "action": "labelmap"}]"#,
        Some(&[("a", "1"), ("aa", "1"), ("aab", "2"), ("ab", "2")]),
    );
}

#[test]
fn labels_are_dropped_and_kept_by_name() {
    let set = &[("a", "foo"), ("b1", "bar"), ("b2", "baz")];
    check(
        set,
        r#"[{"regex": "b.*", "action": "labelkeep"}]"#,
        Some(&[("b1", "bar"), ("b2", "baz")]),
    );
    check(
        set,
        r#"[{"regex": "b.*", "action": "labeldrop"}]"#,
        Some(&[("a", "foo")]),
    );
    check(set, r#"[{"regex": "b", "action": "labeldrop"}]"#, Some(set));
    check(set, r#"[{"action": "labeldrop"}]"#, Some(&[]));
    // What is written after that still comes last in a walk.
    check(
        set,
        r#"[{"target_label": "b1", "replacement": "1"}, {"regex": "a", "action": "labeldrop"},
            {"target_label": "b2", "replacement": "2"}, {"target_label": "b1", "replacement": "3"},
            {"regex": "b.", "replacement": "x", "action": "labelmap"}]"#,
        Some(&[("b1", "3"), ("b2", "2"), ("x", "2")]),
    );
}

#[test]
fn labels_without_value_are_not_there() {
    check(
        &[("a", ""), ("b", "1"), ("b", "2")],
        r#"[{"regex": "(.*)", "replacement": "x_$1", "action": "labelmap"}]"#,
        Some(&[("b", "1"), ("x_b", "1")]),
    );
}

#[test]
fn what_prometheus_refuses_is_refused() {
    let check = |json: &str, expected: &[(&str, &str)]| {
        let config: RuleConfig = serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"));
        let found = config.compile().map(|_| ()).err().unwrap_or_default();
        let found: Vec<_> = found
            .iter()
            .map(|found| (found.key.as_str(), found.message.as_str()))
            .collect();
        assert_eq!(found, expected, "{json}");
    };
    check("{}", &[("target_label", "required for `replace`")]);
    check(
        r#"{"action": "hashmod", "source_labels": ["a", ""]}"#,
        &[
            ("source_labels::1", "a label has a name"),
            ("target_label", "required for `hashmod`"),
            ("modulus", "required for `hashmod`: at least 1"),
        ],
    );
    check(
        r#"{"action": "hashmod", "target_label": "a", "modulus": 0}"#,
        &[("modulus", "required for `hashmod`: at least 1")],
    );
    check(
        r#"{"action": "uppercase", "target_label": "a", "replacement": "x"}"#,
        &[("replacement", "has no effect with `uppercase`")],
    );
    check(
        r#"{"action": "keep", "regex": "a)("}"#,
        &[("regex", "not a regular expression: unopened group")],
    );
    check(
        r#"{"action": "labelmap", "replacement": ""}"#,
        &[("replacement", "a label has a name")],
    );
    let message = "has no effect with `keepequal`: only `source_labels` and `target_label` count";
    check(
        r#"{"action": "keepequal", "target_label": "a", "regex": "(.*)", "separator": ",", "modulus": 1, "replacement": "x"}"#,
        &[
            ("regex", message),
            ("modulus", message),
            ("separator", message),
            ("replacement", message),
        ],
    );
    let message = "has no effect with `labeldrop`: only `regex` counts";
    check(
        r#"{"action": "labeldrop", "source_labels": ["a"], "target_label": "b", "regex": "x"}"#,
        &[("source_labels", message), ("target_label", message)],
    );
    // Without effect, but Prometheus and its operator write such rules.
    for accepted in [
        r#"{"action": "keep", "replacement": "$1", "separator": ";", "target_label": "x", "modulus": 3}"#,
        r#"{"action": "labeldrop", "replacement": "$1", "separator": ";"}"#,
        r#"{"action": "keepequal", "target_label": "x", "replacement": "$1", "separator": ";"}"#,
        r#"{"action": "lowercase", "target_label": "${1}", "replacement": "$1", "regex": "x"}"#,
    ] {
        check(accepted, &[]);
    }
    let unknown = serde_json::from_str::<RuleConfig>(r#"{"action": "remove"}"#).expect_err("no such action");
    assert!(
        unknown
            .to_string()
            .contains("unknown action `remove`: use one of replace, keep,"),
        "{unknown}"
    );
}

#[test]
fn growth_is_bounded() {
    let repeat = format!(
        r#"[{{"source_labels": ["a"], "target_label": "a", "replacement": "{}"}}]"#,
        "$1".repeat(20_000)
    );
    let mut labels = Labels::new([("a", "v".repeat(1000))]);
    assert_eq!(apply(&rules(&repeat), &mut labels), Err(TooLarge));
    let many = (0..1025).map(|index| (format!("l{index}"), "v"));
    assert_eq!(apply(&[], &mut Labels::new(many)), Err(TooLarge));
    let double = r#"{"action": "labelmap", "replacement": "x$1"}"#;
    let all = rules(&format!("[{}]", [double; 12].join(",")));
    let value = "v".repeat(1 << 20);
    let labels: Vec<_> = (0..9)
        .map(|index| (format!("{}", index), value.clone()))
        .collect();
    assert_eq!(apply(&all, &mut Labels::new(labels)), Err(TooLarge));
}

#[test]
fn mistakes_of_a_list_name_the_rule() {
    let configs: Vec<RuleConfig> =
        serde_json::from_str(r#"[{"action": "keep"}, {}, {"action": "drop", "source_labels": ["a", ""]}]"#)
            .expect("rules");
    let found = compile(&configs).expect_err("two are none");
    let keys: Vec<&str> = found.iter().map(|found| found.key.as_str()).collect();
    assert_eq!(keys, ["1::target_label", "2::source_labels::1"]);
    assert_eq!(compile(&configs[..1]).expect("sound").len(), 1);
}

#[test]
fn rules_say_what_they_look_at_and_whether_they_find_it() {
    let labels = Labels::new([("a", "1"), ("b", "1"), ("c", "2")]);
    for (json, value, matches) in [
        (
            r#"[{"source_labels": ["a", "c", "d"], "regex": "1;2;", "target_label": "x"}]"#,
            "1;2;",
            true,
        ),
        (
            r#"[{"source_labels": ["a"], "regex": "", "action": "drop"}]"#,
            "1",
            false,
        ),
        (
            r#"[{"source_labels": ["a"], "target_label": "b", "action": "keepequal"}]"#,
            "1",
            true,
        ),
        (
            r#"[{"source_labels": ["a"], "target_label": "c", "action": "dropequal"}]"#,
            "1",
            false,
        ),
        (
            r#"[{"target_label": "c", "action": "hashmod", "modulus": 1}]"#,
            "",
            true,
        ),
        (r#"[{"regex": "b|x", "action": "labeldrop"}]"#, "", true),
        (r#"[{"regex": "x", "action": "labelmap"}]"#, "", false),
    ] {
        let rule = &rules(json)[0];
        assert_eq!(
            (rule.value(&labels).as_str(), rule.matches(&labels)),
            (value, matches),
            "{json}"
        );
    }
}

#[test]
fn rules_say_what_they_may_read() {
    for (json, expected) in [
        (
            r#"[{"source_labels": ["__resource_a"], "target_label": "b"}]"#,
            true,
        ),
        (
            r#"[{"source_labels": ["a"], "target_label": "__resource_b"}]"#,
            false,
        ),
        (
            r#"[{"target_label": "__resource_b", "action": "keepequal"}]"#,
            true,
        ),
        (r#"[{"action": "labelmap"}]"#, true),
        (r#"[{"action": "labelkeep"}]"#, false),
    ] {
        assert_eq!(rules(json)[0].may_read("__resource_"), expected, "{json}");
    }
}

proptest! {
    #[test]
    fn templates_do_not_panic(text in r"[$1{}a_é0]{0,12}", value in "[a1]{0,4}") {
        let found = replace(&value, "(a?)(.*)", &text);
        if !text.contains('$') {
            prop_assert_eq!(found, text);
        }
    }
}
