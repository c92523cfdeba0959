//! From arguments to an exit code.

use std::ffi::OsString;
use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::OnceLock;

use anyhow::Context;
use clap::{ArgMatches, FromArgMatches};
use clap_complete::Shell;
use weir_component::{BuildInfo, Catalog};
use weir_config::Report;
use weir_telemetry::Heap;

use crate::args::{self, Arguments, Command, ConfigArgs};
use crate::feature_gates::Wish;
use crate::gateway::GatewayError;
use crate::own_telemetry::Counts;
use crate::{components, feature_gates, print_config, relabel, run, validate};

/// A binary: what it offers, what it is called, what it can do besides running a gateway.
pub struct App {
    catalog: Catalog,
    build_info: BuildInfo,
    /// Random: tells this process from all others.
    instance: u128,
    heap: Option<fn() -> Option<Heap>>,
    /// What became of own telemetry that was pushed, whatever configuration was in force.
    pushes: Arc<Counts>,
    subcommands: Vec<Subcommand>,
    /// The feature gates of the gateway that runs.
    gates: OnceLock<Vec<Wish>>,
}

/// A subcommand of a binary's own.
#[derive(Debug, Clone)]
pub struct Subcommand {
    /// Name and arguments.
    pub command: clap::Command,
    /// Does it. An error is printed with its causes and ends with exit code 1.
    pub run: fn(&App, &ArgMatches) -> anyhow::Result<ExitCode>,
}

impl App {
    /// A binary that offers `catalog`.
    pub fn new(catalog: Catalog, build_info: BuildInfo) -> Self {
        Self {
            catalog,
            build_info,
            instance: rand::random(),
            heap: None,
            pushes: Arc::default(),
            subcommands: Vec::new(),
            gates: OnceLock::new(),
        }
    }

    /// Says how to read the allocator of the binary, for own metrics. Without it those metrics are missing.
    #[must_use]
    pub fn heap(mut self, read: fn() -> Option<Heap>) -> Self {
        self.heap = Some(read);
        self
    }

    /// Adds a subcommand.
    #[must_use]
    pub fn subcommand(mut self, subcommand: Subcommand) -> Self {
        self.subcommands.push(subcommand);
        self
    }

    /// Returns the components on offer.
    pub const fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// Returns name and version.
    pub const fn build_info(&self) -> &BuildInfo {
        &self.build_info
    }

    /// Returns the random number of this process.
    pub(crate) const fn instance(&self) -> u128 {
        self.instance
    }

    /// Returns how to read the allocator.
    pub(crate) fn heap_reader(&self) -> Option<fn() -> Option<Heap>> {
        self.heap
    }

    /// Returns the counts of pushes.
    pub(crate) const fn pushes(&self) -> &Arc<Counts> {
        &self.pushes
    }

    /// Returns the feature gates of the gateway that runs.
    pub(crate) fn gates(&self) -> &[Wish] {
        self.gates.get().map_or(&[], Vec::as_slice)
    }

    /// Returns the whole command line.
    fn command(&self) -> clap::Command {
        let own = self
            .subcommands
            .iter()
            .map(|subcommand| subcommand.command.clone());
        args::command(&self.build_info).subcommands(own)
    }

    /// Returns the script that completes the command line.
    fn completion(&self, shell: Shell) -> String {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut self.command(), &self.build_info.command, &mut script);
        String::from_utf8_lossy(&script).into_owned()
    }

    /// Does what the arguments of the process say. Results go to standard output, errors to standard error; the exit code
    /// is 0 or 1, or for `relabel` 2 if the set of labels is dropped.
    pub fn main(&self) -> ExitCode {
        self.main_with(std::env::args_os())
    }

    /// The same with other arguments, the first of which is the name of the program.
    pub fn main_with(&self, arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
        let matches = match self.command().try_get_matches_from(arguments) {
            Ok(matches) => matches,
            Err(message) => return usage(&message),
        };
        self.dispatch(&matches).unwrap_or_else(|error| {
            explain(&error);
            ExitCode::FAILURE
        })
    }

    fn dispatch(&self, matches: &ArgMatches) -> anyhow::Result<ExitCode> {
        if let Some((name, matches)) = matches.subcommand()
            && let Some(own) = self.subcommands.iter().find(|own| own.command.get_name() == name)
        {
            return (own.run)(self, matches);
        }
        let arguments = Arguments::from_arg_matches(matches)?;
        match arguments.command {
            None => {
                let gates = arguments.config.gates()?;
                let gates = self.gates.get_or_init(|| gates);
                run::run(self, &arguments.config, gates, arguments.shutdown_timeout)
            }
            Some(Command::Validate(config)) => self.validate(&config),
            Some(Command::Components) => print(&components::list(&self.catalog, &self.build_info)?),
            Some(Command::PrintConfig(options)) => {
                warn_of_gates(&options.config)?;
                print(&print_config::render(self, &options)?)
            }
            Some(Command::Relabel(options)) => {
                warn_of_gates(&options.config)?;
                let told = relabel::tell(self, &options)?;
                print(&told.text)?;
                Ok(ExitCode::from(if told.is_kept { 0 } else { relabel::DROPPED }))
            }
            Some(Command::Schema { component }) => {
                print(&crate::schema::render(&self.catalog, component.as_deref())?)
            }
            Some(Command::Featuregate { id }) => print(&feature_gates::describe(id.as_deref())?),
            Some(Command::Completion { shell }) => print(&self.completion(shell)),
        }
    }

    /// Says what is wrong with a configuration.
    fn validate(&self, config: &ConfigArgs) -> anyhow::Result<ExitCode> {
        warn_of_gates(config)?;
        let reports = validate::validate(self, config)?;
        let texts = reports.iter().map(|report| report.render(wants_colour()));
        let text = texts.collect::<Vec<_>>().join("\n\n");
        if !text.is_empty() {
            to_stderr(&text);
        }
        match reports.iter().any(Report::has_errors) {
            true => Ok(ExitCode::FAILURE),
            false => Ok(ExitCode::SUCCESS),
        }
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("build_info", &self.build_info)
            .finish_non_exhaustive()
    }
}

/// Prints what `clap` has to say: help and version are results, anything else is an error.
fn usage(message: &clap::Error) -> ExitCode {
    if !message.use_stderr() {
        // Fails only if nobody reads, and then there is nothing to say.
        let _ = message.print();
        return ExitCode::SUCCESS;
    }
    let text = message.render().to_string();
    to_stderr(&format!(
        "Error: {}",
        text.strip_prefix("error: ").unwrap_or(&text)
    ));
    ExitCode::FAILURE
}

/// Prints an error: reports as they render, anything else as one line with its causes.
fn explain(error: &anyhow::Error) {
    if let Some(report) = error.downcast_ref::<Report>() {
        to_stderr(&report.render(wants_colour()));
    } else if let Some(GatewayError::Build(report)) = error.downcast_ref::<GatewayError>() {
        to_stderr(&report.render(wants_colour()));
    } else {
        to_stderr(&format!("Error: {error:#}"));
    }
}

/// Says which of the feature gates have no effect.
fn warn_of_gates(config: &ConfigArgs) -> anyhow::Result<()> {
    let gates = config.gates()?;
    feature_gates::notices(&gates)
        .iter()
        .for_each(|notice| to_stderr(&format!("Warning: {notice}")));
    Ok(())
}

/// Returns true if reports on standard error may be coloured.
fn wants_colour() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

fn to_stderr(text: &str) {
    // Without standard error there is no place left to complain to.
    let _ = writeln!(io::stderr().lock(), "{}", text.trim_end());
}

fn print(text: &str) -> anyhow::Result<ExitCode> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        // The reader has seen enough (`weir components | head`).
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        written => written
            .context("cannot write to standard output")
            .map(|()| ExitCode::SUCCESS),
    }
}
