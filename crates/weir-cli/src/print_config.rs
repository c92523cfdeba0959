//! `print-config`: the configuration as it is understood.

use anyhow::Context;
use serde::Serialize;
use serde_yaml::Value;
use weir_config::Secrets;

use crate::App;
use crate::args::{Format, Mode, PrintArgs};
use crate::{configuration, gateway};

/// Returns the text to print.
pub(crate) fn render(app: &App, options: &PrintArgs) -> anyhow::Result<String> {
    let (config, _) = configuration::read(&options.config.sources(), app.catalog())?;
    if options.validate {
        gateway::build_unopened(app, &config)?;
    }
    let secrets = match options.mode {
        Mode::Redacted => Secrets::Redacted,
        Mode::Unredacted => Secrets::Unredacted,
    };
    let value = config
        .to_value(secrets)
        .context("cannot print the configuration")?;
    let origins = options.origin.then(|| config.origins(&value));
    match (options.format, origins) {
        (Format::Yaml, None) => serde_yaml::to_string(&value).context("cannot write YAML"),
        (Format::Yaml, Some(origins)) => {
            weir_config::commented(&value, &origins).context("cannot write YAML")
        }
        (Format::Json, None) => json(&value),
        (Format::Json, Some(origin)) => json(&WithOrigin {
            config: &value,
            origin,
        }),
    }
}

/// A configuration, and beside it the same structure of origins.
#[derive(Serialize)]
struct WithOrigin<'a> {
    config: &'a Value,
    origin: Value,
}

fn json(value: &impl Serialize) -> anyhow::Result<String> {
    let text = serde_json::to_string_pretty(value).context("cannot write JSON")?;
    Ok(text + "\n")
}
