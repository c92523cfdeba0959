//! Who a stream is.

use weir_pdata::view::{AnyValue, Attribute, Attributes, Metric, MetricKind, Resource, Scope, Temporality};
use xxhash_rust::xxh3::xxh3_128_with_seed;

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
    seed: u64,
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
            seed,
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
        let attributes = self.pairs(&resource.attributes);
        self.resource = self.level(RESOURCE, self.owner, attributes, |_| {});
    }

    /// Begins a scope of the resource.
    pub fn scope(&mut self, scope: &Scope<'_>) {
        let attributes = self.pairs(&scope.attributes);
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
        let pairs = self.pairs(attributes);
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
        match attribute {
            Attribute::Wire(pair) if is_canonical(pair) => xxh3_128_with_seed(pair, self.seed),
            attribute => self.decoded_pair(attribute),
        }
    }

    #[inline]
    fn point(&self, pairs: u128) -> StreamId {
        let mut both = [0; 32];
        both[..16].copy_from_slice(&self.metric.to_le_bytes());
        both[16..].copy_from_slice(&pairs.to_le_bytes());
        StreamId::from(xxh3_128_with_seed(&both, self.seed))
    }

    fn level(&mut self, level: u8, above: u128, pairs: u128, own: impl FnOnce(&mut Vec<u8>)) -> u128 {
        self.scratch.clear();
        self.scratch.push(level);
        self.scratch.extend(above.to_le_bytes());
        self.scratch.extend(pairs.to_le_bytes());
        own(&mut self.scratch);
        xxh3_128_with_seed(&self.scratch, self.seed)
    }

    /// Adds up the hashes of the pairs, so that their order does not count.
    #[inline]
    fn pairs(&mut self, attributes: &Attributes<'_>) -> u128 {
        let Some(slices) = attributes.as_wire() else {
            return attributes.iter().fold(0, |sum: u128, attribute| {
                sum.wrapping_add(self.decoded_pair(&attribute))
            });
        };
        slices.iter().fold(0, |sum: u128, slice| {
            sum.wrapping_add(self.attribute(&Attribute::Wire(slice)))
        })
    }

    fn decoded_pair(&mut self, attribute: &Attribute<'_>) -> u128 {
        self.scratch.clear();
        canonical(attribute, &mut self.scratch);
        xxh3_128_with_seed(&self.scratch, self.seed)
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

/// Returns true for what nearly every encoder writes: a short key and a short text. These bytes are what [`canonical`] would write.
#[inline]
fn is_canonical(pair: &[u8]) -> bool {
    let [0x0a, length @ 0..0x80, rest @ ..] = pair else {
        return false;
    };
    match rest.get(usize::from(*length)..) {
        Some([0x12, value @ 0..0x80, 0x0a, text @ 0..0x80, rest @ ..]) => {
            usize::from(*value) == rest.len() + 2 && usize::from(*text) == rest.len()
        }
        _ => false,
    }
}

/// Writes an attribute in the one way in which it is hashed: as a `KeyValue` message with every field present and in order.
fn canonical(attribute: &Attribute<'_>, out: &mut Vec<u8>) {
    out.push(0x0a);
    put_bytes(out, attribute.key().as_bytes());
    out.push(0x12);
    put_nested(out, |out| canonical_value(attribute.value(), out));
}

/// Nested at most as deeply as the request was checked to be.
fn canonical_value(value: AnyValue<'_>, out: &mut Vec<u8>) {
    match value {
        AnyValue::Empty => {}
        AnyValue::String(text) => {
            out.push(0x0a);
            put_bytes(out, text.as_bytes());
        }
        AnyValue::Bool(value) => out.extend([0x10, u8::from(value)]),
        AnyValue::Int(value) => {
            out.push(0x18);
            out.extend(value.to_le_bytes());
        }
        AnyValue::Double(value) => {
            out.push(0x21);
            out.extend(value.to_bits().to_le_bytes());
        }
        AnyValue::Array(values) => {
            out.push(0x2a);
            put_nested(out, |out| {
                for value in values.iter() {
                    put_nested(out, |out| canonical_value(value, out));
                }
            });
        }
        AnyValue::Map(pairs) => {
            // A map: the order of its pairs does not count either.
            let mut sorted: Vec<Vec<u8>> = pairs
                .iter()
                .map(|pair| {
                    let mut bytes = Vec::new();
                    canonical(&pair, &mut bytes);
                    bytes
                })
                .collect();
            sorted.sort_unstable();
            out.push(0x32);
            put_nested(out, |out| sorted.iter().for_each(|pair| put_bytes(out, pair)));
        }
        AnyValue::Bytes(bytes) => {
            out.push(0x3a);
            put_bytes(out, bytes);
        }
    }
}

fn put_nested(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let mut inner = Vec::new();
    write(&mut inner);
    put_bytes(out, &inner);
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
