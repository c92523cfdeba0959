//! What connectors must do.

use weir_component::{ConnectorFactory, ParsedConfig};
use weir_pdata::Batch;

use super::step;
use crate::Bench;

/// Checks that a connector starts and stops without data, and that a second instance does so after the first.
///
/// # Panics
///
/// If it does not.
pub async fn connector_starts_and_stops_twice(
    factory: ConnectorFactory,
    config: &ParsedConfig,
    batch: Batch,
) {
    step::starts_and_stops_twice(|sink| Bench::connector(factory, config, batch.signal(), sink)).await;
}

/// Checks that the errors of the pipeline behind it reach the caller as they are: code, fault, when to retry, what was refused.
///
/// # Panics
///
/// If they do not.
pub async fn connector_passes_errors_on(factory: ConnectorFactory, config: &ParsedConfig, batch: Batch) {
    let signal = batch.signal();
    step::passes_errors_on(|sink| Bench::connector(factory, config, signal, sink), batch).await;
}

/// Checks that batches that are handed over one after the other come out in that order, for connectors that hand them on as they are.
///
/// # Panics
///
/// If they do not.
pub async fn connector_keeps_order(factory: ConnectorFactory, config: &ParsedConfig, batches: Vec<Batch>) {
    let signal = batches.first().expect("batches to send").signal();
    step::keeps_order(|sink| Bench::connector(factory, config, signal, sink), batches).await;
}
