//! The vectors file and typed access to its entries.

use std::sync::LazyLock;

use serde_yaml::Value;

static FILE: LazyLock<Value> = LazyLock::new(|| {
    serde_yaml::from_str(include_str!("../../../testdata/otlp-prometheus-vectors.yaml")).unwrap()
});

/// One entry of the file.
#[derive(Clone, Copy)]
pub(crate) struct Vector(&'static Value);

/// Runs `check` on every entry of a group and names the entry that fails.
#[expect(clippy::print_stdout, reason = "names the entry that fails")]
pub(crate) fn each(group: &str, check: impl Fn(Vector)) {
    let entries = FILE[group]
        .as_sequence()
        .unwrap_or_else(|| panic!("no group {group}"));
    assert!(!entries.is_empty());
    for entry in entries {
        let vector = Vector(entry);
        println!("{group}: {}", vector.id());
        check(vector);
    }
}

impl Vector {
    pub(crate) fn id(self) -> &'static str {
        self.0["id"].as_str().unwrap_or("?")
    }

    pub(crate) fn has(self, key: &str) -> bool {
        self.0.get(key).is_some()
    }

    pub(crate) fn at(self, key: &str) -> Vector {
        Vector(&self.0[key])
    }

    pub(crate) fn value(self) -> &'static Value {
        self.0
    }

    pub(crate) fn text(self, key: &str) -> &'static str {
        self.0[key].as_str().unwrap_or_default()
    }

    pub(crate) fn int(self, key: &str) -> i64 {
        self.0[key].as_i64().unwrap_or_default()
    }

    pub(crate) fn float(self, key: &str) -> Option<f64> {
        self.0.get(key).and_then(Value::as_f64)
    }

    pub(crate) fn flag(self, key: &str) -> bool {
        self.0[key].as_bool().unwrap_or_default()
    }

    pub(crate) fn list(self, key: &str) -> Vec<Vector> {
        self.0[key]
            .as_sequence()
            .map(|list| list.iter().map(Vector).collect())
            .unwrap_or_default()
    }

    pub(crate) fn ints(self, key: &str) -> Vec<i64> {
        self.list(key).iter().map(|v| v.0.as_i64().unwrap()).collect()
    }

    pub(crate) fn floats(self, key: &str) -> Vec<f64> {
        self.list(key).iter().map(|v| v.0.as_f64().unwrap()).collect()
    }

    pub(crate) fn pairs(self, key: &str) -> Vec<(&'static str, &'static Value)> {
        let map = self.0[key].as_mapping();
        map.map(|m| m.iter().map(|(k, v)| (k.as_str().unwrap(), v)).collect())
            .unwrap_or_default()
    }

    /// A map of texts in bytewise order of its keys.
    pub(crate) fn labels(self, key: &str) -> Vec<(String, String)> {
        let mut labels: Vec<_> = self
            .pairs(key)
            .iter()
            .map(|(k, v)| ((*k).to_owned(), v.as_str().unwrap().to_owned()))
            .collect();
        labels.sort();
        labels
    }
}
