//! The stages. Each is what a gateway does to every request on its way, called as the gateway calls it.

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use bytes::Bytes;
use prost::Message as _;
use weir_component::{Batch, BuildContext, ComponentKind, Consumer, Host, ProcessorFactory, Signal, Step};
use weir_loadgen::workload::Payload::{self, Card10, Mixed6, Sums10, Uniq10};
use weir_loadgen::workload::Temporality::{Cumulative, Delta};
use weir_net::compression::{Encoder, Encoding};
use weir_pdata::{Decoded, json};
use weir_prom::{Compressor, Output, Protocol, Settings, Translator};
use weir_proto::otlp::collector::metrics::v1::ExportMetricsServiceRequest;
use weir_testkit::contract;

use crate::load::{POINTS_PER_ROUND, batches, rounds};

/// Largest body that a decoder may make.
const LIMIT: usize = 64 << 20;
/// Points of a usual request.
const LARGE: u32 = 1000;
/// Points of a request of one small application.
const SMALL: u32 = 40;

/// Five rules as people write them: two that drop, one that copies, one that rewrites, one that takes labels away.
const RELABEL_RULES: &str = "
relabel_configs:
  - {source_labels: [__name__], regex: 'go_.*|process_.*', action: drop}
  - {source_labels: [http.response.status_code], regex: '1..', action: drop}
  - {source_labels: [__resource_service.namespace, __resource_service.name], separator: /, target_label: job}
  - {source_labels: [server.address], regex: '([^.]+)[.].*', target_label: server, replacement: $1}
  - {regex: 'network[.].*', action: labeldrop}
";

/// One stage.
pub(crate) struct Stage {
    /// Step and load, with a slash between.
    pub(crate) name: &'static str,
    /// Prepares, then does the work of that many rounds.
    pub(crate) run: fn(usize) -> Result<()>,
}

const fn stage(name: &'static str, run: fn(usize) -> Result<()>) -> Stage {
    Stage { name, run }
}

/// Every stage, in the order of a request's way.
pub(crate) const STAGES: &[Stage] = &[
    stage("gzip/mixed6", |n| gunzip(Mixed6, n)),
    stage("gzip/sums10", |n| gunzip(Sums10, n)),
    stage("json/mixed6", |n| from_json(Mixed6, n)),
    stage("door/mixed6", |n| door(Mixed6, LARGE, n)),
    stage("door/sums10", |n| door(Sums10, LARGE, n)),
    stage("door/small40", |n| door(Mixed6, SMALL, n)),
    stage("merge/mixed6", |n| merge(LARGE, n)),
    stage("merge/small40", |n| merge(SMALL, n)),
    stage("split/mixed6", split),
    stage("batch/mixed6", |n| batch(LARGE, n)),
    stage("batch/small40", |n| batch(SMALL, n)),
    stage("relabel/mixed6", |n| relabel("", n)),
    stage("relabel/forgetful", |n| relabel("max_cache_bytes: 0", n)),
    stage("delta_to_cumulative/mixed6", |n| delta_to_cumulative(Mixed6, n)),
    stage("delta_to_cumulative/sums10", |n| delta_to_cumulative(Sums10, n)),
    stage("rw1/mixed6", |n| translate(Protocol::V1, Mixed6, LARGE, n)),
    stage("rw1/sums10", |n| translate(Protocol::V1, Sums10, LARGE, n)),
    stage("rw2/mixed6", |n| translate(Protocol::V2, Mixed6, LARGE, n)),
    stage("rw2/sums10", |n| translate(Protocol::V2, Sums10, LARGE, n)),
    stage("rw2/card10", |n| translate(Protocol::V2, Card10, LARGE, n)),
    stage("rw2/uniq10", |n| translate(Protocol::V2, Uniq10, LARGE, n)),
    stage("rw2/small40", |n| translate(Protocol::V2, Mixed6, SMALL, n)),
    stage("snappy/rw1-mixed6", |n| snappy(Protocol::V1, Mixed6, n)),
    stage("snappy/rw1-sums10", |n| snappy(Protocol::V1, Sums10, n)),
    stage("snappy/rw2-mixed6", |n| snappy(Protocol::V2, Mixed6, n)),
    stage("snappy/rw2-sums10", |n| snappy(Protocol::V2, Sums10, n)),
];

/// Unpacks the body of a request.
fn gunzip(payload: Payload, n: usize) -> Result<()> {
    let encoder = Encoder::new(Encoding::Gzip, 0);
    let encode = |request: &Bytes| {
        let mut body = Vec::new();
        encoder.encode(request, &mut body).map(|()| Bytes::from(body))
    };
    let bodies: Vec<Bytes> = rounds(payload, LARGE, Cumulative)?[0]
        .iter()
        .map(encode)
        .collect::<Result<_, _>>()?;
    for body in repeat(&bodies, n) {
        black_box(Encoding::Gzip.decode(body.clone(), LIMIT)?);
    }
    Ok(())
}

/// Reads OTLP/JSON and writes it as protobuf.
fn from_json(payload: Payload, n: usize) -> Result<()> {
    let write = |request: &Bytes| {
        Ok(json::encode(&ExportMetricsServiceRequest::decode(
            request.clone(),
        )?))
    };
    let texts: Vec<Vec<u8>> = rounds(payload, LARGE, Cumulative)?[0]
        .iter()
        .map(write)
        .collect::<Result<_>>()?;
    for text in repeat(&texts, n) {
        black_box(Decoded::Metrics(json::decode(text)?).to_bytes());
    }
    Ok(())
}

/// Checks the structure of a request, once for all who read it.
fn door(payload: Payload, points: u32, n: usize) -> Result<()> {
    for request in rounds(payload, points, Cumulative)?.iter().take(n).flatten() {
        black_box(Batch::from_wire(Signal::Metrics, request.clone())?);
    }
    Ok(())
}

/// Appends the requests of a round to each other.
fn merge(points: u32, n: usize) -> Result<()> {
    for round in batches(Mixed6, points, Cumulative)?.iter().take(n) {
        black_box(merged(round)?);
    }
    Ok(())
}

fn merged(round: &[Batch]) -> Result<Batch> {
    let (first, others) = round.split_first().context("a round has requests")?;
    let mut merged = first.clone();
    for batch in others {
        merged.append(batch.clone())?;
    }
    Ok(merged)
}

/// Splits the requests of a round, as one batch, into batches of a third of a request.
fn split(n: usize) -> Result<()> {
    let max = NonZeroUsize::new(LARGE as usize / 3).context("not zero")?;
    let rounds = batches(Mixed6, LARGE, Cumulative)?;
    let merged: Vec<Batch> = rounds.iter().map(|round| merged(round)).collect::<Result<_>>()?;
    for batch in merged.into_iter().take(n) {
        black_box(batch.split_items(max));
    }
    Ok(())
}

/// Batches the requests of a round, with their callers waiting.
fn batch(points: u32, n: usize) -> Result<()> {
    let options = format!("{{send_batch_size: {POINTS_PER_ROUND}, timeout: 1h}}");
    let rounds = batches(Mixed6, points, Cumulative)?;
    through(weir_processor_batch::FACTORY, &options, rounds, n)
}

/// Applies five rules, whose results for a series are remembered unless `option` says otherwise.
fn relabel(option: &str, n: usize) -> Result<()> {
    let options = format!("{RELABEL_RULES}{option}");
    let rounds = batches(Mixed6, LARGE, Cumulative)?;
    through(weir_processor_relabel::FACTORY, &options, rounds, n)
}

/// Looks each stream up and adds to its total.
fn delta_to_cumulative(payload: Payload, n: usize) -> Result<()> {
    let rounds = batches(payload, LARGE, Delta)?;
    through(weir_processor_delta_to_cumulative::FACTORY, "", rounds, n)
}

/// Sends rounds through a processor; the requests of a round together, as from as many clients.
fn through(factory: ProcessorFactory, options: &str, rounds: Vec<Vec<Batch>>, n: usize) -> Result<()> {
    let id = factory.meta.name.parse().map_err(|_| anyhow!("no id"))?;
    let context = BuildContext::standalone(id, ComponentKind::Processor, Some(Signal::Metrics));
    let next = Consumer::from_fn(|batch: Batch| async move {
        black_box(batch.items());
        Ok(())
    });
    let Step { component, consumer } =
        factory.build(&contract::config(&factory.meta, options), &context, next)?;
    // Everything in this thread, in the same order each time.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        Arc::clone(&component).start(&Host::default()).await?;
        for round in rounds.into_iter().take(n) {
            let mut waiting = tokio::task::JoinSet::new();
            for batch in round {
                let consumer = consumer.clone();
                waiting.spawn(async move { consumer.consume(batch).await });
            }
            for taken in waiting.join_all().await {
                taken.map_err(|error| anyhow!("{error:?}"))?;
            }
        }
        Ok(())
    })
}

fn settings() -> Settings {
    Settings {
        promote_resource_attributes: vec!["deployment.environment.name".into(), "cloud.region".into()],
        ..Settings::default()
    }
}

/// Writes remote-write requests, without compressing them.
fn translate(protocol: Protocol, payload: Payload, points: u32, n: usize) -> Result<()> {
    let mut translator = Translator::new(settings(), protocol)?;
    let mut out = Output::default();
    for round in batches(payload, points, Cumulative)?.iter().take(n) {
        translator.translate(&merged(round)?, &mut out);
        black_box(&out);
    }
    Ok(())
}

/// Compresses what the translation has written, and copies it out of the compressor's buffer.
fn snappy(protocol: Protocol, payload: Payload, n: usize) -> Result<()> {
    let mut translator = Translator::new(settings(), protocol)?;
    let mut out = Output::default();
    let rounds = batches(payload, LARGE, Cumulative)?;
    translator.translate(&merged(&rounds[0])?, &mut out);
    let mut compressor = Compressor::new();
    for request in repeat(&out.requests, n) {
        black_box(Bytes::copy_from_slice(compressor.compress(&request.bytes)?));
    }
    Ok(())
}

/// Goes over the items of one round `n` times.
fn repeat<T>(round: &[T], n: usize) -> impl Iterator<Item = &T> {
    std::iter::repeat_n(round, n).flatten()
}
