//! Golden configurations: each file of `testdata/bad` has the report it deserves beside it, each of `testdata/good`
//! loads, with its warnings beside it if it has any.
//!
//! `WEIR_REWRITE=1 cargo test -p weir-config` writes the reports anew; they are reviewed like code.
//!
//! A file may begin with lines that set the scene: see [`weir_testkit::golden::Scene`].

mod catalog;

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};

use weir_config::{Config, Environment, Report, Secrets, Sources};
use weir_testkit::golden;

/// The directory of a golden file, and the variables that it sets.
struct Scene {
    directory: PathBuf,
    variables: BTreeMap<String, String>,
}

impl Environment for Scene {
    fn variable(&self, name: &str) -> Option<OsString> {
        self.variables.get(name).map(OsString::from)
    }

    fn read(&self, path: &Path, _: u64) -> io::Result<Vec<u8>> {
        fs::read(self.directory.join(path))
    }
}

fn read(file: &Path) -> Result<(Config, Report), Report> {
    let golden::Scene {
        variables,
        configs,
        sets,
    } = golden::Scene::of(file);
    let scene = Scene {
        directory: file.parent().expect("a directory").to_owned(),
        variables: BTreeMap::from_iter(variables),
    };
    let sources = Sources {
        configs,
        sets,
        ..Sources::default()
    };
    let document = weir_config::load(&sources, &scene)?;
    weir_config::read(&document, &catalog::catalog())
}

/// Reads printed configuration.
fn reread(printed: &str) -> Config {
    let scene = Scene {
        directory: PathBuf::new(),
        variables: BTreeMap::new(),
    };
    let sources = Sources {
        configs: vec![format!("yaml:{printed}")],
        sets: Vec::new(),
        ..Sources::default()
    };
    let document = weir_config::load(&sources, &scene).expect("printed configuration loads");
    let (config, _) =
        weir_config::read(&document, &catalog::catalog()).expect("printed configuration is good");
    config
}

fn golden_files(directory: &str) -> Vec<PathBuf> {
    golden::files(
        &Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("testdata")
            .join(directory),
    )
}

#[test]
fn bad_configurations_are_explained() {
    let mut wrong = Vec::new();
    let files = golden_files("bad");
    for file in &files {
        match read(file) {
            Ok(_) => wrong.push(format!("=== {} was accepted", file.display())),
            Err(report) => {
                wrong.extend(golden::compare(&file.with_extension("report"), &report.to_string()).err())
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(files.len() >= 60, "only {} bad configurations", files.len());
}

#[test]
fn good_configurations_are_accepted() {
    let mut wrong = Vec::new();
    for file in golden_files("good") {
        match read(&file) {
            Ok((config, warnings)) => {
                wrong.extend(golden::compare(&file.with_extension("report"), &warnings.to_string()).err());
                let value = config.to_value(Secrets::Redacted).expect("serializes");
                let printed = serde_yaml::to_string(&value).expect("prints");
                wrong.extend(golden::compare(&file.with_extension("printed"), &printed).err());
                let again = reread(&printed);
                assert_eq!(
                    again.service.telemetry,
                    config.service.telemetry,
                    "{}",
                    file.display()
                );
                assert_eq!(
                    again.service.pipelines,
                    config.service.pipelines,
                    "{}",
                    file.display()
                );
            }
            Err(report) => wrong.push(format!("=== {} was refused\n{report}", file.display())),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn origins_of_values_are_told() {
    let mut wrong = Vec::new();
    for name in ["gateway", "section_from_file", "sources"] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("testdata/good/{name}.yaml"));
        let (config, _) = read(&file).expect("good");
        let value = config.to_value(Secrets::Redacted).expect("serializes");
        let text = weir_config::commented(&value, &config.origins(&value)).expect("prints");
        wrong.extend(golden::compare(&file.with_extension("origins"), &text).err());
        let read: serde_yaml::Value = serde_yaml::from_str(&text).expect("YAML");
        assert_eq!(read, value, "{name}");
        assert!(!text.contains("hunter2"), "{name}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn expanded_values_never_show() {
    for file in golden_files("bad") {
        let Err(report) = read(&file) else { continue };
        let shown = format!("{report}{}", serde_yaml::to_string(&report).expect("serializes"));
        assert!(!shown.contains("hunter2"), "{}: {report}", file.display());
    }
}

#[test]
fn secrets_are_printed_on_request_only() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/good/gateway.yaml");
    let (config, _) = read(&file).expect("good");
    let print =
        |secrets| serde_yaml::to_string(&config.to_value(secrets).expect("serializes")).expect("prints");
    assert!(!print(Secrets::Redacted).contains("hunter2"));
    assert!(print(Secrets::Unredacted).contains("Bearer hunter2"));
}

proptest::proptest! {
    /// A good configuration with a part cut out and something put in gives a configuration or a report, and no report
    /// shows the secret.
    #[test]
    fn damaged_configurations_are_reported(
        from in 0usize..2000,
        length in 0usize..40,
        put in "[a-z:\\-\\[\\]{}&*!'\"$# \\n0-9ä]{0,12}",
    ) {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/good/gateway.yaml");
        let text = fs::read_to_string(file).expect("readable");
        let from = from.min(text.len());
        let until = (from + length).min(text.len());
        let (Some(before), Some(after)) = (text.get(..from), text.get(until..)) else { return Ok(()) };
        let variables = [("TOKEN", "hunter2-hunter2"), ("INTERVAL", "1m30s"), ("PORT", "9999"), ("PART", "")];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let scene = Scene { directory: PathBuf::new(), variables: BTreeMap::from(variables) };
        let sources = Sources { configs: vec![format!("yaml:{before}{put}{after}")], ..Sources::default() };
        let report = match weir_config::load(&sources, &scene) {
            Ok(document) => weir_config::read(&document, &catalog::catalog()).map_or_else(|bad| bad, |(_, fine)| fine),
            Err(report) => report,
        };
        proptest::prop_assert!(!report.to_string().contains("hunter2-"), "{report}");
    }
}
