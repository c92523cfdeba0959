//! Attributes of resources and points. Lengths are chosen to give the sizes of real traffic: about 40 bytes per
//! attribute on the wire.

use weir_proto::otlp::common::v1::{AnyValue, KeyValue, any_value};

use super::{Payload, mix};

/// Text of the instance id before it is patched; the id of an instance always has this length.
pub(super) const INSTANCE: &str = "i-00000000-00000000";

/// Returns the 8 attributes of a resource.
pub(super) fn resource() -> Vec<KeyValue> {
    vec![
        text("service.name", "checkout"),
        text("service.namespace", "weir-load"),
        text("service.instance.id", INSTANCE),
        text("service.version", "2.14.7"),
        text("deployment.environment.name", "production"),
        text("host.name", "node-17.eu-central-1.example.net"),
        text("cloud.region", "eu-central-1"),
        text("telemetry.sdk.language", "rust"),
    ]
}

/// Keys of the nine string attributes with a stem and the number of values each takes; the first five (with the
/// status code) are the six of `mixed6`.
const STRINGS: [(&str, &str, u64); 9] = [
    ("http.request.method", "METHOD-", 5),
    ("http.route", "/api/v1/resources/id/", 0),
    ("server.address", "backend.example.net-", 8),
    ("network.protocol.name", "http-over-tcp-", 3),
    ("k8s.deployment.name", "deployment-", 6),
    ("url.scheme", "https-scheme-", 2),
    ("client.geo.country", "country-code-", 12),
    ("app.feature.flag", "feature-flag-", 10),
    ("app.customer.tier", "customer-tier-", 4),
];

/// Returns the attributes of the point at `index` among those of its metric. `identity` differs for each series of
/// all lanes.
pub(super) fn point(payload: Payload, index: u64, identity: u64) -> Vec<KeyValue> {
    let strings = match payload {
        Payload::Mixed6 | Payload::Spans | Payload::Logs => &STRINGS[..5],
        Payload::Sums10 | Payload::Card10 | Payload::Uniq10 => &STRINGS[..],
    };
    let mut attributes: Vec<_> = strings
        .iter()
        .enumerate()
        .map(|(place, (key, stem, values))| {
            let unique = match payload {
                Payload::Mixed6 | Payload::Sums10 | Payload::Spans | Payload::Logs => false,
                Payload::Card10 => place == 8,
                Payload::Uniq10 => true,
            };
            let place = place as u64;
            match (unique, values) {
                (true, _) => text(key, &format!("{:018x}", mix(&[identity, place]))),
                // The route tells the points of one metric apart.
                (false, 0) => text(key, &format!("{stem}{index:06}")),
                (false, values) => text(key, &format!("{stem}{}", mix(&[identity, place]) % values)),
            }
        })
        .collect();
    let status = [200, 201, 204, 400, 404, 500][(mix(&[identity, 9]) % 6) as usize];
    attributes.insert(2, integer("http.response.status_code", status));
    attributes
}

/// Returns a string attribute.
pub(crate) fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, any_value::Value::StringValue(value.to_owned()))
}

/// Returns an integer attribute.
pub(crate) fn integer(key: &str, value: i64) -> KeyValue {
    attribute(key, any_value::Value::IntValue(value))
}

/// Returns an attribute of any type.
pub(crate) fn attribute(key: &str, value: any_value::Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}
