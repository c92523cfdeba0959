//! The arguments: the Collector's, and `--shutdown-timeout`.

use std::time::Duration;

use clap::{ArgAction, Args, CommandFactory, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use weir_component::BuildInfo;
use weir_component::config::duration;
use weir_config::Sources;

use crate::feature_gates::{self, Wish};

/// Receives, processes and exports telemetry.
#[derive(Debug, Parser)]
#[command(disable_version_flag = true, args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,

    /// Time for a graceful shutdown; what is not delivered by then is left behind and reported.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration::parse)]
    pub(crate) shutdown_timeout: Duration,

    /// Print the version and exit.
    #[arg(short = 'v', long, action = ArgAction::Version)]
    version: Option<bool>,

    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// Where the configuration comes from.
#[derive(Debug, Clone, Args)]
pub(crate) struct ConfigArgs {
    /// Location of configuration: a file, `file:path`, `env:NAME`, `yaml:text`, `http://...` or `https://...`. Later ones are laid over earlier ones.
    #[arg(long = "config", value_name = "URI", action = ArgAction::Append)]
    configs: Vec<String>,

    /// Override of one value, for example `--set exporters.debug.verbosity=detailed`. Laid over all files.
    #[arg(long = "set", value_name = "KEY=VALUE", action = ArgAction::Append)]
    sets: Vec<String>,

    /// Comma-separated ids of the Collector's feature gates; `-id` disables.
    #[arg(long, value_name = "GATES", allow_hyphen_values = true, action = ArgAction::Append)]
    feature_gates: Vec<String>,
}

impl ConfigArgs {
    pub(crate) fn sources(&self) -> Sources {
        Sources {
            configs: self.configs.clone(),
            sets: self.sets.clone(),
            gates: feature_gates::of_configuration(&self.gates().unwrap_or_default()),
        }
    }

    /// Returns the feature gates that were asked for.
    ///
    /// # Errors
    ///
    /// An unknown id, an empty one, or a gate that cannot be disabled. [`sources`](Self::sources) takes none of them then: whoever
    /// reads a configuration asks here first.
    pub(crate) fn gates(&self) -> anyhow::Result<Vec<Wish>> {
        feature_gates::parse(&self.feature_gates)
    }
}

/// What to do instead of running.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check the configuration without running it. Says nothing if it is good.
    Validate(ConfigArgs),
    /// Print the components of this binary as YAML.
    Components,
    /// Print the configuration as it is understood, defaults filled in.
    #[command(visible_alias = "print-initial-config")]
    PrintConfig(PrintArgs),
    /// Print what each rule of relabeling does to one set of labels. The exit code is 0 if the set is kept and 2 if it is dropped.
    Relabel(RelabelArgs),
    /// Print the JSON Schema of configuration files, for editors.
    Schema {
        /// A component whose options to describe, for example `exporter/otlp_http`, instead of whole files.
        component: Option<String>,
    },
    /// Print the feature gates that are understood, or one of them.
    Featuregate {
        /// Id of a gate.
        id: Option<String>,
    },
    /// Print a script that completes commands and flags in a shell.
    Completion {
        /// The shell.
        shell: Shell,
    },
}

/// Which rules to apply, and to what.
#[derive(Debug, Args)]
pub(crate) struct RelabelArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,

    /// Id of the component whose rules to apply, for example `relabel/x`. Needed if several have some.
    #[arg(long, value_name = "ID")]
    pub(crate) component: Option<String>,

    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,

    /// The labels as PromQL writes them, for example `{__name__="up", pod="db-3"}` or `up{pod="db-3"}`.
    pub(crate) labels: String,
}

/// How to print the configuration.
#[derive(Debug, Args)]
pub(crate) struct PrintArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,

    /// Whether secrets are shown.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) mode: Mode,

    /// The form.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,

    /// Say of each value where it comes from: in YAML in comments, in JSON beside it (`{"config": ..., "origin": ...}`).
    #[arg(long)]
    pub(crate) origin: bool,

    /// Also build what the configuration names, as `validate` does.
    #[arg(long, default_value_t = true, action = ArgAction::Set, num_args = 0..=1, require_equals = true,
          default_missing_value = "true")]
    pub(crate) validate: bool,
}

/// Whether secrets are shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// As `[REDACTED]`.
    #[default]
    Redacted,
    /// As they are.
    Unredacted,
}

/// The form of a printed configuration.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// YAML.
    #[default]
    Yaml,
    /// JSON.
    Json,
}

/// Returns the command line of a binary.
pub(crate) fn command(build_info: &BuildInfo) -> clap::Command {
    Arguments::command()
        .name(build_info.command.clone())
        .bin_name(build_info.command.clone())
        .about(build_info.description.clone())
        .version(format!("version {}", build_info.version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_declarations_hold_together() {
        command(&BuildInfo::default()).debug_assert();
    }
}
