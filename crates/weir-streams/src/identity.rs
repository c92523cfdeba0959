//! Who a stream is.

use weir_pdata::Digest;
use weir_pdata::view::{Attribute, Attributes, Metric, MetricKind, Resource, Scope, Temporality};

/// 128 bits that stand for a stream: resource, scope, metric and attributes of its points.
///
/// Two streams get the same id by chance with a probability of about n²/2^129; nobody who does not know the seed can aim at one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId {
    high: u64,
    low: u64,
}

impl StreamId {
    /// Returns the id as 16 bytes.
    pub fn to_bytes(self) -> [u8; 16] {
        (u128::from(self.high) << 64 | u128::from(self.low)).to_le_bytes()
    }

    /// Reads an id as [`Self::to_bytes`] writes it.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self::from(u128::from_le_bytes(bytes))
    }

    /// Returns bits that pick a shard; they are independent of [`Self::index_hash`].
    #[inline]
    pub const fn shard_bits(self) -> u64 {
        self.high
    }

    /// Returns bits that pick a place within a shard.
    #[inline]
    pub const fn index_hash(self) -> u64 {
        self.low
    }
}

impl From<u128> for StreamId {
    fn from(bits: u128) -> Self {
        Self {
            high: (bits >> 64) as u64,
            low: bits as u64,
        }
    }
}

/// Makes ids of the streams of a batch, shown in the order in which a visitor is: resource, scope, metric, points.
///
/// As the Collector has it, a stream is: the attributes of the resource; name, version and attributes of the scope; name, unit, type,
/// temporality and monotonicity of the metric; the attributes of the point. Not part of it are description, metadata, schema URLs and
/// start times. The order of attributes does not count, and neither does the way in which they are encoded: the hash is over decoded
/// pairs.
#[derive(Debug, Clone)]
pub struct Identity {
    digest: Digest,
    owner: u128,
    resource: u128,
    scope: u128,
    metric: u128,
    scratch: Vec<u8>,
}

/// Keep what is hashed on one level from standing for something on another.
const OWNER: u8 = 0;
const RESOURCE: u8 = 1;
const SCOPE: u8 = 2;
const METRIC: u8 = 3;

impl Identity {
    /// Makes a hasher. Ids of the same seed can be compared; keep the seed with ids that are stored, and choose it at random.
    pub fn new(seed: u64) -> Self {
        Self {
            digest: Digest::new(seed),
            owner: 0,
            resource: 0,
            scope: 0,
            metric: 0,
            scratch: Vec::new(),
        }
    }

    /// Says to whom what follows belongs: streams of different owners (tenants) are different streams. Default is nobody.
    pub fn owner(&mut self, owner: Option<&str>) {
        self.owner = match owner {
            Some(owner) => self.level(OWNER, 0, 0, |out| put_bytes(out, owner.as_bytes())),
            None => 0,
        };
    }

    /// Begins a resource.
    pub fn resource(&mut self, resource: &Resource<'_>) {
        let attributes = self.digest.attributes(&resource.attributes);
        self.resource = self.level(RESOURCE, self.owner, attributes, |_| {});
    }

    /// Begins a scope of the resource.
    pub fn scope(&mut self, scope: &Scope<'_>) {
        let attributes = self.digest.attributes(&scope.attributes);
        self.scope = self.level(SCOPE, self.resource, attributes, |out| {
            put_bytes(out, scope.name.as_bytes());
            put_bytes(out, scope.version.as_bytes());
        });
    }

    /// Begins a metric of the scope.
    pub fn metric(&mut self, metric: &Metric<'_>) {
        self.metric = self.level(METRIC, self.scope, 0, |out| {
            put_bytes(out, metric.name.as_bytes());
            put_bytes(out, metric.unit.as_bytes());
            out.extend(kind(metric.kind));
        });
    }

    /// Returns 128 bits each that stand for the resource, the scope and the metric that were begun last, those above included.
    pub const fn levels(&self) -> [u128; 3] {
        [self.resource, self.scope, self.metric]
    }

    /// Returns the id of the stream of a point of the metric.
    #[inline]
    pub fn stream(&mut self, attributes: &Attributes<'_>) -> StreamId {
        let pairs = self.digest.attributes(attributes);
        self.point(pairs)
    }

    /// Returns the id of the stream that a point of the metric would belong to with these attributes instead of its own.
    pub fn stream_of<'p>(&mut self, attributes: impl IntoIterator<Item = Attribute<'p>>) -> StreamId {
        let attributes = attributes.into_iter();
        let pairs = attributes.fold(0, |sum: u128, attribute| {
            sum.wrapping_add(self.attribute(&attribute))
        });
        self.point(pairs)
    }

    /// Returns 128 bits that stand for one attribute, its key and its value, in whatever way it is encoded. It does not matter where it
    /// stands.
    #[inline]
    pub fn attribute(&mut self, attribute: &Attribute<'_>) -> u128 {
        self.digest.attribute(attribute)
    }

    #[inline]
    fn point(&self, pairs: u128) -> StreamId {
        let mut both = [0; 32];
        both[..16].copy_from_slice(&self.metric.to_le_bytes());
        both[16..].copy_from_slice(&pairs.to_le_bytes());
        StreamId::from(self.digest.bytes(&both))
    }

    fn level(&mut self, level: u8, above: u128, pairs: u128, own: impl FnOnce(&mut Vec<u8>)) -> u128 {
        self.scratch.clear();
        self.scratch.push(level);
        self.scratch.extend(above.to_le_bytes());
        self.scratch.extend(pairs.to_le_bytes());
        own(&mut self.scratch);
        self.digest.bytes(&self.scratch)
    }
}

const fn kind(kind: MetricKind) -> [u8; 3] {
    match kind {
        MetricKind::Gauge => [1, 0, 0],
        MetricKind::Sum {
            temporality,
            monotonic,
        } => [2, code(temporality), monotonic as u8],
        MetricKind::Histogram { temporality } => [3, code(temporality), 1],
        MetricKind::ExponentialHistogram { temporality } => [4, code(temporality), 1],
        MetricKind::Summary => [5, 0, 0],
        MetricKind::None => [0, 0, 0],
    }
}

const fn code(temporality: Temporality) -> u8 {
    match temporality {
        Temporality::Unspecified => 0,
        Temporality::Delta => 1,
        Temporality::Cumulative => 2,
    }
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    let mut length = bytes.len();
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests;
