//! Measures gateways: starts each as a process between a load and a sink, and compares.
//!
//! Owns the life of the process, the measured window and the comparison. Knows of a gateway its command line, its
//! config file and the environment it reads addresses from; never what it is.

mod case;
mod goals;
mod process;
mod report;
mod run;

#[cfg(test)]
mod tests;

use std::io;
use std::num::NonZeroUsize;
use std::path::PathBuf;

pub use case::{Case, CaseError, GatewayOptions, LoadOptions};
pub use goals::{Goals, Outcome};
pub use report::{Comparison, Summary};
pub use run::{MANY_SERIES, Measurement, measure};

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
    /// Pin gateways to CPU 0, unless their case says which, and load and sink to the others. Needs `taskset` and two CPUs.
    #[arg(long)]
    pub pin: bool,
    /// Points per second for all cases, instead of what they say: for a load in proportion to what was measured.
    #[arg(long)]
    pub rate: Option<f64>,
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
    let mut cases = options
        .cases
        .iter()
        .map(|path| Case::read(path))
        .collect::<Result<Vec<_>, _>>()?;
    for case in &mut cases {
        if options.pin && case.gateway.cpus.is_empty() {
            case.gateway.cpus = vec![0];
        }
        case.load.send.rate = options.rate.or(case.load.send.rate);
    }
    // Once one case is pinned, the load must be placed anew for each.
    let cpus = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let pins = cases.iter().any(|case| !case.gateway.cpus.is_empty());
    let mut measurements: Vec<Vec<Measurement>> = cases.iter().map(|_| Vec::new()).collect();
    for run in 0..options.runs {
        let mut order: Vec<_> = (0..cases.len()).collect();
        if run % 2 == 1 {
            order.reverse();
        }
        for index in order {
            if pins {
                process::place_load(&cases[index].gateway.cpus, cpus).await?;
            }
            let measurement = measure(&cases[index], run, options).await?;
            progress(&measurement);
            measurements[index].push(measurement);
        }
    }
    let goals: Vec<_> = cases.iter().map(|case| case.goals).collect();
    Ok(Comparison::new(measurements, &goals))
}

/// Options of the sink in a case; counting is the default, so that the sink costs little beside the gateway.
pub type SinkOptions = sink::Options;
