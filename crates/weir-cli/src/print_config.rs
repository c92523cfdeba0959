//! `print-config`: the configuration as it is understood.

use anyhow::Context;
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
    match options.format {
        Format::Yaml => serde_yaml::to_string(&value).context("cannot write YAML"),
        Format::Json => {
            let text = serde_json::to_string_pretty(&value).context("cannot write JSON")?;
            Ok(text + "\n")
        }
    }
}
