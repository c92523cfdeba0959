//! What extensions are told of the graph and of its components.

use std::time::{Duration, Instant};

use weir_component::{ComponentStatus, NodeKey, PipelineInfo, ServiceInfo};

use super::fakes::{config, run, settings, world};
use crate::Runtime;

const GRAPH: &str = "{receivers: {source: }, processors: {step: }, exporters: {target: }, connectors: {bridge: }, \
    extensions: {beside: }, service: {extensions: [beside], pipelines: { \
    traces: {receivers: [source], processors: [step], exporters: [target, bridge]}, \
    metrics: {receivers: [bridge], exporters: [target]}}}}";

fn names<'a>(steps: impl IntoIterator<Item = &'a NodeKey>) -> Vec<String> {
    steps
        .into_iter()
        .map(|node| {
            let signal = node.signal.map_or("", |signal| signal.as_str());
            format!("{node} {signal}").trim_end().to_owned()
        })
        .collect()
}

fn statuses(service: &ServiceInfo) -> Vec<String> {
    let all = service.components.statuses();
    all.iter()
        .map(|(node, event)| format!("{}: {}", names([node])[0], event.status))
        .collect()
}

#[tokio::test]
async fn the_description_has_every_step_under_its_key_in_the_books() {
    let running = run(GRAPH).await;
    let service = world().service();
    let shape: Vec<_> = service
        .pipelines
        .iter()
        .map(
            |(
                id,
                PipelineInfo {
                    receivers,
                    processors,
                    exporters,
                },
            )| {
                (
                    id.to_string(),
                    names(receivers),
                    names(processors),
                    names(exporters),
                )
            },
        )
        .collect();
    let list = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    let expected = [
        (
            "metrics".to_owned(),
            list(&["connector bridge traces"]),
            list(&[]),
            list(&["exporter target metrics"]),
        ),
        (
            "traces".to_owned(),
            list(&["receiver source"]),
            list(&["processor step traces"]),
            list(&["exporter target traces", "connector bridge traces"]),
        ),
    ];
    assert_eq!(shape, expected);
    let steps = service.pipelines.values().flat_map(PipelineInfo::steps);
    for step in steps {
        assert!(service.components.status(step).is_some(), "{step:?}");
    }
    for edge in service.ledger.edges() {
        assert!(service.components.status(&edge.from).is_some(), "{edge:?}");
    }
    assert_eq!(service.extensions.len(), 1);
    assert!(service.config.contains("\"pipelines\""), "{}", service.config);
    running.shutdown(Instant::now() + Duration::from_secs(5)).await;
}

#[tokio::test]
async fn the_stages_of_life_are_reported() {
    let running = run(GRAPH).await;
    let service = world().service();
    assert!(
        statuses(&service).iter().all(|line| line.ends_with("StatusOK")),
        "{:?}",
        statuses(&service)
    );
    world().failures().report(&"source".parse().unwrap(), "gone");
    let dead = service
        .components
        .statuses()
        .into_iter()
        .filter(|(_, event)| event.status == ComponentStatus::FatalError);
    let errors: Vec<_> = dead.map(|(_, event)| event.error.unwrap_or_default()).collect();
    assert_eq!(errors, ["gone"]);
    running.shutdown(Instant::now() + Duration::from_secs(5)).await;
    let left: Vec<_> = statuses(&service)
        .into_iter()
        .filter(|line| !line.ends_with("StatusStopped"))
        .collect();
    assert_eq!(left.len(), 1, "only the one that died: {left:?}");
}

#[tokio::test]
async fn a_component_that_cannot_start_has_a_permanent_error() {
    let graph = GRAPH.replace("target: }", "target: {trouble: start}}");
    let runtime = Runtime::build(&config(&graph), settings()).unwrap();
    runtime.start().await.unwrap_err();
    let statuses = statuses(&world().service());
    let targets: Vec<_> = statuses.iter().filter(|line| line.contains("target")).collect();
    assert_eq!(
        targets,
        [
            "exporter target metrics: StatusPermanentError",
            "exporter target traces: StatusNone"
        ]
    );
}
