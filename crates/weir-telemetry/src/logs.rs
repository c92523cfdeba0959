//! Logs in the Collector's two forms.
//!
//! ```text
//! console  2026-11-21T21:42:21.123Z<tab>info<tab>weir-cli/run.rs:42<tab>message<tab>{"resource": {…}, "field": 1}
//! json     {"level":"info","ts":"2026-11-21T21:42:21.123Z","caller":"weir-cli/run.rs:42","msg":"message",…}
//! ```
//!
//! Whoever logs uses `tracing`: the fields of an event, and of the spans around it, become fields of the line. Lines are
//! written by a thread of their own, so that a slow terminal or disk does not stall the data path; if the output falls
//! too far behind, lines are left out and counted in a line that says so.
//!
//! Lines say how the code got there (`stacktrace`) only in development: what goes wrong here is told by errors and their causes.

mod caller;
mod fields;
mod layer;
mod line;
mod output;
mod records;
mod sampling;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value};
use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Subscriber;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Layered, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Registry, registry::LookupSpan, reload};

use layer::LineLayer;
use output::Writing;
pub use records::{QUIET, Record, Records, TakeRecords};
use sampling::Sampler;

/// The lowest level that is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogLevel {
    /// Everything worth a line when looking for a fault.
    Debug,
    /// The default.
    #[default]
    Info,
    /// Something is degraded, nothing lost.
    Warn,
    /// Data lost, or a person must act.
    Error,
    /// Nothing: no line of Weir's is above `error`.
    Fatal,
}

impl LogLevel {
    const fn filter(self) -> LevelFilter {
        match self {
            Self::Debug => LevelFilter::DEBUG,
            Self::Info => LevelFilter::INFO,
            Self::Warn => LevelFilter::WARN,
            Self::Error => LevelFilter::ERROR,
            Self::Fatal => LevelFilter::OFF,
        }
    }
}

/// The form of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    /// Tab-separated, for people.
    #[default]
    Console,
    /// One JSON object per line.
    Json,
}

/// Limits lines of one level and message: of those within `tick`, the first `initial` are written and then each
/// `thereafter`-th.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sampling {
    /// Length of the period. Default: 10 s.
    pub tick: Duration,
    /// Lines written at the beginning of a period. Default: 10.
    pub initial: u64,
    /// Of the lines after those, each of this number is written; 0: none. Default: 100.
    pub thereafter: u64,
}

impl Default for Sampling {
    fn default() -> Self {
        Self {
            tick: Duration::from_secs(10),
            initial: 10,
            thereafter: 100,
        }
    }
}

/// Where lines go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogOutput {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// A file, which is appended to.
    File(PathBuf),
}

/// What is logged, how and to where.
#[derive(Debug, Clone, PartialEq)]
pub struct LogSettings {
    /// The lowest level.
    pub level: LogLevel,
    /// The form of a line.
    pub encoding: Encoding,
    /// Leaves out where in the source the line comes from.
    pub disable_caller: bool,
    /// Lines from `warn` on say how the code got there, unless `disable_stacktrace`.
    pub development: bool,
    /// Leaves out how the code got there.
    pub disable_stacktrace: bool,
    /// Where lines go, to each of these.
    pub outputs: Vec<LogOutput>,
    /// Where failures of the logs themselves are told.
    pub error_outputs: Vec<LogOutput>,
    /// Fields of every line.
    pub initial_fields: Map<String, Value>,
    /// Limits repeated lines; `None` writes all.
    pub sampling: Option<Sampling>,
    /// Attributes of the own resource, shown in the field `resource`; left out if there are none.
    pub resource: Map<String, Value>,
    /// Where records go beside.
    pub records: Option<Records>,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            level: LogLevel::default(),
            encoding: Encoding::default(),
            disable_caller: false,
            development: false,
            disable_stacktrace: false,
            outputs: vec![LogOutput::Stderr],
            error_outputs: vec![LogOutput::Stderr],
            initial_fields: Map::new(),
            sampling: Some(Sampling::default()),
            resource: Map::new(),
            records: None,
        }
    }
}

/// Why logs cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The file of an output cannot be opened.
    #[error("cannot open log file `{}`", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The thread that writes lines cannot be started.
    #[error("cannot start the thread that writes logs")]
    Thread(#[source] io::Error),
    /// Logs were set up before in this process.
    #[error("logs are already set up in this process")]
    Installed,
    /// The subscriber that wrote them is no more.
    #[error("the logs have ended")]
    Gone,
}

/// Libraries whose debug output drowns everything else; they are heard from `info` on.
const TALKATIVE: [&str; 10] = [
    "h2",
    "hyper",
    "hyper_util",
    "mio",
    "rustls",
    "tokio",
    "tokio_util",
    "tonic",
    "tower",
    "want",
];

/// Sets up logs for the whole process. Lines are written until the guard is dropped, which writes what is left.
///
/// # Errors
///
/// See [`LogError`].
pub fn install(settings: &LogSettings) -> Result<LogGuard, LogError> {
    let (subscriber, guard) = subscriber(settings)?;
    subscriber.try_init().map_err(|_| LogError::Installed)?;
    Ok(guard)
}

/// Makes the subscriber without installing it: for tests, and for embedding Weir in a process that logs itself.
///
/// # Errors
///
/// See [`LogError`].
pub fn subscriber(
    settings: &LogSettings,
) -> Result<
    (
        impl Subscriber + for<'a> LookupSpan<'a> + Send + Sync + use<>,
        LogGuard,
    ),
    LogError,
> {
    let (lines, writing) = lines(settings)?;
    let (filter_layer, filter_handle) = reload::Layer::new(filter(settings));
    let (lines_layer, lines_handle) = reload::Layer::new(lines);
    let guard = LogGuard {
        filter: filter_handle,
        lines: lines_handle,
        writing,
    };
    Ok((Registry::default().with(filter_layer).with(lines_layer), guard))
}

fn filter(settings: &LogSettings) -> Targets {
    let level = settings.level.filter();
    let quiet = TALKATIVE.map(|library| (library, level.min(LevelFilter::INFO)));
    Targets::new().with_default(level).with_targets(quiet)
}

fn lines(settings: &LogSettings) -> Result<(LineLayer, Writing), LogError> {
    let (output, writing) = output::open(&settings.outputs, &settings.error_outputs)?;
    let lines = LineLayer {
        form: line::Form::new(settings),
        sampler: settings.sampling.map(Sampler::new),
        stack_from: (settings.development && !settings.disable_stacktrace).then_some(Level::WARN),
        records: settings.records.clone(),
        output,
    };
    Ok((lines, writing))
}

/// What lies below the layer that writes lines.
type Filtered = Layered<reload::Layer<Targets, Registry>, Registry>;

/// Keeps the logs going. Dropping it writes what is left, for two seconds at most, and ends them.
#[derive(Debug)]
#[must_use = "logs end when the guard is dropped"]
pub struct LogGuard {
    filter: reload::Handle<Targets, Registry>,
    lines: reload::Handle<LineLayer, Filtered>,
    writing: Writing,
}

impl LogGuard {
    /// Puts other settings in the place of those that the logs were set up with, and opens the outputs again, so that a
    /// file that was moved away is followed by a new one. Blocks until the old outputs have what they were given, for two
    /// seconds at most.
    ///
    /// # Errors
    ///
    /// See [`LogError`]: nothing has changed then.
    pub fn replace(&mut self, settings: &LogSettings) -> Result<(), LogError> {
        let (lines, writing) = lines(settings)?;
        self.lines.reload(lines).map_err(|_| LogError::Gone)?;
        self.filter.reload(filter(settings)).map_err(|_| LogError::Gone)?;
        self.writing = writing;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
