//! The exporter: decodes, prints, answers.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use weir_component::{
    Batch, BuildContext, BuildError, Component, ConsumeError, Consumer, Exporter, Host, ShutdownError, StartError, async_trait,
};
use weir_export::{Closing, Delivery, ExporterMetrics};

use crate::output::Output;
use crate::sampler::Sampler;
use crate::{Config, Verbosity, text};

/// The `debug` exporter.
#[derive(Debug)]
pub struct Debug {
    delivery: Delivery,
    printer: Arc<Printer>,
    /// Places to print to; none is the own log.
    paths: Option<Vec<String>>,
}

#[derive(Debug)]
struct Printer {
    verbosity: Verbosity,
    sampler: Sampler,
    /// Set when the exporter starts.
    output: OnceLock<Output>,
}

#[async_trait]
impl Exporter for Debug {
    type Config = Config;

    fn build(config: &Config, context: &BuildContext) -> Result<Self, BuildError> {
        let printer = Arc::new(Printer {
            verbosity: config.verbosity,
            sampler: Sampler::new(config.sampling_initial, config.sampling_thereafter),
            output: OnceLock::new(),
        });
        let printing = Arc::clone(&printer);
        let deliver = Consumer::from_fn(move |batch| {
            let printer = Arc::clone(&printing);
            async move { printer.deliver(batch).await }
        });
        let paths = config.output_paths.clone().unwrap_or_else(|| vec!["stdout".to_owned()]);
        Ok(Self {
            delivery: Delivery::new(context, ExporterMetrics::new(context), Closing::default(), None, deliver),
            printer,
            paths: (!config.use_internal_logger).then_some(paths),
        })
    }

    async fn export(&self, batch: Batch) -> Result<(), ConsumeError> {
        self.delivery.consume(batch).await
    }
}

#[async_trait]
impl Component for Debug {
    async fn start(self: Arc<Self>, _host: &Host) -> Result<(), StartError> {
        let output = match &self.paths {
            None => Output::Log,
            Some(paths) => Output::open(paths)
                .map_err(|error| StartError::new(format!("cannot open output paths {paths:?}")).caused_by(error))?,
        };
        // Started once; a second start would print to the same places.
        drop(self.printer.output.set(output));
        self.delivery.start();
        Ok(())
    }

    async fn shutdown(&self, deadline: Instant) -> Result<(), ShutdownError> {
        self.delivery.shutdown(deadline).await
    }
}

impl Printer {
    async fn deliver(&self, batch: Batch) -> Result<(), ConsumeError> {
        let output = self.output.get().ok_or_else(|| ConsumeError::unavailable("not started"))?;
        if !self.sampler.picks() {
            return Ok(());
        }
        let (output, verbosity) = (output.clone(), self.verbosity);
        // Decoding and printing take long and may block.
        let printed = tokio::task::spawn_blocking(move || print(&output, verbosity, &batch)).await;
        printed.unwrap_or_else(|error| Err(ConsumeError::permanent("printing did not finish").caused_by(error)))
    }
}

fn print(output: &Output, verbosity: Verbosity, batch: &Batch) -> Result<(), ConsumeError> {
    let decoded = batch.to_decoded().map_err(|error| ConsumeError::malformed("cannot decode").caused_by(error))?;
    let text = match verbosity {
        Verbosity::Basic => None,
        Verbosity::Normal => Some(text::normal(&decoded)),
        Verbosity::Detailed => Some(text::detailed(&decoded)),
    };
    let printed = output.print(&text::Summary::of(&decoded), text.as_deref());
    printed.map_err(|error| ConsumeError::permanent("cannot print").caused_by(error))
}
