//! Two gateways in a row: what the first hands on as OTLP, the second writes as if it had come from the application.

use anyhow::{Context, Result};
use weir_integration::application;
use weir_integration::difference::expect_series;
use weir_integration::expected;
use weir_integration::gateway::{Gateway, config};
use weir_integration::prometheus::{Prometheus, RECEIVING};
use weir_integration::samples::{PYTHON, PYTHON_NAMES};
use weir_integration::wait::until;

/// Requests in flight together may overtake each other, and the store wants the samples of a series in order.
const IN_ORDER: &str = "sending_queue:\n  num_consumers: 1\n";

async fn check(exporter: &str, settings: impl FnOnce(&Gateway) -> String) -> Result<()> {
    let store = Prometheus::start(RECEIVING).await?;
    let remote_write = format!(
        "endpoint: {}\nprotobuf_message: io.prometheus.write.v2.Request\n",
        store.write_url()
    );
    let last = Gateway::start(|ports| config(ports, "prometheus_remote_write", &remote_write)).await?;
    let settings = settings(&last);
    let first = Gateway::start(|ports| config(ports, exporter, &settings)).await?;
    let report = application::python(&["--endpoint", &first.grpc()]).await?;

    let expected = expected::series(&report, PYTHON_NAMES).without_target_info();
    until("every sample to arrive", async || {
        expect_series(&expected, &store.series(PYTHON).await?.without_target_info())
    })
    .await
    .with_context(|| format!("{}\n{}", first.log(), last.log()))?;
    first.stop().await?;
    last.stop().await
}

#[tokio::test]
async fn gateways_are_chained_over_grpc() -> Result<()> {
    check("otlp_grpc", |last| {
        format!(
            "endpoint: 127.0.0.1:{}\ntls:\n  insecure: true\n{IN_ORDER}",
            last.ports.grpc
        )
    })
    .await
}

#[tokio::test]
async fn gateways_are_chained_over_http() -> Result<()> {
    check("otlp_http", |last| {
        format!("endpoint: {}\n{IN_ORDER}", last.http())
    })
    .await
}
