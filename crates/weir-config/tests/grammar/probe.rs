//! A component with an option of every shape, and the way to ask what it understood.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_yaml::Value;
use weir_component::config::{OffUnlessNamed, OffUnlessSet, OnUnlessDisabled, duration};
use weir_component::schemars::{self, JsonSchema};
use weir_component::{
    Batch, BuildContext, BuildError, Catalog, Component, ConsumeError, Exporter, ExporterFactory, Extension,
    ExtensionFactory, Outputs, Receiver, ReceiverFactory, Stability, Validate, async_trait,
};
use weir_config::{Config, Environment, Report, Secrets, Sources};

/// Options of every shape, none of whose defaults is the zero value.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Shapes {
    text: String,
    flag: bool,
    integer: i64,
    natural: u32,
    number: f64,
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    span: Duration,
    texts: Vec<String>,
    numbers: Vec<i64>,
    map: BTreeMap<String, String>,
    word: Word,
    maybe: Option<i64>,
    section: Section,
    unless_set: OffUnlessSet<Section>,
    unless_named: OffUnlessNamed<Section>,
    unless_disabled: OnUnlessDisabled<Section>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Word {
    #[default]
    Fast,
    Slow,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Section {
    a: i64,
    b: i64,
}

impl Default for Section {
    fn default() -> Self {
        Self { a: 1, b: 2 }
    }
}

impl Default for Shapes {
    fn default() -> Self {
        Self {
            text: "default".to_owned(),
            flag: true,
            integer: 7,
            natural: 7,
            number: 0.5,
            span: Duration::from_secs(5),
            texts: vec!["default".to_owned()],
            numbers: vec![7],
            map: BTreeMap::from([("default".to_owned(), "x".to_owned())]),
            word: Word::Fast,
            maybe: Some(7),
            section: Section::default(),
            unless_set: OffUnlessSet::off(),
            unless_named: OffUnlessNamed::off(),
            unless_disabled: OnUnlessDisabled::default(),
        }
    }
}

impl Validate for Shapes {}

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Nothing {}

impl Validate for Nothing {}

struct Probe;

impl Component for Probe {}

#[async_trait]
impl Exporter for Probe {
    type Config = Shapes;

    fn build(_: &Shapes, _: &BuildContext) -> Result<Self, BuildError> {
        Ok(Self)
    }

    async fn export(&self, _: Batch) -> Result<(), ConsumeError> {
        Ok(())
    }
}

impl Receiver for Probe {
    type Config = Nothing;

    fn build(_: &Nothing, _: &BuildContext, _: Outputs) -> Result<Self, BuildError> {
        Ok(Self)
    }
}

impl Extension for Probe {
    type Config = Nothing;

    fn build(_: &Nothing, _: &BuildContext) -> Result<Self, BuildError> {
        Ok(Self)
    }
}

fn catalog() -> Catalog {
    Catalog::new([
        ReceiverFactory::of::<Probe>("source", Stability::Stable).into(),
        ExporterFactory::of::<Probe>("probe", Stability::Stable)
            .aliases(&["sonde"])
            .into(),
        ExtensionFactory::of::<Probe>("beside", Stability::Stable).into(),
    ])
}

/// Variables, and no files.
pub(crate) struct Variables<'a>(pub(crate) &'a [(&'a str, &'a str)]);

impl Environment for Variables<'_> {
    fn variable(&self, name: &str) -> Option<OsString> {
        let found = self.0.iter().find(|(key, _)| *key == name);
        found.map(|(_, value)| OsString::from(value))
    }

    fn read(&self, _: &Path, _: u64) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::NotFound.into())
    }
}

/// Reads sources as `--config` and `--set` give them.
pub(crate) fn read(
    configs: &[&str],
    sets: &[&str],
    variables: &Variables<'_>,
) -> Result<(Config, Report), Report> {
    let sources = Sources {
        configs: configs.iter().map(|text| format!("yaml:{text}")).collect(),
        sets: sets.iter().map(|set| (*set).to_owned()).collect(),
        ..Sources::default()
    };
    let document = weir_config::load(&sources, variables)?;
    weir_config::read(&document, &catalog())
}

/// What all configurations here have.
pub(crate) const REST: &str = "{receivers: {source: }, exporters: {probe: }, \
                               service: {pipelines: {metrics: {receivers: [source], exporters: [probe]}}}}";

/// The first message of a report.
pub(crate) fn message(report: &Report) -> String {
    let first = report
        .diagnostics()
        .find(|one| one.severity() == weir_config::Severity::Error);
    first.map_or_else(|| report.to_string(), |one| one.message().to_owned())
}

/// Returns the options of the probe as printed.
pub(crate) fn options(config: &Config) -> Value {
    let printed = config.to_value(Secrets::Unredacted).expect("serializes");
    printed["exporters"]["probe"].clone()
}

/// Reads options of the probe, written as a flow or block mapping, and returns one of them as YAML in one line.
pub(crate) fn probe(written: &str, key: &str, variables: &Variables<'_>) -> Result<String, String> {
    let indented = written.replace('\n', "\n    ");
    let probe = format!("exporters:\n  probe:\n    {indented}\n");
    let (config, _) = read(&[REST, &probe], &[], variables).map_err(|report| message(&report))?;
    let value = key
        .split("::")
        .fold(options(&config), |value, key| value[key].clone());
    Ok(serde_json::to_string(&value).expect("JSON"))
}
