//! What components at the edge of the pipelines and beside them must do: receivers and extensions.

use std::sync::Arc;

use weir_component::{
    BuildContext, Component, ComponentKind, ExtensionFactory, Host, Meta, Outputs, ParsedConfig,
    ReceiverFactory,
};

use super::STOP_TIME;
use crate::Sink;

/// Checks that a receiver starts and stops without data, and that a second instance does so after the first. With a fixed port in its
/// configuration the second also shows that the first has closed its own.
///
/// # Panics
///
/// If it does not.
pub async fn receiver_starts_and_stops_twice(factory: ReceiverFactory, config: &ParsedConfig) {
    for _ in 0..2 {
        let sink = Sink::new();
        let mut outputs = Outputs::default();
        for signal in factory.meta.signals {
            outputs.set(*signal, sink.consumer());
        }
        let receiver = factory.build(config, &context(&factory.meta, ComponentKind::Receiver), outputs);
        start_and_stop(receiver.expect("the receiver can be built")).await;
        assert_eq!(
            sink.calls(),
            0,
            "a receiver that is sent nothing hands on nothing"
        );
    }
}

/// Checks that an extension starts and stops, is told about the pipelines in between, and that a second instance does so after the
/// first.
///
/// # Panics
///
/// If it does not.
pub async fn extension_starts_and_stops_twice(factory: ExtensionFactory, config: &ParsedConfig) {
    for _ in 0..2 {
        let extension = factory
            .build(config, &context(&factory.meta, ComponentKind::Extension))
            .expect("the extension can be built");
        start(Arc::clone(&extension) as Arc<dyn Component>).await;
        extension.pipelines_ready(true);
        extension.pipelines_ready(false);
        stop(&*extension).await;
    }
}

fn context(meta: &Meta, kind: ComponentKind) -> BuildContext {
    BuildContext::standalone(meta.name.parse().expect("a valid id"), kind, None)
}

async fn start_and_stop(component: Arc<dyn Component>) {
    start(Arc::clone(&component)).await;
    stop(&*component).await;
}

async fn start(component: Arc<dyn Component>) {
    component
        .start(&Host::default())
        .await
        .expect("the component starts");
}

async fn stop(component: &(impl Component + ?Sized)) {
    let deadline = tokio::time::Instant::now().into_std() + STOP_TIME;
    component
        .shutdown(deadline)
        .await
        .expect("a component without data stops");
}
