//! The keys of the HTTP client.

use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use weir_component::config::schema;
use weir_component::schemars::{JsonSchema, Schema, SchemaGenerator};
use weir_net::client::{Compression, HttpClient};
use weir_net::compression::Encoding;
use weir_net::config::read_onto;

/// Section `http`: an HTTP client with the defaults of this exporter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpBlock(pub HttpClient);

impl JsonSchema for HttpBlock {
    fn schema_name() -> Cow<'static, str> {
        "RemoteWriteHttpClient".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut client = HttpClient::json_schema(generator);
        schema::set_defaults(&mut client, &defaults());
        client
    }
}

impl<'de> Deserialize<'de> for HttpBlock {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_onto(deserializer, defaults()).map(Self)
    }
}

impl Serialize for HttpBlock {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// Returns the client with the defaults of this exporter, which are the Collector's.
pub(super) fn defaults() -> HttpClient {
    HttpClient {
        timeout: Duration::from_secs(5),
        compression: Compression(Encoding::Snappy),
        write_buffer_size: 512 << 10,
        ..HttpClient::default()
    }
}
