//! Attribute keys and label names, kept from batch to batch.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashMap;

use super::table::{Latest, Stamp};
use crate::drops::DropReason;
use crate::interner::hasher;
use crate::label::LabelNamer;
use crate::wire::put_bytes;

/// Most keys or names that are kept from one batch to the next.
const MAX_KEPT: usize = 1 << 14;

/// Most bytes of keys and names that are kept from one batch to the next.
const MAX_KEPT_BYTES: usize = 4 << 20;

/// Misses of a key in a batch before its use is judged.
const TRIAL_MISSES: u32 = 64;

/// A label name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct NameId(u32);

/// An attribute key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct KeyId(u32);

impl KeyId {
    pub(crate) fn number(self) -> u32 {
        self.0
    }
}

impl NameId {
    pub(crate) fn number(self) -> u32 {
        self.0
    }
}

/// Label names with a fixed number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WellKnown {
    Name,
    Le,
    Quantile,
    Job,
    Instance,
    TraceId,
    SpanId,
    ScopeName,
    ScopeVersion,
    ScopeSchemaUrl,
}

impl WellKnown {
    const ALL: [(Self, &'static str); 10] = [
        (Self::Name, "__name__"),
        (Self::Le, "le"),
        (Self::Quantile, "quantile"),
        (Self::Job, "job"),
        (Self::Instance, "instance"),
        (Self::TraceId, "trace_id"),
        (Self::SpanId, "span_id"),
        (Self::ScopeName, "otel_scope_name"),
        (Self::ScopeVersion, "otel_scope_version"),
        (Self::ScopeSchemaUrl, "otel_scope_schema_url"),
    ];

    pub(crate) fn id(self) -> NameId {
        NameId(self as u32)
    }
}

struct Name {
    text: Box<str>,
    /// The name as a field of a remote write 1.0 label.
    encoded: Box<[u8]>,
    hash: u64,
    symbol: Stamp,
    latest: Latest,
}

struct Key {
    raw: Box<[u8]>,
    name: Result<NameId, DropReason>,
    /// Batch that the count is of.
    batch: u64,
    misses: u32,
}

/// All label names and attribute keys seen lately.
pub(crate) struct Names {
    namer: LabelNamer,
    names: Vec<Name>,
    by_text: HashMap<Box<str>, NameId, RandomState>,
    keys: Vec<Key>,
    by_raw: HashMap<Box<[u8]>, KeyId, RandomState>,
    /// Total length of keys and names.
    bytes: usize,
    batch: u64,
}

impl Names {
    pub(crate) fn new(namer: LabelNamer) -> Self {
        let mut names = Self {
            namer,
            names: Vec::new(),
            by_text: HashMap::default(),
            keys: Vec::new(),
            by_raw: HashMap::default(),
            bytes: 0,
            batch: 0,
        };
        names.forget();
        names
    }

    /// Begins a batch. Returns whether all numbers given out before have become void.
    pub(crate) fn begin(&mut self) -> bool {
        self.batch += 1;
        let full = self.names.len() > MAX_KEPT || self.keys.len() > MAX_KEPT || self.bytes > MAX_KEPT_BYTES;
        if full {
            self.forget();
        }
        full
    }

    fn forget(&mut self) {
        self.names.clear();
        self.by_text.clear();
        self.keys.clear();
        self.by_raw.clear();
        self.bytes = 0;
        for (known, text) in WellKnown::ALL {
            let id = self.name(text);
            debug_assert_eq!(id, known.id());
        }
    }

    /// Returns the number of a label name.
    pub(crate) fn name(&mut self, text: &str) -> NameId {
        if let Some(id) = self.by_text.get(text) {
            return *id;
        }
        let id = NameId(u32::try_from(self.names.len()).expect("memory ends before four billion names"));
        self.bytes += text.len();
        let mut encoded = Vec::new();
        put_bytes(&mut encoded, 0x0a, text.as_bytes());
        self.names.push(Name {
            text: text.into(),
            encoded: encoded.into(),
            hash: hasher().hash_one(text.as_bytes()),
            symbol: Stamp::default(),
            latest: Latest::NONE,
        });
        self.by_text.insert(text.into(), id);
        id
    }

    #[inline]
    pub(crate) fn text(&self, id: NameId) -> &str {
        &self.names[id.0 as usize].text
    }

    /// Returns a label name as a field of a remote write 1.0 label, with tag and length.
    #[inline]
    pub(crate) fn encoded(&self, id: NameId) -> &[u8] {
        &self.names[id.0 as usize].encoded
    }

    /// Returns the hash of a label name's text.
    #[inline]
    pub(crate) fn hash(&self, id: NameId) -> u64 {
        self.names[id.0 as usize].hash
    }

    /// Returns the label of this name that was new last.
    pub(crate) fn latest(&mut self, id: NameId) -> &mut Latest {
        &mut self.names[id.0 as usize].latest
    }

    #[inline]
    pub(crate) fn symbol(&mut self, id: NameId) -> &mut Stamp {
        &mut self.names[id.0 as usize].symbol
    }

    /// Returns the number of an attribute key.
    pub(crate) fn key(&mut self, raw: &[u8]) -> KeyId {
        if let Some(id) = self.by_raw.get(raw) {
            return *id;
        }
        let name = match std::str::from_utf8(raw) {
            Ok(key) => self.label_name(key),
            Err(_) => Err(DropReason::InvalidUtf8),
        };
        let id = KeyId(u32::try_from(self.keys.len()).expect("memory ends before four billion keys"));
        self.bytes += raw.len();
        self.keys.push(Key {
            raw: raw.into(),
            name,
            batch: 0,
            misses: 0,
        });
        self.by_raw.insert(raw.into(), id);
        id
    }

    /// Returns the number of the label name that an attribute key gets.
    pub(crate) fn label_name(&mut self, key: &str) -> Result<NameId, DropReason> {
        let name = self.namer.name(key).map_err(|_| DropReason::InvalidLabel)?;
        Ok(self.name(&name))
    }

    #[inline]
    pub(crate) fn key_raw(&self, id: KeyId) -> &[u8] {
        &self.keys[id.0 as usize].raw
    }

    #[inline]
    pub(crate) fn key_name(&self, id: KeyId) -> Result<NameId, DropReason> {
        self.keys[id.0 as usize].name
    }

    /// Counts an attribute that was not known yet. Returns whether those of its key come back often enough to be
    /// worth a table entry; break-even was measured at 30 to 40 % misses. `lists` is the number of lists of
    /// attributes seen in this batch, each of which has a key once.
    pub(crate) fn count_miss(&mut self, id: KeyId, lists: u64) -> bool {
        let key = &mut self.keys[id.0 as usize];
        if key.batch != self.batch {
            (key.batch, key.misses) = (self.batch, 0);
        }
        key.misses = key.misses.saturating_add(1);
        key.misses < TRIAL_MISSES || u64::from(key.misses) * 3 <= lists
    }
}
