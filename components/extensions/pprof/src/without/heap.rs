//! In place of heap profiles, in binaries that are built without them.

use crate::answer::Refusal;

/// Heap profiles that cannot be taken.
#[derive(Debug, Default)]
pub(crate) struct Heap;

impl Heap {
    pub(crate) fn profile(&self) -> Result<Vec<u8>, Refusal> {
        Err(Refusal::not_built("heap"))
    }
}
