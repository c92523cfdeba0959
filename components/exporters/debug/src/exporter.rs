//! The exporter.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use weir_component::{
    Batch, BuildContext, BuildError, Component, ConsumeError, Consumer, Exporter, Host, ShutdownError,
    StartError, async_trait,
};
use weir_export::{Closing, Delivery, ExporterMetrics, QueueSettings};
use weir_pdata::Decoded;

use crate::output::Outputs;
use crate::sampling::Sampling;
use crate::text::{self, Counts};
use crate::{Config, Verbosity};

/// The `debug` exporter: a printer within the stack that all exporters have, without a queue.
pub(crate) struct Debug {
    printer: Arc<Printer>,
    delivery: Delivery,
}

/// Prints batches.
struct Printer {
    config: Config,
    sampling: Sampling,
    /// Opened at start, unless the internal logger is used.
    outputs: OnceLock<Outputs>,
}

#[async_trait]
impl Exporter for Debug {
    type Config = Config;

    fn build(config: &Config, context: &BuildContext) -> Result<Self, BuildError> {
        let printer = Arc::new(Printer {
            sampling: Sampling::new(config.sampling_initial, config.sampling_thereafter),
            config: config.clone(),
            outputs: OnceLock::new(),
        });
        let printing = Arc::clone(&printer);
        let deliver = Consumer::from_fn(move |batch| deliver(Arc::clone(&printing), batch));
        let metrics = ExporterMetrics::new(context);
        Ok(Self {
            printer,
            delivery: Delivery::new(
                context,
                metrics,
                Closing::default(),
                None::<QueueSettings>,
                deliver,
            ),
        })
    }

    async fn export(&self, batch: Batch) -> Result<(), ConsumeError> {
        self.delivery.consume(batch).await
    }
}

#[async_trait]
impl Component for Debug {
    async fn start(self: Arc<Self>, _host: &Host) -> Result<(), StartError> {
        let config = &self.printer.config;
        if !config.use_internal_logger {
            let outputs = Outputs::open(&config.output_paths)
                .map_err(|error| StartError::new("cannot open `output_paths`").caused_by(error))?;
            // A second start finds them open already.
            let _ = self.printer.outputs.set(outputs);
        }
        self.delivery.start();
        Ok(())
    }

    async fn shutdown(&self, deadline: Instant) -> Result<(), ShutdownError> {
        self.delivery.shutdown(deadline).await
    }
}

fn decoded(batch: &Batch) -> Result<Decoded, ConsumeError> {
    batch
        .to_decoded()
        .map_err(|error| ConsumeError::malformed("a string in the data is not UTF-8").caused_by(error))
}

/// Prints a batch on a thread that may block: decoding takes long, and whoever reads the output may be slow.
async fn deliver(printer: Arc<Printer>, batch: Batch) -> Result<(), ConsumeError> {
    if !printer.sampling.admits(Instant::now()) {
        return Ok(());
    }
    let printed = tokio::task::spawn_blocking(move || printer.print(&batch)).await;
    printed.unwrap_or_else(|error| Err(ConsumeError::permanent("printing did not finish").caused_by(error)))
}

impl Printer {
    fn print(&self, batch: &Batch) -> Result<(), ConsumeError> {
        let counts = Counts::of(batch);
        let body = match self.config.verbosity {
            Verbosity::Basic => String::new(),
            Verbosity::Normal => text::normal(&decoded(batch)?),
            Verbosity::Detailed => text::detailed(&decoded(batch)?),
        };
        match self.outputs.get() {
            None => {
                counts.log();
                if !body.is_empty() {
                    tracing::info!("{}", body.trim_end());
                }
                Ok(())
            }
            Some(outputs) => outputs
                .write(&format!("{counts}\n{body}"))
                .map_err(|error| ConsumeError::permanent("cannot write to `output_paths`").caused_by(error)),
        }
    }
}
