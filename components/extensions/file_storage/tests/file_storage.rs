//! The extension as a host sees it.

#![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use weir_component::{BuildContext, Changes, Component, ComponentKind, Extension, Host, NodeKey};
use weir_extension_file_storage::FACTORY;
use weir_testkit::contract;

fn built(yaml: &str) -> Arc<dyn Extension> {
    let id = "file_storage".parse().unwrap();
    let context = BuildContext::standalone(id, ComponentKind::Extension, None);
    FACTORY
        .build(&contract::config(&FACTORY.meta, yaml), &context)
        .unwrap()
}

fn host(extension: &Arc<dyn Extension>) -> Host {
    Host::new(BTreeMap::from([(
        "file_storage".parse().unwrap(),
        Arc::clone(extension),
    )]))
}

fn owner() -> NodeKey {
    BuildContext::standalone(
        "delta_to_cumulative".parse().unwrap(),
        ComponentKind::Processor,
        None,
    )
    .node()
}

async fn start(extension: &Arc<dyn Extension>) -> Result<(), String> {
    let component: Arc<dyn Component> = extension.clone();
    component
        .start(&Host::default())
        .await
        .map_err(|error| error.to_string())
}

async fn stop(extension: &Arc<dyn Extension>) {
    let component: Arc<dyn Component> = extension.clone();
    component
        .shutdown(Instant::now() + Duration::from_secs(10))
        .await
        .unwrap();
}

fn directory(directory: &Path) -> String {
    format!("{{directory: '{}', fsync: false}}", directory.display())
}

#[tokio::test]
async fn state_is_there_after_a_restart() {
    let files = TempDir::new().unwrap();
    for round in 0..3u8 {
        let extension = built(&directory(files.path()));
        start(&extension).await.unwrap();
        let store = host(&extension)
            .store(&"file_storage".parse().unwrap(), &owner())
            .await
            .unwrap();
        let (sender, shown) = mpsc::channel();
        let show = move |key: &[u8], _: &[u8]| {
            sender.send(key.to_vec()).unwrap();
            ControlFlow::Continue(())
        };
        store.read(b"", Box::new(show)).await.unwrap();
        assert_eq!(shown.iter().count(), usize::from(round));
        let mut changes = Changes::default();
        changes.put(&[round], Vec::new());
        store.commit(changes).await.unwrap();
        // The owner does not close it: the extension does.
        stop(&extension).await;
    }
}

#[tokio::test]
async fn a_directory_that_is_not_there_is_an_error_unless_it_is_made() {
    let files = TempDir::new().unwrap();
    let below = files.path().join("below");
    let text = format!("directory: '{}'", below.display());
    assert_eq!(
        start(&built(&text)).await,
        Err("cannot keep state in files".to_owned())
    );
    start(&built(&format!("{text}\ncreate_directory: true")))
        .await
        .unwrap();
    start(&built(&text)).await.unwrap();
}

#[tokio::test]
async fn who_asks_for_a_storage_that_is_none_is_told() {
    let error = Host::default()
        .store(&"file_storage".parse().unwrap(), &owner())
        .await
        .err()
        .unwrap();
    assert_eq!(
        error.to_string(),
        "the storage `file_storage` is not running: list it in `service::extensions`"
    );
}

#[test]
fn options_of_the_collector_are_read() {
    contract::config_is_strict(&FACTORY.meta, "");
    let all = "
        directory: /tmp
        create_directory: true
        directory_permissions: '0700'
        timeout: 2s
        fsync: true
        recreate: true
        compaction:
          directory: /tmp
          on_start: true
          on_rebound: true
          rebound_needed_threshold_mib: 5
          rebound_trigger_threshold_mib: 3
          check_interval: 10s
          max_transaction_size: 65536
          cleanup_on_start: true";
    contract::config_is_strict(&FACTORY.meta, all);
}

#[test]
fn what_cannot_be_honoured_is_a_mistake() {
    for (yaml, place) in [
        ("directory: ''", "directory"),
        ("directory_permissions: '0888'", "directory_permissions"),
        ("directory_permissions: '7777'", "directory_permissions"),
        ("max_size: 100", "max_size"),
        ("compaction: {directory: /elsewhere}", "compaction::directory"),
        (
            "compaction: {max_transaction_size: 10}",
            "compaction::max_transaction_size",
        ),
        (
            "compaction: {on_rebound: true, check_interval: 0s}",
            "compaction::check_interval",
        ),
        (
            "compaction: {rebound_needed_threshold_mib: 99999999999999999}",
            "compaction::rebound_needed_threshold_mib",
        ),
    ] {
        let found = contract::mistakes(&FACTORY.meta, yaml);
        assert_eq!(found.len(), 1, "{yaml}: {found:?}");
        assert!(found[0].starts_with(&format!("{place}: ")), "{yaml}: {found:?}");
    }
}
