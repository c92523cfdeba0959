//! Applications on official SDKs, through the gateway, into Prometheus: every value, label, bucket, exemplar.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use weir_integration::application::{self, Report};
use weir_integration::difference::{expect_equal, expect_series};
use weir_integration::expected::{self, Names};
use weir_integration::gateway::{Gateway, config};
use weir_integration::prometheus::{Prometheus, RECEIVING, forwarding};
use weir_integration::samples::{JAVASCRIPT, JAVASCRIPT_NAMES, PYTHON, PYTHON_NAMES};
use weir_integration::series::{Exemplar, Labels, NativePoint, Series};
use weir_integration::sink::{Sink, Written, resolve};
use weir_integration::wait::until;
use weir_proto::prometheus::v2;

const V1: &str = "prometheus.WriteRequest";
const V2: &str = "io.prometheus.write.v2.Request";

fn remote_write(url: &str, message: &str) -> String {
    format!("endpoint: {url}\nprotobuf_message: {message}\n")
}

/// Waits until a store answers exactly what an application measured.
async fn expect(
    store: &Prometheus,
    message: &str,
    selector: &str,
    report: &Report,
    names: Names<'_>,
) -> Result<()> {
    let all = expected::series(report, names);
    let (targets, expected) = split(all.clone());
    until("every sample to arrive", async || {
        let (found_targets, found) = split(store.series(selector).await?);
        expect_series(&expected, &found)?;
        expect_target_info(&targets, &found_targets)
    })
    .await?;
    let mut expected = expected::exemplars(report, names);
    if message == V1 {
        lose_first_of_natives(&mut expected, &all.natives);
    }
    until("every exemplar to arrive", async || {
        expect_equal(&expected, &store.exemplars(selector).await?)
    })
    .await
}

/// Receiving remote write 1.0, Prometheus looks at the exemplars of a series before its histograms: those that come
/// with the first histogram of a series belong to nothing it knows.
fn lose_first_of_natives(
    exemplars: &mut BTreeMap<Labels, Vec<Exemplar>>,
    natives: &BTreeMap<Labels, Vec<NativePoint>>,
) {
    for (labels, exemplars) in exemplars.iter_mut() {
        let first = natives.get(labels).and_then(|points| points.first());
        exemplars.retain(|exemplar| first.is_none_or(|first| exemplar.milliseconds > first.milliseconds));
    }
}

/// Waits until the gateway's own counters tell the same story.
async fn expect_counted(gateway: &Gateway, report: &Report) -> Result<()> {
    let metrics = report
        .exports
        .iter()
        .flat_map(|export| &export.scopes)
        .flat_map(|scope| &scope.metrics);
    let points = metrics.map(|metric| metric.points.len()).sum::<usize>();
    until("the points to be counted", async || {
        for counter in [
            "otelcol_receiver_accepted_metric_points",
            "otelcol_exporter_sent_metric_points",
        ] {
            let counted = gateway.metric(counter, "").await?;
            ensure!(
                counted == points as f64,
                "{counter} is {counted}, {points} points were sent"
            );
        }
        Ok(())
    })
    .await
}

/// Sets `target_info` apart.
fn split(all: Series) -> (Series, Series) {
    let is_target = |labels: &Labels| labels["__name__"] == "target_info";
    let (targets, floats) = all.floats.into_iter().partition(|(labels, _)| is_target(labels));
    (
        Series {
            floats: targets,
            ..Series::default()
        },
        Series {
            floats,
            natives: all.natives,
        },
    )
}

/// How often `target_info` is repeated is up to the gateway; that it is there, and right, is not.
fn expect_target_info(expected: &Series, found: &Series) -> Result<()> {
    ensure!(
        expected.floats.keys().eq(found.floats.keys()),
        "target_info differs: expected {:?}, found {:?}",
        expected.floats,
        found.floats
    );
    for (labels, points) in &found.floats {
        let stray = points
            .iter()
            .find(|point| !expected.floats[labels].contains(point));
        ensure!(
            stray.is_none(),
            "target_info has a sample that no export explains: {stray:?}"
        );
    }
    Ok(())
}

async fn check_python(protocol: &str, compression: &str, message: &str) -> Result<()> {
    let store = Prometheus::start(RECEIVING).await?;
    let gateway = Gateway::start(|ports| {
        config(
            ports,
            "prometheus_remote_write",
            &remote_write(&store.write_url(), message),
        )
    })
    .await?;
    let endpoint = if protocol == "grpc" {
        gateway.grpc()
    } else {
        gateway.http()
    };
    let report = application::python(&[
        "--endpoint",
        &endpoint,
        "--protocol",
        protocol,
        "--compression",
        compression,
    ])
    .await?;
    expect(&store, message, PYTHON, &report, PYTHON_NAMES)
        .await
        .with_context(|| gateway.log())?;
    expect_counted(&gateway, &report).await?;
    gateway.stop().await
}

#[tokio::test]
async fn python_over_grpc_into_remote_write_1() -> Result<()> {
    check_python("grpc", "none", V1).await
}

#[tokio::test]
async fn python_over_grpc_into_remote_write_2() -> Result<()> {
    check_python("grpc", "gzip", V2).await
}

#[tokio::test]
async fn python_over_http_into_remote_write_1() -> Result<()> {
    check_python("http/protobuf", "gzip", V1).await
}

#[tokio::test]
async fn python_over_http_into_remote_write_2() -> Result<()> {
    check_python("http/protobuf", "none", V2).await
}

async fn check_javascript(protocol: &str) -> Result<()> {
    let store = Prometheus::start(RECEIVING).await?;
    // The older spelling of the component, as most configs in the field have it.
    let gateway = Gateway::start(|ports| {
        config(
            ports,
            "prometheusremotewrite",
            &remote_write(&store.write_url(), V2),
        )
    })
    .await?;
    let endpoint = if protocol == "grpc" {
        gateway.grpc()
    } else {
        gateway.http()
    };
    let report = application::javascript(&["--endpoint", &endpoint, "--protocol", protocol]).await?;
    expect(&store, V2, JAVASCRIPT, &report, JAVASCRIPT_NAMES)
        .await
        .with_context(|| gateway.log())?;
    expect_counted(&gateway, &report).await?;
    gateway.stop().await
}

#[tokio::test]
async fn javascript_over_grpc() -> Result<()> {
    check_javascript("grpc").await
}

#[tokio::test]
async fn javascript_over_http() -> Result<()> {
    check_javascript("http/protobuf").await
}

/// Prometheus shows metadata of received series to nobody but those it writes to itself.
#[tokio::test]
async fn metadata_reaches_prometheus_and_what_is_behind_it() -> Result<()> {
    let behind = Sink::accepting().await?;
    let store = Prometheus::start(&forwarding(&behind.write_url())).await?;
    let gateway = Gateway::start(|ports| {
        config(
            ports,
            "prometheus_remote_write",
            &remote_write(&store.write_url(), V2),
        )
    })
    .await?;
    let report = application::python(&["--endpoint", &gateway.grpc()]).await?;
    let expected = expected::metadata(&report, PYTHON_NAMES);
    until("metadata behind Prometheus", async || {
        for (family, (kind, help)) in &expected {
            let series = series_of(&behind, family);
            ensure!(!series.is_empty(), "no series of {family} yet");
            for (request, series) in &series {
                let metadata = series.metadata.unwrap_or_default();
                let found = (
                    type_name(metadata),
                    request.symbols[metadata.help_ref as usize].as_str(),
                );
                ensure!(
                    found == (kind, help),
                    "{family}: expected {kind} {help:?}, found {found:?}"
                );
            }
        }
        Ok(())
    })
    .await?;
    gateway.stop().await
}

/// What no store shows: units and start times.
#[tokio::test]
async fn units_and_start_times_are_written() -> Result<()> {
    let sink = Sink::accepting().await?;
    let gateway = Gateway::start(|ports| {
        config(
            ports,
            "prometheus_remote_write",
            &remote_write(&sink.write_url(), V2),
        )
    })
    .await?;
    let report = application::python(&["--endpoint", &gateway.grpc(), "--rounds", "1"]).await?;
    let sent = report.exports[0].scopes.iter().flat_map(|scope| &scope.metrics);
    let sent = sent
        .clone()
        .find(|metric| metric.name == "shop.sent")
        .context("the counter of bytes")?;
    let begin = sent.points[0].start_time_unix_nano / 1_000_000;
    until("the counter of bytes", async || {
        let series = series_of(&sink, "shop_sent_bytes_total");
        let (request, series) = series.first().context("nothing yet")?;
        let metadata = series.metadata.unwrap_or_default();
        ensure!(
            request.symbols[metadata.unit_ref as usize] == "bytes",
            "{metadata:?}"
        );
        ensure!(
            series.samples[0].start_timestamp == begin,
            "{series:?} does not begin at {begin}"
        );
        Ok(())
    })
    .await?;
    gateway.stop().await
}

/// Series of a family that carry samples or histograms, with the request that holds their symbols.
fn series_of(sink: &Sink, family: &str) -> Vec<(v2::Request, v2::TimeSeries)> {
    let mut found = Vec::new();
    for received in sink.received() {
        let Written::V2(request) = received.message else {
            continue;
        };
        for series in &request.timeseries {
            let name = resolve(&request.symbols, &series.labels_refs)["__name__"].clone();
            let rest = name.strip_prefix(family);
            let of_family = rest.is_some_and(|rest| ["", "_bucket", "_sum", "_count"].contains(&rest));
            if of_family && !(series.samples.is_empty() && series.histograms.is_empty()) {
                found.push((request.clone(), series.clone()));
            }
        }
    }
    found
}

fn type_name(metadata: v2::Metadata) -> &'static str {
    use v2::metadata::MetricType;
    match metadata.r#type() {
        MetricType::Counter => "counter",
        MetricType::Gauge => "gauge",
        MetricType::Histogram => "histogram",
        other => other.as_str_name(),
    }
}
