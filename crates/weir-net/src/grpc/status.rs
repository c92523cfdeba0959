//! The outcome of a call and its form in headers and trailers.

use std::time::Duration;

use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use prost::Message;
use weir_component::{Code, ConsumeError, Retry};
use weir_proto::rpc;

/// Trailer with the number of the code.
pub(super) const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
/// Trailer with the percent-encoded message.
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
/// Trailer with a serialized `google.rpc.Status` in base64.
const GRPC_STATUS_DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");

/// Messages are cut at this many bytes: peers refuse header lists of more than 8 to 16 KiB.
const MAX_MESSAGE_BYTES: usize = 4096;

/// Reads base64 with and without padding, as the specification of binary metadata asks.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The outcome of a call, if it is not a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Status {
    /// What happened.
    pub code: Code,
    /// Text for people. Not a contract.
    pub message: String,
    /// A serialized `google.rpc.Status` with details, or empty.
    pub details: Bytes,
}

impl Status {
    /// Creates a status without details.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            details: Bytes::new(),
        }
    }

    /// Adds `google.rpc.RetryInfo`: the caller should wait at least `delay` before it tries again. Replaces other details.
    #[must_use]
    pub fn with_retry_delay(mut self, delay: Duration) -> Self {
        self.details = self.to_rpc(Some(delay)).encode_to_vec().into();
        self
    }

    /// Returns the delay of the first `google.rpc.RetryInfo` among the details. Negative delays are zero.
    pub fn retry_delay(&self) -> Option<Duration> {
        let status = rpc::Status::decode(self.details.clone()).ok()?;
        let info = status
            .details
            .iter()
            .find(|any| any.type_url.ends_with("/google.rpc.RetryInfo"))?;
        let delay = rpc::RetryInfo::decode(&*info.value).ok()?.retry_delay?;
        let seconds = u64::try_from(delay.seconds).unwrap_or(0);
        Some(Duration::new(
            seconds,
            u32::try_from(delay.nanos).unwrap_or(0).min(999_999_999),
        ))
    }

    /// Returns the status as a `google.rpc.Status`, the body of OTLP/HTTP error answers: the details if they are one, else code
    /// and message.
    pub fn to_proto(&self) -> rpc::Status {
        if !self.details.is_empty()
            && let Ok(status) = rpc::Status::decode(self.details.clone())
        {
            return status;
        }
        self.to_rpc(None)
    }

    fn to_rpc(&self, retry_delay: Option<Duration>) -> rpc::Status {
        let retry_info = retry_delay.map(|delay| {
            let info = rpc::RetryInfo {
                retry_delay: Some(rpc::Duration {
                    seconds: i64::try_from(delay.as_secs()).unwrap_or(i64::MAX),
                    nanos: i32::try_from(delay.subsec_nanos()).unwrap_or(0),
                }),
            };
            rpc::Any {
                type_url: rpc::RETRY_INFO_TYPE_URL.to_owned(),
                value: info.encode_to_vec(),
            }
        });
        rpc::Status {
            code: i32::try_from(self.code.grpc()).unwrap_or(i32::MAX),
            message: self.message.clone(),
            details: retry_info.into_iter().collect(),
        }
    }

    /// Returns the trailers of a call that ended well.
    pub(super) fn ok_trailers() -> HeaderMap {
        HeaderMap::from_iter([(GRPC_STATUS, HeaderValue::from_static("0"))])
    }

    /// Writes the status into headers or trailers.
    pub(super) fn write(&self, headers: &mut HeaderMap) {
        headers.insert(GRPC_STATUS, HeaderValue::from(self.code.grpc()));
        if !self.message.is_empty()
            && let Ok(value) = HeaderValue::from_maybe_shared(Bytes::from(percent_encode(&self.message)))
        {
            headers.insert(GRPC_MESSAGE, value);
        }
        if !self.details.is_empty()
            && let Ok(value) = HeaderValue::from_maybe_shared(Bytes::from(BASE64.encode(&self.details)))
        {
            headers.insert(GRPC_STATUS_DETAILS, value);
        }
    }

    /// Reads the status in headers or trailers, if there is one. Damaged messages and details are left out.
    pub(crate) fn read(headers: &HeaderMap) -> Option<Result<(), Self>> {
        let number: Option<u32> = headers
            .get(GRPC_STATUS)?
            .to_str()
            .ok()
            .and_then(|text| text.parse().ok());
        let Some(code) = number.map_or(Some(Code::Unknown), Code::from_grpc) else {
            return Some(Ok(()));
        };
        let message = headers
            .get(GRPC_MESSAGE)
            .map(|value| percent_decode(value.as_bytes()))
            .unwrap_or_default();
        let details = headers
            .get(GRPC_STATUS_DETAILS)
            .and_then(|value| BASE64.decode(value.as_bytes()).ok())
            .unwrap_or_default();
        Some(Err(Self {
            code,
            message,
            details: details.into(),
        }))
    }
}

/// Maps the HTTP status of an answer that is not gRPC.
///
/// Spec: gRPC, "HTTP to gRPC Status Code Mapping". (OTLP/HTTP maps differently: [`Code::from_http`].)
pub(super) const fn code_from_http(status: StatusCode) -> Code {
    match status.as_u16() {
        400 => Code::Internal,
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 => Code::Unimplemented,
        429 | 502 | 503 | 504 => Code::Unavailable,
        _ => Code::Unknown,
    }
}

impl From<&ConsumeError> for Status {
    /// The status that tells a client what happened, with `google.rpc.RetryInfo` if the error has a delay.
    fn from(error: &ConsumeError) -> Self {
        let status = Self::new(error.code(), error.to_string());
        match error.retry() {
            Retry::After(delay) => status.with_retry_delay(delay),
            Retry::Later | Retry::Never => status,
        }
    }
}

impl From<Status> for ConsumeError {
    /// What a server's status means to an exporter.
    ///
    /// Spec: OTLP/gRPC, "Failures": RESOURCE_EXHAUSTED may be retried only if the server sends RetryInfo.
    fn from(status: Status) -> Self {
        let delay = status.retry_delay();
        let error = Self::new(status.code, status.message);
        match delay {
            Some(delay) if status.code.is_retryable() => error.retry_after(delay),
            None if status.code == Code::ResourceExhausted => error.with_retry(Retry::Never),
            _ => error,
        }
    }
}

/// Encodes a message: printable ASCII except `%` as it is, other bytes as `%XX`. Cut at [`MAX_MESSAGE_BYTES`].
fn percent_encode(message: &str) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut text = String::with_capacity(message.len());
    for &byte in message.as_bytes() {
        if text.len() >= MAX_MESSAGE_BYTES {
            break;
        }
        if matches!(byte, b' '..=b'~') && byte != b'%' {
            text.push(char::from(byte));
        } else {
            let hex = [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
            text.extend(['%', char::from(hex[0]), char::from(hex[1])]);
        }
    }
    text
}

/// Undoes [`percent_encode`]; what is not an escape stands for itself, bad UTF-8 is replaced.
fn percent_decode(text: &[u8]) -> String {
    let digit = |byte: &u8| {
        char::from(*byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        let escape = match tail {
            [high, low, ..] if first == b'%' => digit(high).zip(digit(low)),
            _ => None,
        };
        if let Some((high, low)) = escape {
            bytes.push(high << 4 | low);
            rest = &tail[2..];
        } else {
            bytes.push(first);
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn retry_delay_survives_headers() {
        let status = Status::new(Code::ResourceExhausted, "später, 100 %")
            .with_retry_delay(Duration::from_millis(1500));
        let mut headers = HeaderMap::new();
        status.write(&mut headers);
        assert_eq!(headers["grpc-message"], "sp%C3%A4ter, 100 %25");
        let read = Status::read(&headers).unwrap().unwrap_err();
        assert_eq!(read, status);
        assert_eq!(read.retry_delay(), Some(Duration::from_millis(1500)));
        assert_eq!(read.to_proto().message, "später, 100 %");
    }

    #[test]
    fn padded_and_bare_base64_are_read() {
        for text in ["CAg=", "CAg"] {
            let headers = HeaderMap::from_iter([
                (GRPC_STATUS, HeaderValue::from_static("8")),
                (GRPC_STATUS_DETAILS, HeaderValue::from_str(text).unwrap()),
            ]);
            assert_eq!(Status::read(&headers).unwrap().unwrap_err().details, &[8, 8][..]);
        }
    }

    #[test]
    fn strange_codes_are_unknown_and_absent_ones_are_none() {
        let read = |text| {
            Status::read(&HeaderMap::from_iter([(
                GRPC_STATUS,
                HeaderValue::from_static(text),
            )]))
            .unwrap()
        };
        for (text, code) in [
            ("17", Code::Unknown),
            ("-1", Code::Unknown),
            ("x", Code::Unknown),
            ("16", Code::Unauthenticated),
        ] {
            assert_eq!(read(text).unwrap_err().code, code);
        }
        assert_eq!(read("0"), Ok(()));
        assert_eq!(Status::read(&HeaderMap::new()), None);
    }

    #[test]
    fn errors_and_statuses_map_both_ways() {
        let delay = Duration::from_secs(3);
        let status = Status::from(&ConsumeError::overloaded("full", delay));
        assert_eq!(
            (status.code, status.retry_delay()),
            (Code::Unavailable, Some(delay))
        );
        assert_eq!(ConsumeError::from(status).retry(), Retry::After(delay));
        let exhausted = Status::new(Code::ResourceExhausted, "quota");
        assert_eq!(ConsumeError::from(exhausted.clone()).retry(), Retry::Never);
        assert_eq!(
            ConsumeError::from(exhausted.with_retry_delay(delay)).retry(),
            Retry::After(delay)
        );
        assert_eq!(
            ConsumeError::from(Status::new(Code::InvalidArgument, "bad").with_retry_delay(delay)).retry(),
            Retry::Never
        );
    }

    proptest! {
        #[test]
        fn messages_survive_percent_encoding(message in ".{0,300}") {
            prop_assert_eq!(percent_decode(percent_encode(&message).as_bytes()), message);
        }

        #[test]
        fn any_message_is_a_header_value(message in any::<String>()) {
            let mut headers = HeaderMap::new();
            Status::new(Code::Internal, message.clone()).write(&mut headers);
            prop_assert_eq!(headers.contains_key(GRPC_MESSAGE), !message.is_empty());
        }
    }
}
