//! The components of the gateway: some of Weir's, two of its own.

pub mod drop_key;
pub mod graphite;

use weir_cli::Catalog;

/// Returns the components on offer.
pub fn components() -> Catalog {
    Catalog::new([
        weir_receiver_otlp::FACTORY.into(),
        weir_processor_batch::FACTORY.into(),
        drop_key::FACTORY.into(),
        weir_exporter_debug::FACTORY.into(),
        graphite::FACTORY.into(),
    ])
}
