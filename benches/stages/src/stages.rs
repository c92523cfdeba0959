//! The stages. Each is what a gateway does to every request on its way, called as the gateway calls it.

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use bytes::Bytes;
use prost::Message as _;
use tokio::task::JoinSet;
use weir_component::{Batch, BuildContext, ComponentKind, Consumer, Host, ProcessorFactory, Signal};
use weir_loadgen::workload::Payload::{self, Card10, Mixed6, Sums10, Uniq10};
use weir_loadgen::workload::Temporality::{Cumulative, Delta};
use weir_net::compression::{Encoder, Encoding};
use weir_pdata::{Decoded, json};
use weir_prom::{Output, Protocol, Settings, Translator};
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

/// One rule that drops series, one that adds a label, one that takes some away.
const WRITE_RELABEL_RULES: &str = "
- {source_labels: [__name__, le], regex: '.*_bucket;0.005', action: drop}
- {source_labels: [job], target_label: owner, regex: '(.).*', replacement: team-$1}
- {regex: otel_scope_.*, action: labeldrop}
";

/// What a stage does in the round of that number.
pub(crate) type Work = Box<dyn FnMut(usize) -> Result<()>>;

/// One stage.
pub(crate) struct Stage {
    /// Step and load, with a slash between.
    pub(crate) name: &'static str,
    /// Makes everything that the work needs.
    pub(crate) prepare: fn() -> Result<Work>,
}

const fn stage(name: &'static str, prepare: fn() -> Result<Work>) -> Stage {
    Stage { name, prepare }
}

/// Every stage, in the order of a request's way.
pub(crate) const STAGES: &[Stage] = &[
    stage("gzip/mixed6", || gunzip(Mixed6)),
    stage("gzip/sums10", || gunzip(Sums10)),
    stage("json/mixed6", || from_json(Mixed6)),
    stage("door/mixed6", || door(Mixed6, LARGE)),
    stage("door/sums10", || door(Sums10, LARGE)),
    stage("door/small40", || door(Mixed6, SMALL)),
    stage("merge/mixed6", || merge(LARGE)),
    stage("merge/small40", || merge(SMALL)),
    stage("split/mixed6", split),
    stage("batch/mixed6", || batch(LARGE)),
    stage("batch/small40", || batch(SMALL)),
    stage("relabel/mixed6", || relabel("")),
    stage("relabel/forgetful", || relabel("max_cache_bytes: 0")),
    stage("delta_to_cumulative/mixed6", || delta_to_cumulative(Mixed6)),
    stage("delta_to_cumulative/sums10", || delta_to_cumulative(Sums10)),
    stage("rw1/mixed6", || translate(Protocol::V1, Mixed6, LARGE)),
    stage("rw1/sums10", || translate(Protocol::V1, Sums10, LARGE)),
    stage("rw2/mixed6", || translate(Protocol::V2, Mixed6, LARGE)),
    stage("rw2/sums10", || translate(Protocol::V2, Sums10, LARGE)),
    stage("rw2/card10", || translate(Protocol::V2, Card10, LARGE)),
    stage("rw2/uniq10", || translate(Protocol::V2, Uniq10, LARGE)),
    stage("rw2/small40", || translate(Protocol::V2, Mixed6, SMALL)),
    stage("rw2/relabeled", relabeled),
];

/// Unpacks the body of a request.
fn gunzip(payload: Payload) -> Result<Work> {
    let encoder = Encoder::new(Encoding::Gzip, 0);
    let encode = |request: &Bytes| {
        let mut body = Vec::new();
        encoder.encode(request, &mut body).map(|()| Bytes::from(body))
    };
    let bodies = each(rounds(payload, LARGE, Cumulative)?, |request| {
        Ok(encode(request)?)
    })?;
    work(bodies, |body| Ok(Encoding::Gzip.decode(body.clone(), LIMIT)?))
}

/// Reads OTLP/JSON and writes it as protobuf.
fn from_json(payload: Payload) -> Result<Work> {
    let write = |request: &Bytes| {
        Ok(json::encode(&ExportMetricsServiceRequest::decode(
            request.clone(),
        )?))
    };
    let texts = each(rounds(payload, LARGE, Cumulative)?, write)?;
    work(texts, |text| Ok(Decoded::Metrics(json::decode(text)?).to_bytes()))
}

/// Checks the structure of a request, once for all who read it.
fn door(payload: Payload, points: u32) -> Result<Work> {
    let requests = rounds(payload, points, Cumulative)?;
    work(requests, |request| {
        Ok(Batch::from_wire(Signal::Metrics, request.clone())?)
    })
}

/// Appends the requests of a round to each other.
fn merge(points: u32) -> Result<Work> {
    let rounds = batches(Mixed6, points, Cumulative)?;
    Ok(Box::new(move |round| {
        black_box(merged(&rounds[round])?);
        Ok(())
    }))
}

fn merged(round: &[Batch]) -> Result<Batch> {
    let (first, others) = round.split_first().context("a round has requests")?;
    let mut merged = first.clone();
    for batch in others {
        merged.append(batch.clone())?;
    }
    Ok(merged)
}

/// Splits a batch of several requests into batches of a third of a request.
fn split() -> Result<Work> {
    let max = NonZeroUsize::new(LARGE as usize / 3).context("not zero")?;
    let rounds = batches(Mixed6, LARGE, Cumulative)?;
    let batches: Vec<Batch> = rounds.iter().map(|round| merged(round)).collect::<Result<_>>()?;
    Ok(Box::new(move |round| {
        black_box(batches[round].clone().split_items(max));
        Ok(())
    }))
}

/// Batches the requests of a round, with their callers waiting.
fn batch(points: u32) -> Result<Work> {
    let options = format!("{{send_batch_size: {POINTS_PER_ROUND}, timeout: 1h}}");
    let rounds = batches(Mixed6, points, Cumulative)?;
    through(weir_processor_batch::FACTORY, &options, rounds)
}

/// Applies five rules, whose results for a series are remembered unless `option` says otherwise.
fn relabel(option: &str) -> Result<Work> {
    let options = format!("{RELABEL_RULES}{option}");
    let rounds = batches(Mixed6, LARGE, Cumulative)?;
    through(weir_processor_relabel::FACTORY, &options, rounds)
}

/// Looks each stream up and adds to its total.
fn delta_to_cumulative(payload: Payload) -> Result<Work> {
    let rounds = batches(payload, LARGE, Delta)?;
    through(weir_processor_delta_to_cumulative::FACTORY, "", rounds)
}

/// Sends rounds through a processor; the requests of a round together, as from as many clients.
fn through(factory: ProcessorFactory, options: &str, rounds: Vec<Vec<Batch>>) -> Result<Work> {
    let id = factory.meta.name.parse().map_err(|_| anyhow!("no id"))?;
    let context = BuildContext::standalone(id, ComponentKind::Processor, Some(Signal::Metrics));
    let next = Consumer::from_fn(|batch: Batch| async move {
        black_box(batch.items());
        Ok(())
    });
    let step = factory.build(&contract::config(&factory.meta, options), &context, next)?;
    // Everything in this thread, in the same order each time.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(Arc::clone(&step.component).start(&Host::default()))?;
    Ok(Box::new(move |round| {
        runtime.block_on(async {
            let mut callers = JoinSet::new();
            for batch in &rounds[round] {
                let (consumer, batch) = (step.consumer.clone(), batch.clone());
                callers.spawn(async move { consumer.consume(batch).await });
            }
            let answers = callers.join_all().await;
            answers
                .into_iter()
                .collect::<Result<(), _>>()
                .map_err(|error| anyhow!("{error:?}"))
        })
    }))
}

/// Writes remote-write requests, compressed.
fn translate(protocol: Protocol, payload: Payload, points: u32) -> Result<Work> {
    write(settings(), protocol, payload, points)
}

/// The same with rules for the labels of each series.
fn relabeled() -> Result<Work> {
    let settings = Settings {
        relabel: serde_yaml::from_str(WRITE_RELABEL_RULES)?,
        ..settings()
    };
    write(settings, Protocol::V2, Mixed6, LARGE)
}

fn write(settings: Settings, protocol: Protocol, payload: Payload, points: u32) -> Result<Work> {
    let mut translator = Translator::new(settings, protocol)?;
    let mut out = Output::default();
    let rounds = batches(payload, points, Cumulative)?;
    let batches: Vec<Batch> = rounds.iter().map(|round| merged(round)).collect::<Result<_>>()?;
    Ok(Box::new(move |round| {
        translator.translate(&batches[round], &mut out);
        black_box(&out);
        Ok(())
    }))
}

fn settings() -> Settings {
    Settings {
        promote_resource_attributes: vec!["deployment.environment.name".into(), "cloud.region".into()],
        ..Settings::default()
    }
}

/// Makes something of each item of each round.
fn each<T, U>(rounds: Vec<Vec<T>>, mut make: impl FnMut(&T) -> Result<U>) -> Result<Vec<Vec<U>>> {
    rounds
        .iter()
        .map(|round| round.iter().map(&mut make).collect())
        .collect()
}

/// Does something to each item of a round.
fn work<T: 'static, U>(rounds: Vec<Vec<T>>, mut act: impl FnMut(&T) -> Result<U> + 'static) -> Result<Work> {
    Ok(Box::new(move |round| {
        rounds[round]
            .iter()
            .try_for_each(|item| act(item).map(|done| drop(black_box(done))))
    }))
}
