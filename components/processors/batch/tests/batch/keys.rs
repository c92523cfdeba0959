//! What must not mix, and what survives.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use weir_component::{Code, Context, Retry};
use weir_pdata::{Batch, ContextParts, Identity};
use weir_testkit::batches;

use super::{bench, finish, own_metric};

fn with_metadata(pairs: &[(&str, &str)]) -> ContextParts {
    let metadata = pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), vec![(*value).to_owned()]))
        .collect();
    ContextParts {
        metadata,
        ..ContextParts::default()
    }
}

fn batch(items: usize, parts: ContextParts) -> Batch {
    batches::gauge("g", items).with_context(Context::new(parts))
}

#[tokio::test(start_paused = true)]
async fn batches_with_different_keys_are_kept_apart() {
    let (bench, sink) = bench("{metadata_keys: [X-Tenant, region]}").await;
    let contexts = [
        with_metadata(&[("x-tenant", "a"), ("other", "1")]),
        with_metadata(&[("x-tenant", "b")]),
        with_metadata(&[("x-tenant", "a"), ("other", "2")]),
        with_metadata(&[]),
        with_metadata(&[("x-tenant", "a"), ("region", "eu")]),
    ];
    let calls = contexts
        .into_iter()
        .enumerate()
        .map(|(index, parts)| bench.send(batch(1 << index, parts)));
    join_all(calls)
        .await
        .into_iter()
        .for_each(|answer| answer.unwrap());
    let mut seen: Vec<(usize, BTreeMap<String, Vec<String>>)> = sink
        .batches()
        .iter()
        .map(|batch| (batch.items(), batch.context().metadata.clone()))
        .collect();
    seen.sort();
    let expected = [
        (1 + 4, with_metadata(&[("x-tenant", "a")]).metadata),
        (2, with_metadata(&[("x-tenant", "b")]).metadata),
        (8, BTreeMap::new()),
        (16, with_metadata(&[("x-tenant", "a"), ("region", "eu")]).metadata),
    ];
    let mut expected = expected.to_vec();
    expected.sort();
    assert_eq!(seen, expected, "only the keys survive");
    assert_eq!(
        own_metric(&bench, "otelcol_processor_batch_metadata_cardinality"),
        4.0
    );
    finish(&bench).await;
}

#[tokio::test(start_paused = true)]
async fn tenants_and_identities_are_always_kept_apart() {
    let (bench, sink) = bench("").await;
    let tenant = |name: &str| ContextParts {
        tenant: Some(name.to_owned()),
        ..ContextParts::default()
    };
    let identity = |subject: &str, role: &str| ContextParts {
        identity: Some(Identity {
            subject: subject.to_owned(),
            attributes: BTreeMap::from([("role".to_owned(), role.to_owned())]),
        }),
        ..ContextParts::default()
    };
    let contexts = [
        tenant("a"),
        tenant("b"),
        identity("a", "x"),
        identity("a", "y"),
        identity("a", "x"),
        tenant("a"),
    ];
    let calls = contexts.into_iter().map(|parts| bench.send(batch(1, parts)));
    join_all(calls)
        .await
        .into_iter()
        .for_each(|answer| answer.unwrap());
    let mut sizes: Vec<usize> = sink.batches().iter().map(Batch::items).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [1, 1, 2, 2]);
    assert!(
        sink.batches()
            .iter()
            .all(|batch| batch.context().tenant.is_some() || batch.context().identity.is_some())
    );
    finish(&bench).await;
}

#[tokio::test(start_paused = true)]
async fn what_belongs_to_one_request_does_not_survive() {
    let (bench, sink) = bench("").await;
    let parts = ContextParts {
        peer: Some("127.0.0.1:1".parse().unwrap()),
        deadline: Some(std::time::Instant::now()),
        ..with_metadata(&[("a", "b")])
    };
    bench.send(batch(1, parts)).await.unwrap();
    assert_eq!(**sink.batches()[0].context(), ContextParts::default());
}

#[tokio::test(start_paused = true)]
async fn further_combinations_are_refused_until_one_is_idle() {
    let (bench, sink) = bench("{metadata_keys: [k], metadata_cardinality_limit: 2}").await;
    let send = |value: &'static str| bench.send(batch(1, with_metadata(&[("k", value)])));
    send("a").await.unwrap();
    send("b").await.unwrap();
    let error = send("c").await.unwrap_err();
    assert_eq!(
        (error.code(), error.retry()),
        (Code::ResourceExhausted, Retry::After(Duration::from_secs(10)))
    );
    send("a").await.unwrap();
    // Both are idle for a minute after their last batch; `b` is the first to leave.
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert_eq!(
        own_metric(&bench, "otelcol_processor_batch_metadata_cardinality"),
        0.0
    );
    send("c").await.unwrap();
    assert_eq!(sink.items(), 4);
    finish(&bench).await;
}

#[tokio::test(start_paused = true)]
async fn zero_combinations_is_no_limit() {
    let (bench, sink) = bench("{metadata_keys: [k], metadata_cardinality_limit: 0, timeout: 0s}").await;
    for index in 0..1_100 {
        bench
            .send(batch(1, with_metadata(&[("k", &index.to_string())])))
            .await
            .unwrap();
    }
    assert_eq!(sink.items(), 1_100);
    finish(&bench).await;
}
