//! In place of CPU profiles, in binaries that are built without them.

use crate::answer::Refusal;

/// Whether the binary has CPU profiles.
pub(crate) const OFFERED: bool = false;

/// A profile that cannot be taken.
#[derive(Debug)]
pub(crate) enum Recording {}

impl Recording {
    pub(crate) fn begin() -> Result<Self, Refusal> {
        Err(Refusal::not_built("CPU"))
    }

    pub(crate) fn finish(self) -> Result<Vec<u8>, Refusal> {
        match self {}
    }
}
