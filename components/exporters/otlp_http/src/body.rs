//! Batches as request bodies.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use weir_component::schemars::{self, JsonSchema};
use weir_component::{Batch, ConsumeError};
use weir_pdata::{DecodeError, Decoded, json};

/// Batches of this size are written as JSON on a blocking thread: it takes more than half a millisecond.
const OFFLOAD_BYTES: usize = 32 << 10;

/// The form of request bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// OTLP protobuf.
    #[default]
    Proto,
    /// OTLP JSON.
    Json,
}

impl Format {
    /// Returns the media type.
    pub(crate) const fn media_type(self) -> &'static str {
        match self {
            Self::Proto => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }

    /// Writes a batch. Protobuf is not decoded, and copied only if the batch was merged of several.
    ///
    /// # Errors
    ///
    /// JSON needs decoded data: a malformed string is found here, and final.
    pub(crate) async fn body(self, batch: &Batch) -> Result<Bytes, ConsumeError> {
        match self {
            Self::Proto => Ok(joined(&batch.to_wire())),
            Self::Json if batch.bytes() < OFFLOAD_BYTES => to_json(batch).map_err(malformed),
            Self::Json => {
                let batch = batch.clone();
                weir_net::aside(move || to_json(&batch))
                    .await
                    .map_err(|error| ConsumeError::permanent("encoding failed").caused_by(error))?
                    .map_err(malformed)
            }
        }
    }
}

/// Returns messages in a row, which protobuf reads as one. A single one is not copied.
fn joined(chunks: &[Bytes]) -> Bytes {
    match chunks {
        [one] => one.clone(),
        several => several.concat().into(),
    }
}

fn to_json(batch: &Batch) -> Result<Bytes, DecodeError> {
    Ok(match batch.to_decoded()? {
        Decoded::Metrics(request) => json::encode(&request),
        Decoded::Traces(request) => json::encode(&request),
        Decoded::Logs(request) => json::encode(&request),
    }
    .into())
}

fn malformed(error: DecodeError) -> ConsumeError {
    ConsumeError::malformed(format!("data cannot be written as JSON: {error}")).caused_by(error)
}
