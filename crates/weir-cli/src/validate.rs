//! `validate`: reads the configuration, builds everything that it names without opening anything, and looks for the files it names.
//!
//! What passes here starts, except for what only the world outside can refuse: ports, permissions, names, other hosts. Files belong to
//! that world too, as `validate` often runs elsewhere than the gateway: one that is missing is a warning. One that is here and holds the
//! wrong thing is an error.

use weir_component::{Validate, Violations};
use weir_config::{Config, Environment, Mistake, Report, Severity, System};

use crate::args::ConfigArgs;
use crate::gateway::GatewayError;
use crate::{App, configuration, gateway};

/// The largest file that is looked into, 16 MiB.
const MAX_BYTES: u64 = 16 << 20;

/// Checks a configuration. Returns warnings, in reports that have some.
///
/// # Errors
///
/// The [`Report`] of everything wrong.
pub(crate) fn validate(app: &App, config: &ConfigArgs) -> anyhow::Result<Vec<Report>> {
    let (config, warnings) = configuration::read(&config.sources(), app.catalog())?;
    let files = config.report(files(&config));
    let built = gateway::build_unopened(app, &config);
    let mut reports = vec![warnings];
    match built {
        Ok(()) => {}
        Err(GatewayError::Build(report)) => reports.push(report),
        Err(other) => return Err(other.into()),
    }
    reports.push(files);
    reports.retain(|report| !report.is_empty());
    Ok(reports)
}

/// Looks into the files that components name which run.
fn files(config: &Config) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    for (kind, component) in config.running() {
        let mut found = Violations::default();
        component.config.validate(&mut found);
        for named in found.named_files() {
            let file = named.file.display();
            let (severity, message, advice) = match System.read(&named.file, MAX_BYTES) {
                Ok(content) => match (named.check)(&content) {
                    Ok(()) => continue,
                    Err(reason) => (Severity::Error, format!("the file `{file}` {reason}"), None),
                },
                Err(error) => (
                    Severity::Warning,
                    format!("cannot read the file `{file}`: {error}"),
                    Some("it must be there when the gateway starts".to_owned()),
                ),
            };
            mistakes.push(Mistake {
                severity,
                path: format!("{}::{}::{}", kind.section(), component.id, named.path.join("::")),
                message,
                advice,
            });
        }
    }
    mistakes
}
