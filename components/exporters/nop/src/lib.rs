//! `nop` exporter: takes everything and does nothing with it. For measuring what stands before it, and for trying configurations.

use serde::{Deserialize, Serialize};
use weir_component::schemars::{self, JsonSchema};
use weir_component::{
    Batch, Book, BuildContext, BuildError, Component, ConsumeError, Exporter, ExporterFactory, Stability,
    Validate, async_trait,
};

/// Options of the `nop` exporter: none.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {}

impl Validate for Config {}

/// What a binary lists to offer this exporter.
pub const FACTORY: ExporterFactory = ExporterFactory::of::<Nop>("nop", Stability::Stable);

/// The `nop` exporter.
pub struct Nop {
    book: Book,
}

impl Component for Nop {}

#[async_trait]
impl Exporter for Nop {
    type Config = Config;

    fn build(_config: &Config, context: &BuildContext) -> Result<Self, BuildError> {
        Ok(Self {
            book: context.book.clone(),
        })
    }

    async fn export(&self, batch: Batch) -> Result<(), ConsumeError> {
        self.book.delivered(batch.items() as u64);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_component::{ComponentKind, Signal};
    use weir_pdata::Decoded;

    #[tokio::test]
    async fn everything_is_delivered_to_nowhere() {
        let context = BuildContext::standalone(
            "nop".parse().expect("id"),
            ComponentKind::Exporter,
            Some(Signal::Logs),
        );
        let nop = Nop::build(&Config {}, &context).expect("builds");
        nop.export(Batch::from_decoded(Decoded::empty(Signal::Logs)))
            .await
            .expect("taken");
        assert_eq!(context.book.delivered_items(), 0);
    }

    #[test]
    fn it_takes_all_signals() {
        assert_eq!(FACTORY.meta.signals, Signal::ALL);
    }
}
