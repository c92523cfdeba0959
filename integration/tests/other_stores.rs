//! The same application into stores that are not Prometheus but receive its remote write.

use anyhow::{Context, Result, ensure};
use weir_integration::application;
use weir_integration::difference::expect_nearly;
use weir_integration::expected;
use weir_integration::gateway::{Gateway, config};
use weir_integration::influxdb::InfluxDb;
use weir_integration::samples::{PYTHON, PYTHON_NAMES};
use weir_integration::series::{NativePoint, Point, Series};
use weir_integration::victoria_metrics::VictoriaMetrics;
use weir_integration::wait::until;

/// VictoriaMetrics turns a native histogram into buckets of its own beside `_count` and `_sum`, and knows no
/// number as small as the smallest of a double.
fn as_victoria_metrics_keeps_it(mut series: Series) -> Series {
    for (labels, points) in std::mem::take(&mut series.natives) {
        let mut push = |suffix: &str, value: fn(&NativePoint) -> f64| {
            let mut labels = labels.clone();
            labels.insert("__name__".into(), format!("{}{suffix}", labels["__name__"]));
            let points = points.iter();
            let points = points
                .map(|p| Point {
                    milliseconds: p.milliseconds,
                    value: value(p),
                })
                .collect();
            series.floats.insert(labels, points);
        };
        push("_count", |point| point.count);
        push("_sum", |point| point.sum);
    }
    series.floats.retain(|labels, _| {
        let smallest = labels.get("edge").is_some_and(|edge| edge == "min");
        !labels.contains_key("vmrange") && !smallest
    });
    series.without_target_info()
}

#[tokio::test]
async fn python_into_victoria_metrics() -> Result<()> {
    let store = VictoriaMetrics::start().await?;
    let settings = format!("endpoint: {}\nsend_metadata: true\n", store.write_url());
    let gateway = Gateway::start(|ports| config(ports, "prometheus_remote_write", &settings)).await?;
    let report = application::python(&["--endpoint", &gateway.grpc()]).await?;

    let expected = as_victoria_metrics_keeps_it(expected::series(&report, PYTHON_NAMES));
    until("every sample to arrive", async || {
        expect_nearly(
            &expected,
            &as_victoria_metrics_keeps_it(store.series(PYTHON).await?),
        )
    })
    .await
    .with_context(|| gateway.log())?;

    let expected = expected::metadata(&report, PYTHON_NAMES);
    until("metadata to arrive", async || {
        let found = store.metadata().await?;
        for (family, wanted) in &expected {
            let got = found
                .get(family)
                .with_context(|| format!("{family} is missing in {found:?}"))?;
            ensure!(wanted == got, "{family}: expected {wanted:?}, found {got:?}");
        }
        Ok(())
    })
    .await?;
    gateway.stop().await
}

#[tokio::test]
async fn python_into_influxdb() -> Result<()> {
    let store = InfluxDb::start().await?;
    let settings = format!("endpoint: {}\n", store.write_url());
    let gateway = Gateway::start(|ports| config(ports, "prometheus_remote_write", &settings)).await?;
    let report = application::python(&["--endpoint", &gateway.http(), "--protocol", "http/protobuf"]).await?;
    let expected = expected::series(&report, PYTHON_NAMES)
        .without_natives()
        .without_target_info();
    until("every sample to arrive", async || {
        expect_nearly(&expected, &store.series().await?.without_target_info())
    })
    .await
    .with_context(|| gateway.log())?;
    gateway.stop().await
}

/// VictoriaMetrics understands remote write 1.0 alone; the gateway finds that out by itself.
#[tokio::test]
async fn remote_write_2_into_victoria_metrics_falls_back() -> Result<()> {
    let store = VictoriaMetrics::start().await?;
    let settings = format!(
        "endpoint: {}\nprotobuf_message: io.prometheus.write.v2.Request\n",
        store.write_url()
    );
    let gateway = Gateway::start(|ports| config(ports, "prometheus_remote_write", &settings)).await?;
    let report = application::python(&["--endpoint", &gateway.grpc()]).await?;
    let expected = as_victoria_metrics_keeps_it(expected::series(&report, PYTHON_NAMES));
    until("every sample to arrive", async || {
        expect_nearly(
            &expected,
            &as_victoria_metrics_keeps_it(store.series(PYTHON).await?),
        )
    })
    .await
    .with_context(|| gateway.log())?;
    gateway.stop().await
}
