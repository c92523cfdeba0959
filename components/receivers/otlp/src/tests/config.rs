//! Options.

use weir_testkit::contract::{config, config_is_strict, mistakes};

use crate::{Config, FACTORY};

#[test]
fn defaults_are_the_collectors() {
    let parsed = config(&FACTORY.meta, "{protocols: {grpc: , http: }}");
    let config: &Config = parsed.downcast().unwrap();
    let (grpc, http) = (
        config.protocols.grpc.as_ref().unwrap(),
        config.protocols.http.as_ref().unwrap(),
    );
    assert_eq!(
        (grpc.server.endpoint.as_str(), grpc.server.read_buffer_size),
        ("localhost:4317", 524_288)
    );
    assert_eq!(http.server.endpoint, "localhost:4318");
    assert!(http.server.write_timeout.is_zero() && http.server.read_header_timeout.is_zero());
    assert!(http.server.idle_timeout.is_zero());
    let paths = [&http.metrics_url_path, &http.traces_url_path, &http.logs_url_path];
    assert_eq!(paths, ["/v1/metrics", "/v1/traces", "/v1/logs"]);
}

#[test]
fn naming_a_protocol_turns_it_on() {
    for (yaml, grpc, http) in [
        ("{protocols: {grpc: }}", true, false),
        ("{protocols: {http: {}}}", false, true),
        ("{protocols: {grpc: , http: {enabled: false}}}", true, false),
    ] {
        let parsed = config(&FACTORY.meta, yaml);
        let protocols = &parsed.downcast::<Config>().unwrap().protocols;
        assert_eq!(
            (protocols.grpc.is_on(), protocols.http.is_on()),
            (grpc, http),
            "{yaml}"
        );
    }
}

#[test]
fn options_are_strict() {
    config_is_strict(
        &FACTORY.meta,
        "{protocols: {grpc: {include_metadata: true}, http: {traces_url_path: /t}}}",
    );
    for yaml in [
        "{protocols: {grpc: {nonsense: 1}}}",
        "{protocols: {http: {profiles_url_path: /p}}}",
        "{protocols: {arrow: }}",
    ] {
        assert_eq!(mistakes(&FACTORY.meta, yaml).len(), 1, "{yaml}");
    }
}

#[test]
fn mistakes_are_told() {
    for (yaml, expected) in [
        ("", "protocols: needs at least one protocol: `grpc:` or `http:`"),
        (
            "{protocols: {}}",
            "protocols: needs at least one protocol: `grpc:` or `http:`",
        ),
        (
            "{protocols: {grpc: {endpoint: 'a:1'}, http: {endpoint: 'a:1'}}}",
            "protocols::http::endpoint: is the endpoint of `grpc` already",
        ),
        (
            "{protocols: {http: {logs_url_path: 'a b'}}}",
            "protocols::http::logs_url_path: `a b` is not the path of a URL, such as `/v1/metrics`",
        ),
        (
            "{protocols: {http: {logs_url_path: v1/traces}}}",
            "protocols::http::logs_url_path: `v1/traces` is the path of another signal already",
        ),
        (
            "{protocols: {grpc: {endpoint: nowhere}}}",
            "protocols::grpc::endpoint: `nowhere` is not `host:port` with a port from 0 to 65535",
        ),
    ] {
        assert_eq!(mistakes(&FACTORY.meta, yaml), [expected], "{yaml}");
    }
}
