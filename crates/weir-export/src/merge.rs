//! Which batches may become one, and how large that one may be.

use std::num::NonZeroUsize;

use weir_pdata::{Context, ContextParts};

/// How much may be merged into one delivery. A batch that is larger by itself is delivered by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MergeLimits {
    /// Most items.
    pub items: NonZeroUsize,
    /// Most bytes of OTLP protobuf.
    pub bytes: NonZeroUsize,
}

impl Default for MergeLimits {
    /// 16384 items and 8 MiB: large enough that the cost per delivery vanishes, small enough that one delivery is translated within ten
    /// milliseconds, needs little memory, and is no great loss if it fails.
    fn default() -> Self {
        Self {
            items: NonZeroUsize::MIN.saturating_add(16_383),
            bytes: NonZeroUsize::MIN.saturating_add((8 << 20) - 1),
        }
    }
}

impl MergeLimits {
    /// Keeps every batch by itself.
    pub const NONE: Self = Self {
        items: NonZeroUsize::MIN,
        bytes: NonZeroUsize::MIN,
    };
}

/// Returns whether batches of these contexts may become one: tenant, identity and metadata must be the same. Who sent it from where,
/// how long the sender waits and its trace do not matter once a queue has taken the batch.
pub(crate) fn mix(one: &Context, other: &Context) -> bool {
    one.tenant == other.tenant && one.identity == other.identity && one.metadata == other.metadata
}

/// Returns what batches that may become one have in common: tenant, identity and the values of these metadata keys.
pub(crate) fn common(context: &Context, metadata_keys: &[String]) -> Context {
    let kept = |key: &String| Some((key.clone(), context.metadata.get(key)?.clone()));
    let parts = ContextParts {
        tenant: context.tenant.clone(),
        identity: context.identity.clone(),
        metadata: metadata_keys.iter().filter_map(kept).collect(),
        ..ContextParts::default()
    };
    if parts == ContextParts::default() {
        Context::default()
    } else {
        Context::new(parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenants_do_not_mix() {
        let of = |tenant: Option<&str>, peer: Option<&str>| {
            Context::new(ContextParts {
                tenant: tenant.map(str::to_owned),
                peer: peer.map(|peer| peer.parse().unwrap()),
                ..ContextParts::default()
            })
        };
        assert!(mix(&of(Some("a"), None), &of(Some("a"), Some("10.0.0.1:1"))));
        assert!(!mix(&of(Some("a"), None), &of(Some("b"), None)));
        assert!(!mix(&of(Some("a"), None), &of(None, None)));
    }
}
