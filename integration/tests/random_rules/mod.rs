//! Random rules and series, aimed at where readings of the rules part: what matches, what is empty, what is no ASCII.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use weir_integration::series::Labels;

/// Numbers that look random and follow from a seed (SplitMix64).
#[derive(Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }

    fn of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }
}

const NAMES: [&str; 4] = ["m_total", "n_bytes", "up2", "q.é"];
const KEYS: [&str; 5] = ["a", "b", "c.d", "pod", "ä"];
const VALUES: [&str; 12] = [
    "a",
    "b",
    "foo",
    "Foo-1",
    "x;y",
    "ß",
    "é.b",
    "10.0.0.1:80",
    "a\nb",
    "K",
    "٣",
    "İǆΣ",
];
const REGEXES: [&str; 26] = [
    "(.*)",
    "(.)(.*)",
    "a|b",
    "[a-z]+(.*)",
    "(?i)foo(.*)",
    "(?i)k",
    "(.+);(.+)",
    r"\w+",
    r"\W(.*)",
    r"\d.*",
    "",
    r"(.+?)(\:\d+)?",
    "^(a|b)$",
    "(?P<n>.)(.*)",
    "(?<n>[^-]*)-?(.*)",
    "[^x]*",
    r"\S+\s\S+",
    "(a)?(.*)",
    r"\D+",
    "(?s).+",
    "(?U)(.+)(.*)",
    r"[[:alpha:]]+(.*)",
    r"\p{L}+",
    r"\bfoo\b(.*)",
    "((a)|(b)|(f)).*",
    "(.{1,3}).*",
];
const REPLACEMENTS: [&str; 17] = [
    "$1", "${2}", "x", "$1x", "${1}x", "", "$0", "$$1", "$n-$2", "a$", "${", "é$2", "$1$1", "${1}_$2", "$01",
    "${n}$", "$1\n",
];
const TARGETS: [&str; 7] = ["a", "b", "c.d", "new", "id2", "é", "__name__"];
const SOURCES: [&str; 10] = [
    "a", "b", "c.d", "pod", "ä", "__name__", "job", "none", "id", "new",
];
const ACTIONS: [&str; 18] = [
    "replace",
    "replace",
    "replace",
    "replace",
    "replace",
    "Replace",
    "keep",
    "drop",
    "keepequal",
    "dropequal",
    "hashmod",
    "lowercase",
    "uppercase",
    "labelmap",
    "labelmap",
    "labeldrop",
    "LabelDrop",
    "labelkeep",
];

/// Series that differ in their label `id`.
pub(crate) fn series(dice: &mut Dice, count: usize) -> Vec<Labels> {
    let one = |id: usize| {
        let mut labels = Labels::from([
            ("__name__".to_owned(), dice.of(&NAMES).to_owned()),
            ("id".to_owned(), id.to_string()),
        ]);
        for key in KEYS {
            if dice.below(5) < 3 {
                labels.insert(key.to_owned(), dice.of(&VALUES).to_owned());
            }
        }
        labels
    };
    (0..count).map(one).collect()
}

/// One to five rules, and one that gives a name to what has lost its own: Prometheus would fail a scrape with it.
pub(crate) fn rules(dice: &mut Dice) -> Vec<Value> {
    let count = 1 + dice.below(5);
    let mut rules: Vec<Value> = (0..count).map(|_| rule(dice)).collect();
    rules.push(json!({
        "source_labels": ["__name__"], "regex": "", "target_label": "__name__", "replacement": "nameless",
    }));
    rules
}

fn rule(dice: &mut Dice) -> Value {
    let action = dice.of(&ACTIONS);
    let kind = action.to_lowercase();
    let mut rule = Map::from_iter([("action".to_owned(), action.into())]);
    let mut set = |key: &str, value: Value| rule.insert(key.to_owned(), value);
    let looks_at_values = !kind.starts_with("label");
    if looks_at_values {
        let sources: BTreeSet<&str> = (0..=dice.below(2)).map(|_| dice.of(&SOURCES)).collect();
        set("source_labels", json!(sources));
        if !kind.ends_with("equal") && dice.below(5) == 0 {
            set("separator", dice.of(&["", "/", "-"]).into());
        }
    }
    match kind.as_str() {
        "replace" => {
            if dice.below(8) > 0 {
                set("regex", dice.of(&REGEXES).into());
            }
            let target = if dice.below(4) > 0 {
                dice.of(&TARGETS)
            } else {
                dice.of(&["${1}_t", "k$2", "$1", "t.${0}"])
            };
            set("target_label", target.into());
            if dice.below(8) > 0 {
                set("replacement", dice.of(&REPLACEMENTS).into());
            }
        }
        "keep" | "drop" => {
            set("regex", dice.of(&REGEXES).into());
        }
        "hashmod" => {
            set("target_label", dice.of(&TARGETS).into());
            set("modulus", (1 + dice.below(50)).into());
        }
        "labelmap" => {
            let regexes = ["(a|b)", "(.)(.*)", "p(.*)", "c[.](.*)", "[^_](.*)", "(?i)(A)"];
            set("regex", dice.of(&regexes).into());
            set("replacement", dice.of(&["z$1", "m_${1}", "q", "é.$2"]).into());
        }
        "labeldrop" => {
            set(
                "regex",
                dice.of(&["a|b", "p.*", "[^_a-z].*", "ne.*", ".d?"]).into(),
            );
        }
        "labelkeep" => {
            set(
                "regex",
                dice.of(&["__name__|id|job|a|pod|instance", "[^p].*"]).into(),
            );
        }
        // Comparisons and changes of case.
        _ => {
            set("target_label", dice.of(&TARGETS).into());
        }
    }
    Value::Object(rule)
}
