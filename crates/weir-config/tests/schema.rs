//! The schema of files against the golden configurations: what loads is accepted, what has wrong keys or types is not.

#[path = "golden/catalog.rs"]
mod catalog;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use weir_config::schema::Schemas;
use weir_testkit::json_schema::mistakes;

/// Mistakes of keys and values that only the reader finds: what stands behind a `::`, and how YAML versions differ.
const BEYOND_SCHEMAS: [&str; 2] = ["key_duplicate_by_delimiter", "value_octal_for_text"];

fn files(directory: &str) -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata")
        .join(directory);
    let entries = fs::read_dir(directory).expect("testdata");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    files
}

fn read(file: &Path) -> Value {
    let text = fs::read_to_string(file).expect("readable");
    let mut value: serde_yaml::Value = serde_yaml::from_str(&text).expect("YAML");
    value.apply_merge().expect("merge keys of mappings");
    serde_json::to_value(value).expect("JSON")
}

fn name(file: &Path) -> &str {
    file.file_stem().and_then(|name| name.to_str()).expect("UTF-8")
}

#[test]
fn good_configurations_are_accepted() {
    let schema = Schemas::of(&catalog::catalog()).file();
    for file in files("good") {
        assert_eq!(mistakes(&schema, &read(&file)), [""; 0], "{}", file.display());
    }
}

#[test]
fn wrong_keys_and_values_are_not() {
    let schema = Schemas::of(&catalog::catalog()).file();
    let wrong = files("bad")
        .into_iter()
        .filter(|file| name(file).starts_with("key_") || name(file).starts_with("value_"));
    let missed: Vec<String> = wrong
        .filter(|file| mistakes(&schema, &read(file)).is_empty())
        .map(|file| name(&file).to_owned())
        .collect();
    assert_eq!(missed, BEYOND_SCHEMAS);
}
