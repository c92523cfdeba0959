//! `nop` exporter: takes everything and does nothing with it.
//!
//! For pipelines that must end somewhere: measurements, trials of receivers and processors.

use serde::{Deserialize, Serialize};
use weir_component::{
    Batch, Book, BuildContext, BuildError, Component, ConsumeError, Exporter, ExporterFactory, Stability, Validate, async_trait,
};

/// What a binary lists to offer this exporter.
pub const FACTORY: ExporterFactory = ExporterFactory::of::<Nop>("nop", Stability::Beta);

/// The `nop` exporter has no options.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {}

impl Validate for Config {}

/// The `nop` exporter.
#[derive(Debug)]
pub struct Nop {
    book: Book,
}

#[async_trait]
impl Exporter for Nop {
    type Config = Config;

    fn build(_config: &Config, context: &BuildContext) -> Result<Self, BuildError> {
        Ok(Self { book: context.book.clone() })
    }

    async fn export(&self, batch: Batch) -> Result<(), ConsumeError> {
        self.book.delivered(batch.items() as u64);
        Ok(())
    }
}

impl Component for Nop {}
