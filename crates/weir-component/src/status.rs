//! The one table between outcomes and status codes of protocols.
//!
//! Receivers read it forwards (an error becomes a gRPC or HTTP status), exporters backwards (a status becomes an error).
//! Spec: OTLP 1.x, "Failures" (gRPC and HTTP), and the canonical codes of gRPC.

use std::fmt;

/// A canonical status code, with its gRPC number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// The caller went away.
    Cancelled = 1,
    /// Something that has no code of its own.
    Unknown = 2,
    /// The data or the request is wrong and will stay wrong.
    InvalidArgument = 3,
    /// Time ran out.
    DeadlineExceeded = 4,
    /// What was addressed does not exist.
    NotFound = 5,
    /// What was to be made exists.
    AlreadyExists = 6,
    /// The sender is known and may not do this.
    PermissionDenied = 7,
    /// A limit was reached.
    ResourceExhausted = 8,
    /// The state of the system forbids it.
    FailedPrecondition = 9,
    /// A conflict with another operation.
    Aborted = 10,
    /// Beyond a valid range.
    OutOfRange = 11,
    /// The operation does not exist here.
    Unimplemented = 12,
    /// A fault on our side, or a refusal without a code of its own.
    Internal = 13,
    /// Not now; try again.
    Unavailable = 14,
    /// Data was lost.
    DataLoss = 15,
    /// The sender is not known.
    Unauthenticated = 16,
}

/// Whose fault an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// Of those who sent the data.
    Caller,
    /// Of the destination or what lies between.
    Downstream,
    /// Ours.
    Weir,
}

/// One line of the table.
struct Row {
    code: Code,
    name: &'static str,
    /// HTTP status of an OTLP/HTTP answer.
    http: u16,
    /// Whether an OTLP client may send the same again. `RESOURCE_EXHAUSTED` only together with a delay.
    retryable: bool,
    fault: Fault,
}

const fn row(code: Code, name: &'static str, http: u16, retryable: bool, fault: Fault) -> Row {
    Row {
        code,
        name,
        http,
        retryable,
        fault,
    }
}

/// Code, name, HTTP status, retryable, fault; in the order of the numbers.
static TABLE: [Row; 16] = [
    row(Code::Cancelled, "CANCELLED", 503, true, Fault::Caller),
    row(Code::Unknown, "UNKNOWN", 500, false, Fault::Downstream),
    row(
        Code::InvalidArgument,
        "INVALID_ARGUMENT",
        400,
        false,
        Fault::Caller,
    ),
    row(
        Code::DeadlineExceeded,
        "DEADLINE_EXCEEDED",
        503,
        true,
        Fault::Downstream,
    ),
    row(Code::NotFound, "NOT_FOUND", 500, false, Fault::Downstream),
    row(
        Code::AlreadyExists,
        "ALREADY_EXISTS",
        500,
        false,
        Fault::Downstream,
    ),
    row(
        Code::PermissionDenied,
        "PERMISSION_DENIED",
        403,
        false,
        Fault::Caller,
    ),
    row(
        Code::ResourceExhausted,
        "RESOURCE_EXHAUSTED",
        429,
        true,
        Fault::Weir,
    ),
    row(
        Code::FailedPrecondition,
        "FAILED_PRECONDITION",
        500,
        false,
        Fault::Downstream,
    ),
    row(Code::Aborted, "ABORTED", 503, true, Fault::Downstream),
    row(Code::OutOfRange, "OUT_OF_RANGE", 503, true, Fault::Downstream),
    row(Code::Unimplemented, "UNIMPLEMENTED", 404, false, Fault::Caller),
    row(Code::Internal, "INTERNAL", 500, false, Fault::Weir),
    row(Code::Unavailable, "UNAVAILABLE", 503, true, Fault::Downstream),
    row(Code::DataLoss, "DATA_LOSS", 503, true, Fault::Downstream),
    row(
        Code::Unauthenticated,
        "UNAUTHENTICATED",
        401,
        false,
        Fault::Caller,
    ),
];

impl Code {
    fn row(self) -> &'static Row {
        &TABLE[self as usize - 1]
    }

    /// Returns the code of a gRPC status number; `None` for 0 (OK). Numbers that gRPC does not know are `Unknown`.
    pub fn from_grpc(number: u32) -> Option<Self> {
        match number {
            0 => None,
            1..=16 => Some(TABLE[number as usize - 1].code),
            _ => Some(Self::Unknown),
        }
    }

    /// Returns the code for the HTTP status of a failed request to another server, as OTLP/HTTP clients read it.
    pub const fn from_http(status: u16) -> Self {
        match status {
            400 => Self::InvalidArgument,
            401 => Self::Unauthenticated,
            403 => Self::PermissionDenied,
            404 => Self::Unimplemented,
            429 => Self::ResourceExhausted,
            502..=504 => Self::Unavailable,
            _ => Self::Unknown,
        }
    }

    /// Returns the gRPC status number.
    pub const fn grpc(self) -> u32 {
        self as u32
    }

    /// Returns the HTTP status with which an OTLP/HTTP receiver answers.
    pub fn http(self) -> u16 {
        self.row().http
    }

    /// Returns the canonical name, for example `UNAVAILABLE`.
    pub fn as_str(self) -> &'static str {
        self.row().name
    }

    /// Returns true if an OTLP client may send the same again.
    pub fn is_retryable(self) -> bool {
        self.row().retryable
    }

    /// Returns whose fault this usually is.
    pub fn fault(self) -> Fault {
        self.row().fault
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_numbers() {
        for (index, row) in TABLE.iter().enumerate() {
            assert_eq!(row.code.grpc() as usize, index + 1, "{}", row.name);
            assert_eq!(Code::from_grpc(row.code.grpc()), Some(row.code));
        }
        assert_eq!(Code::from_grpc(0), None);
        assert_eq!(Code::from_grpc(99), Some(Code::Unknown));
    }
}
