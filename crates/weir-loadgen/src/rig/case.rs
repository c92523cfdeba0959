//! Case files: one gateway, one config, one load.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Goals, SinkOptions};
use crate::send::{self, Protocol};
use crate::sink::Mode;
use crate::workload::Spec;

/// One case, as its file says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Name in tables. Default: the name of the file.
    #[serde(default)]
    pub name: String,
    /// The process to measure.
    pub gateway: GatewayOptions,
    /// What is sent to it.
    #[serde(default)]
    pub load: LoadOptions,
    /// What it sends to.
    #[serde(default)]
    pub sink: SinkOptions,
    /// Time without load after the start, at whose end the idle memory is read. Default 0s.
    #[serde(default, with = "crate::duration")]
    pub idle: Duration,
    /// Load before the measured window. Default 2s.
    #[serde(default = "default_warmup", with = "crate::duration")]
    pub warmup: Duration,
    /// The measured window. Default 10s.
    #[serde(default = "default_measure", with = "crate::duration")]
    pub measure: Duration,
    /// What the figures are held against; nothing by default.
    #[serde(default)]
    pub goals: Goals,
}

/// How to start a gateway.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewayOptions {
    /// Program and arguments, run from the working directory. `{config}` stands for the path of the config, and
    /// `{RIG_OTLP_GRPC}` and the like for the addresses below, for gateways that take them as arguments. The process must be the gateway itself, not a script that starts it: its CPU time is what is measured.
    pub command: Vec<String>,
    /// Config file, relative to the case file. It finds the addresses to use in the environment: `RIG_OTLP_GRPC` and
    /// `RIG_OTLP_HTTP` (`host:port` to listen on), `RIG_REMOTE_WRITE` (URL), `RIG_OTLP_SINK` (`host:port`) and
    /// `RIG_TELEMETRY_PORT` (a free port for its own metrics).
    pub config: PathBuf,
    /// CPUs that the gateway may use, by number. The load gets the others, or all if there are no others. Needs `taskset`.
    /// Default: all, or CPU 0 with `--pin`.
    #[serde(default)]
    pub cpus: Vec<usize>,
    /// More environment variables.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Time to start accepting. Default 15s.
    #[serde(default = "default_start", with = "crate::duration")]
    pub start: Duration,
    /// Time to stop after SIGTERM, before SIGKILL. Default 15s.
    #[serde(default = "default_start", with = "crate::duration")]
    pub stop: Duration,
}

/// What to send and how.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LoadOptions {
    /// The points.
    pub workload: Spec,
    /// The way they go.
    pub send: send::Options,
}

fn default_warmup() -> Duration {
    Duration::from_secs(2)
}

fn default_measure() -> Duration {
    Duration::from_secs(10)
}

fn default_start() -> Duration {
    Duration::from_secs(15)
}

/// Why a case cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    /// The file cannot be read.
    #[error("cannot read case `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The file is not a case.
    #[error("cannot understand case `{path}`")]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where and why.
        #[source]
        source: serde_yaml::Error,
    },
    /// A value is out of bounds.
    #[error("case `{path}`: {what}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
}

impl Case {
    /// Reads a case file.
    ///
    /// # Errors
    /// When it cannot be read or understood, or holds a value out of bounds.
    pub fn read(path: &Path) -> Result<Self, CaseError> {
        let text = std::fs::read_to_string(path).map_err(|source| CaseError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(path, &text)
    }

    pub(super) fn parse(path: &Path, text: &str) -> Result<Self, CaseError> {
        let mut case: Self = serde_yaml::from_str(text).map_err(|source| CaseError::Parse {
            path: path.to_owned(),
            source,
        })?;
        if case.name.is_empty() {
            case.name = path
                .file_stem()
                .map(|stem| stem.to_string_lossy().into_owned())
                .unwrap_or_default();
        }
        case.gateway.config = path.parent().unwrap_or(Path::new("")).join(&case.gateway.config);
        case.validate().map_err(|what| CaseError::Invalid {
            path: path.to_owned(),
            what,
        })?;
        Ok(case)
    }

    fn validate(&self) -> Result<(), String> {
        self.load.workload.validate().map_err(|error| error.to_string())?;
        self.load.send.validate().map_err(|error| error.to_string())?;
        match () {
            () if self.gateway.command.is_empty() => Err("gateway.command must name a program".to_owned()),
            () if self.measure < Duration::from_millis(100) => {
                Err("measure must be at least 100ms".to_owned())
            }
            () if self.sink.mode == Mode::Check && !self.load.send.moves_values() => Err(
                "values that do not move (encoding json, replay) need another sink mode than check"
                    .to_owned(),
            ),
            // It becomes part of a file name.
            () if self.name.contains(['/', '\0']) => Err("name must not contain a slash".to_owned()),
            () => Ok(()),
        }
    }

    /// Whether the load goes to the gateway's gRPC port.
    pub(super) fn uses_grpc(&self) -> bool {
        self.load.send.protocol == Protocol::OtlpGrpc
    }
}
