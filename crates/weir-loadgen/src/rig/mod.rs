//! Measures gateways: starts each as a process between a load and a sink, and compares.
//!
//! Owns the life of the process, the measured window and the comparison. Knows of a gateway its command line, its
//! config file and the environment it reads addresses from; never what it is.

mod case;
mod process;
mod report;
mod run;

#[cfg(test)]
mod tests;

use std::io;
use std::path::PathBuf;

pub use case::{Case, CaseError, GatewayOptions, LoadOptions};
pub use report::{Comparison, Summary};
pub use run::{Measurement, measure};

use crate::sink;

/// What to compare.
#[derive(Debug, Clone, clap::Args)]
pub struct RigOptions {
    /// Case file; give it several times to compare, the first being the base of the ratios.
    #[arg(long = "case", required = true)]
    pub cases: Vec<PathBuf>,
    /// Runs per case, interleaved; figures are medians over them.
    #[arg(long, default_value_t = 3)]
    pub runs: usize,
    /// Pin gateways to CPU 0, load and sink to CPU 1. Needs `taskset` and two CPUs.
    #[arg(long)]
    pub pin: bool,
    /// Folder for the output of the gateways, one file per run.
    #[arg(long, default_value = "target/rig")]
    pub logs: PathBuf,
    /// Also write all measurements to this file, as JSON.
    #[arg(long)]
    pub json: Option<PathBuf>,
}

/// Why a measurement could not be made.
#[derive(Debug, thiserror::Error)]
pub enum RigError {
    /// A case file is wrong.
    #[error(transparent)]
    Case(#[from] CaseError),
    /// No run was asked for.
    #[error("runs must be 1 to 1000")]
    Runs,
    /// The gateway's process could not be started, watched or ended.
    #[error("cannot {what}")]
    Process {
        /// What was tried.
        what: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The gateway ended before it was asked to.
    #[error("the gateway of case `{case}` ended by itself ({status}); its output is in {log}")]
    Ended {
        /// Name of the case.
        case: String,
        /// How it ended.
        status: String,
        /// Where its output is.
        log: String,
    },
    /// The gateway did not accept connections in time.
    #[error("the gateway of case `{case}` does not accept connections on {address}; its output is in {log}")]
    NotReady {
        /// Name of the case.
        case: String,
        /// Where it should.
        address: String,
        /// Where its output is.
        log: String,
    },
    /// The sink could not listen.
    #[error("cannot start the sink")]
    Sink(#[source] io::Error),
    /// The load is out of bounds.
    #[error("case `{case}`")]
    Load {
        /// Name of the case.
        case: String,
        /// What is wrong.
        #[source]
        source: crate::send::SendError,
    },
}

impl RigError {
    fn process(what: impl Into<String>, source: io::Error) -> Self {
        Self::Process {
            what: what.into(),
            source,
        }
    }
}

/// Runs all cases `runs` times, interleaved, every other round in reverse so that a drift of the machine cancels out.
/// `progress` is called after each measurement.
///
/// # Errors
/// The first run that cannot be made; a gateway that loses data is no error but a figure.
///
/// # Cancel safety
/// Cancelling kills the gateway that runs.
pub async fn compare(
    options: &RigOptions,
    mut progress: impl FnMut(&Measurement),
) -> Result<Comparison, RigError> {
    if !(1..=1000).contains(&options.runs) {
        return Err(RigError::Runs);
    }
    let cases = options
        .cases
        .iter()
        .map(|path| Case::read(path))
        .collect::<Result<Vec<_>, _>>()?;
    if options.pin {
        process::pin_self().await?;
    }
    let mut measurements: Vec<Vec<Measurement>> = cases.iter().map(|_| Vec::new()).collect();
    for run in 0..options.runs {
        let mut order: Vec<_> = (0..cases.len()).collect();
        if run % 2 == 1 {
            order.reverse();
        }
        for index in order {
            let measurement = measure(&cases[index], run, options).await?;
            progress(&measurement);
            measurements[index].push(measurement);
        }
    }
    Ok(Comparison::new(measurements))
}

/// Options of the sink in a case; counting is the default, so that the sink costs little beside the gateway.
pub type SinkOptions = sink::Options;
