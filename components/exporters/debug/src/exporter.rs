//! The exporter.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use weir_component::{
    Batch, Book, BuildContext, BuildError, Component, ConsumeError, Exporter, Host, StartError, async_trait,
};

use crate::output::Outputs;
use crate::sampling::Sampling;
use crate::text;
use crate::{Config, Verbosity};

/// The `debug` exporter.
pub(crate) struct Debug {
    config: Config,
    sampling: Sampling,
    /// Opened at start, unless the internal logger is used.
    outputs: OnceLock<Outputs>,
    book: Book,
}

#[async_trait]
impl Component for Debug {
    async fn start(self: Arc<Self>, _host: &Host) -> Result<(), StartError> {
        if !self.config.use_internal_logger {
            let outputs = Outputs::open(&self.config.output_paths)
                .map_err(|error| StartError::new("cannot open `output_paths`").caused_by(error))?;
            // A second start finds them open already.
            let _ = self.outputs.set(outputs);
        }
        Ok(())
    }
}

#[async_trait]
impl Exporter for Debug {
    type Config = Config;

    fn build(config: &Config, context: &BuildContext) -> Result<Self, BuildError> {
        Ok(Self {
            sampling: Sampling::new(config.sampling_initial, config.sampling_thereafter),
            config: config.clone(),
            outputs: OnceLock::new(),
            book: context.book.clone(),
        })
    }

    async fn export(&self, batch: Batch) -> Result<(), ConsumeError> {
        if self.sampling.admits(Instant::now()) {
            self.print(&batch)?;
        }
        self.book.delivered(batch.items() as u64);
        Ok(())
    }
}

impl Debug {
    fn print(&self, batch: &Batch) -> Result<(), ConsumeError> {
        let decoded = batch
            .to_decoded()
            .map_err(|error| ConsumeError::malformed("a string in the data is not UTF-8").caused_by(error))?;
        let counts = text::basic(&decoded);
        let body = match self.config.verbosity {
            Verbosity::Basic => String::new(),
            Verbosity::Normal => text::normal(&decoded),
            Verbosity::Detailed => text::detailed(&decoded),
        };
        match self.outputs.get() {
            None => {
                counts.log();
                if !body.is_empty() {
                    tracing::info!("{body}");
                }
                Ok(())
            }
            Some(outputs) => outputs
                .write(&format!("{counts}\n{body}"))
                .map_err(|error| ConsumeError::permanent("cannot write to `output_paths`").caused_by(error)),
        }
    }
}
