//! What stands for tenants, metrics, attributes and values: 128 bits each, over their names.

use weir_pdata::Digest;
use weir_streams::StreamId;

/// Keeps what is hashed for one purpose from standing for something of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Tenant = 1,
    /// The overflow series of a tenant.
    Overflow = 2,
    Metric = 3,
    /// The values of an attribute.
    Attribute = 4,
    Value = 5,
}

/// Makes ids. Nobody who does not know the seed can aim at one.
#[derive(Debug)]
pub(crate) struct Ids {
    digest: Digest,
}

impl Ids {
    pub(crate) const fn new(seed: u64) -> Self {
        Self {
            digest: Digest::new(seed),
        }
    }

    /// Returns bits that stand for a name.
    pub(crate) fn name(&self, name: &[u8]) -> u128 {
        self.digest.bytes(name)
    }

    /// Returns the id of something of a tenant.
    pub(crate) fn of(&self, kind: Kind, tenant: u128, what: u128) -> StreamId {
        let mut bytes = [0; 33];
        bytes[0] = kind as u8;
        bytes[1..17].copy_from_slice(&tenant.to_le_bytes());
        bytes[17..].copy_from_slice(&what.to_le_bytes());
        StreamId::from(self.digest.bytes(&bytes))
    }
}
