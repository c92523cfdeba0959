//! From a batch to a record: the bytes that go to a file together.

use weir_component::ConsumeError;
use weir_pdata::{Batch, Decoded, json};

use crate::{Compression, Config, Format};

/// The zstd level of records, the library's default.
const LEVEL: i32 = 3;

/// How records look.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    format: Format,
    compression: Compression,
}

impl Shape {
    pub(crate) fn of(config: &Config) -> Self {
        Self {
            format: config.format,
            compression: config.compression,
        }
    }

    /// Returns whether records are lines; others have a length before them.
    pub(crate) fn is_lines(self) -> bool {
        self.format == Format::Json && self.compression == Compression::None
    }

    /// Makes the record of a batch. Protobuf that nobody changed is not decoded.
    pub(crate) fn of_batch(self, batch: &Batch) -> Result<Vec<u8>, ConsumeError> {
        match self.format {
            Format::Json => {
                let decoded = decode(batch)?;
                self.finish(json_of(&decoded))
            }
            Format::Proto => self.finish(batch.to_wire().concat()),
        }
    }

    /// Makes the record of a part of a batch.
    pub(crate) fn of_decoded(self, decoded: &Decoded) -> Result<Vec<u8>, ConsumeError> {
        match self.format {
            Format::Json => self.finish(json_of(decoded)),
            Format::Proto => self.finish(decoded.to_bytes().into()),
        }
    }

    fn finish(self, mut payload: Vec<u8>) -> Result<Vec<u8>, ConsumeError> {
        if self.is_lines() {
            payload.push(b'\n');
            return Ok(payload);
        }
        if self.compression == Compression::Zstd {
            payload = zstd::bulk::compress(&payload, LEVEL)
                .map_err(|error| ConsumeError::permanent("cannot compress the batch").caused_by(error))?;
        }
        let length = u32::try_from(payload.len())
            .map_err(|_| ConsumeError::permanent("the batch is too large for a record of 4 GiB"))?;
        let mut record = Vec::with_capacity(4 + payload.len());
        record.extend_from_slice(&length.to_be_bytes());
        record.append(&mut payload);
        Ok(record)
    }
}

/// Decodes a batch.
pub(crate) fn decode(batch: &Batch) -> Result<Decoded, ConsumeError> {
    batch
        .to_decoded()
        .map_err(|error| ConsumeError::malformed("a string in the data is not UTF-8").caused_by(error))
}

fn json_of(decoded: &Decoded) -> Vec<u8> {
    match decoded {
        Decoded::Metrics(request) => json::encode(request),
        Decoded::Traces(request) => json::encode(request),
        Decoded::Logs(request) => json::encode(request),
    }
}
