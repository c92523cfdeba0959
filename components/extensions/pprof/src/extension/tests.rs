//! Profiles over loopback.

#[cfg(feature = "cpu")]
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use weir_component::ComponentKind;
use weir_net::client::{HttpClient, Outgoing, ProxyEnvironment, Reply, Target};
use weir_testkit::contract;

use super::*;
use crate::FACTORY;

async fn started(config: Config) -> Arc<Pprof> {
    let mut config = config;
    config.server.endpoint = "127.0.0.1:0".to_owned();
    let context = BuildContext::standalone("pprof".parse().unwrap(), ComponentKind::Extension, None);
    let extension = Arc::new(Pprof::build(&config, &context).unwrap());
    Arc::clone(&extension).start(&Host::default()).await.unwrap();
    extension
}

async fn ask(extension: &Pprof, method: Method, path: &str) -> Reply {
    let address = lock(&extension.server)
        .as_ref()
        .unwrap()
        .local_address()
        .to_string();
    let client = HttpClient::default()
        .build(&Host::default(), &ProxyEnvironment::default(), "test")
        .unwrap();
    let target = Target::parse(&format!("http://{address}{path}")).unwrap();
    let mut request = Outgoing::post(&target, "text/plain", Bytes::new());
    request.method = method;
    client.send(request).await.unwrap()
}

async fn stop(extension: &Pprof) {
    extension
        .shutdown(Instant::now() + Duration::from_secs(10))
        .await
        .unwrap();
}

#[tokio::test]
async fn every_path_has_a_profile_or_says_why_not() {
    let extension = started(Config::default()).await;
    for (method, path, status, text) in [
        (Method::GET, "/debug/pprof/", 200, "profile?seconds=30"),
        (Method::GET, "/debug/pprof", 200, "heap"),
        (
            Method::GET,
            "/debug/pprof/goroutine?debug=1",
            404,
            "of the Go runtime",
        ),
        (Method::GET, "/debug/pprof/cmdline", 404, "secrets"),
        (Method::GET, "/debug/pprof/nothing", 404, "no such page"),
        (Method::GET, "/", 404, "/debug/pprof/"),
        (
            Method::GET,
            "/debug/pprof/profile?seconds=0",
            400,
            "from 1 to 300",
        ),
        (
            Method::GET,
            "/debug/pprof/profile?seconds=301",
            400,
            "from 1 to 300",
        ),
        (
            Method::GET,
            "/debug/pprof/profile?seconds=x",
            400,
            "from 1 to 300",
        ),
        (Method::POST, "/debug/pprof/symbol", 405, "only GET"),
        // Nobody has asked jemalloc to sample.
        (Method::GET, "/debug/pprof/heap", 501, "`"),
    ] {
        let reply = ask(&extension, method, path).await;
        let body = String::from_utf8_lossy(&reply.body);
        assert_eq!(reply.status, status, "{path}: {body}");
        assert!(body.contains(text), "{path}: {body}");
    }
    stop(&extension).await;
}

#[cfg(not(feature = "cpu"))]
#[tokio::test]
async fn binaries_without_cpu_profiles_say_so() {
    let extension = started(Config::default()).await;
    let reply = ask(&extension, Method::GET, "/debug/pprof/profile?seconds=1").await;
    assert_eq!(reply.status, 501);
    stop(&extension).await;
    let mistakes = contract::mistakes(&FACTORY.meta, "{save_to_file: /tmp/x}");
    assert!(
        mistakes[0].starts_with("save_to_file: this binary is built without"),
        "{mistakes:?}"
    );
}

/// Uses CPU time until told to stop, without a call that the profiler leaves out.
#[cfg(feature = "cpu")]
fn burn(stop: &AtomicBool) {
    let mut sum = 0u64;
    while !stop.load(Ordering::Relaxed) {
        sum = std::hint::black_box(sum.wrapping_mul(31).wrapping_add(7));
    }
}

/// One test for all: the process has one profiler.
#[cfg(feature = "cpu")]
#[tokio::test(flavor = "multi_thread")]
async fn cpu_profiles_are_taken_on_request_or_for_the_whole_run() {
    let extension = started(Config::default()).await;
    let path = "/debug/pprof/profile?seconds=1";
    let enough = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&enough);
    let burning = tokio::task::spawn_blocking(move || burn(&told));
    let (one, other) = tokio::join!(
        ask(&extension, Method::GET, path),
        ask(&extension, Method::GET, path)
    );
    enough.store(true, Ordering::Relaxed);
    burning.await.unwrap();
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 503], "one at a time");
    let reply = if one.status == 200 { one } else { other };
    let profile = crate::profile::tests::decoded(&reply.body);
    assert!(!profile.sample.is_empty());
    assert!(
        profile.string_table.iter().any(|name| name.contains("burn")),
        "{:?}",
        profile.string_table
    );
    stop(&extension).await;

    let file = std::env::temp_dir().join(format!("weir-pprof-{}", std::process::id()));
    let config = Config {
        save_to_file: file.display().to_string(),
        ..Config::default()
    };
    let extension = started(config).await;
    let reply = ask(&extension, Method::GET, path).await;
    assert_eq!(reply.status, 503, "the run is being recorded");
    stop(&extension).await;
    crate::profile::tests::decoded(&std::fs::read(&file).unwrap());
    std::fs::remove_file(file).unwrap();
}

#[test]
fn mistakes_are_named() {
    assert_eq!(Config::default().server.endpoint, "localhost:1777");
    contract::config_is_strict(
        &FACTORY.meta,
        "{endpoint: '0.0.0.0:1777', block_profile_fraction: 0, mutex_profile_fraction: -1}",
    );
    for (yaml, expected) in [
        (
            "{block_profile_fraction: 3}",
            "block_profile_fraction: not supported",
        ),
        (
            "{mutex_profile_fraction: 1}",
            "mutex_profile_fraction: not supported",
        ),
        ("{endpoint: here}", "endpoint: "),
        ("{dialer: {timeout: 1s}}", "dialer: "),
    ] {
        let mistakes = contract::mistakes(&FACTORY.meta, yaml);
        assert!(
            mistakes.len() == 1 && mistakes[0].starts_with(expected),
            "{yaml}: {mistakes:?}"
        );
    }
}
