//! The labels of one batch, each distinct attribute translated once.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

use weir_pdata::view::{AnyValue, Attribute, Attributes};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::names::{KeyId, NameId, Names, WellKnown};
use crate::drops::DropReason;
use crate::interner::Interner;
use crate::label::LabelNamer;
use crate::value::{ValueError, push_text};
use crate::wire::{field_len, put_bytes, put_header};

/// Most distinct attributes of a batch that are remembered; the others take the plain path.
const MAX_INTERNED: usize = 1 << 16;

/// Most bytes of capacity that are kept from one batch to the next.
const KEPT_CAPACITY: usize = 8 << 20;

/// Hashes of labels decide lanes and find repeated series, so all translators of a process must agree on
/// them while nobody outside can aim at them.
static SEED: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one("weir label hash"));

/// A label of the current batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LabelId(u32);

/// A number that is valid within one request only, such as a symbol reference.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Stamp {
    /// The request, counted from 1.
    pub(crate) request: u64,
    pub(crate) number: u32,
}

struct Label {
    name: NameId,
    /// Start of the encoded label in `bytes`: a remote write 1.0 label with tag and length.
    start: usize,
    /// Start of the value, which ends the encoded label.
    value: usize,
    end: usize,
    hash: u64,
    symbol: Stamp,
}

/// An attribute after translation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attr {
    pub(crate) key: KeyId,
    pub(crate) content: Content,
}

/// What became of an attribute.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Content {
    /// A label with a value.
    Label(LabelId),
    /// No value, so no label. Also an attribute that would be the metric's name.
    Empty,
    /// No label can be made; the point is dropped.
    Bad(DropReason),
}

/// Labels, and the attributes they were made of.
pub(crate) struct LabelTable {
    pub(crate) names: Names,
    labels: Vec<Label>,
    bytes: Vec<u8>,
    /// Raw attributes; `attrs` holds the translation of each.
    raw: Interner,
    attrs: Vec<Attr>,
    /// Number of the raw attribute seen last at each position of a point's list.
    last: Vec<Option<u32>>,
    encoded: Vec<u8>,
    text: String,
}

impl LabelTable {
    pub(crate) fn new(namer: LabelNamer) -> Self {
        Self {
            names: Names::new(namer),
            labels: Vec::new(),
            bytes: Vec::new(),
            raw: Interner::default(),
            attrs: Vec::new(),
            last: Vec::new(),
            encoded: Vec::new(),
            text: String::new(),
        }
    }

    /// Begins a batch: labels of the one before are void. Returns whether key and name numbers are, too.
    pub(crate) fn begin(&mut self) -> bool {
        self.labels.clear();
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_CAPACITY);
        self.raw.clear();
        self.attrs.clear();
        self.last.clear();
        self.names.begin()
    }

    // === attributes ===

    /// Translates a list of attributes.
    pub(crate) fn translate(&mut self, attributes: Attributes<'_>, out: &mut Vec<Attr>) {
        out.clear();
        let mut encoded = std::mem::take(&mut self.encoded);
        for (position, attribute) in attributes.iter().enumerate() {
            let raw = attribute.raw(&mut encoded);
            out.push(self.attribute(position, raw, &attribute));
        }
        self.encoded = encoded;
    }

    #[inline]
    fn attribute(&mut self, position: usize, raw: &[u8], attribute: &Attribute<'_>) -> Attr {
        if let Some(Some(last)) = self.last.get(position).copied()
            && self.raw.get(last) == raw
        {
            let attr = self.attrs[last as usize];
            self.names.count_lookup(attr.key, true);
            return attr;
        }
        self.look_up(position, raw, attribute)
    }

    fn look_up(&mut self, position: usize, raw: &[u8], attribute: &Attribute<'_>) -> Attr {
        let key = self.key_at(position, attribute.key().as_bytes());
        if !self.names.repeats(key) {
            return Attr {
                key,
                content: self.content(key, attribute.value()),
            };
        }
        let hash = self.raw.hash(raw);
        let found = self.raw.find(hash, raw);
        self.names.count_lookup(key, found.is_some());
        let id = match found {
            Some(id) => id,
            None => {
                let attr = Attr {
                    key,
                    content: self.content(key, attribute.value()),
                };
                if self.raw.len() >= MAX_INTERNED {
                    return attr;
                }
                self.attrs.push(attr);
                self.raw.insert(hash, raw)
            }
        };
        if self.last.len() <= position {
            self.last.resize(position + 1, None);
        }
        self.last[position] = Some(id);
        self.attrs[id as usize]
    }

    /// Points of one metric mostly have the same keys at the same positions.
    fn key_at(&mut self, position: usize, key: &[u8]) -> KeyId {
        if let Some(Some(last)) = self.last.get(position) {
            let id = self.attrs[*last as usize].key;
            if self.names.key_raw(id) == key {
                return id;
            }
        }
        self.names.key(key)
    }

    fn content(&mut self, key: KeyId, value: AnyValue<'_>) -> Content {
        let name = self.names.key_name(key);
        match self.make(name, value) {
            Ok(Some(_)) if name == Ok(WellKnown::Name.id()) => Content::Empty,
            Ok(Some(label)) => Content::Label(label),
            Ok(None) => Content::Empty,
            Err(reason) => Content::Bad(reason),
        }
    }

    /// Makes a label of an attribute value; `None` if the value is empty.
    pub(crate) fn make(
        &mut self,
        name: Result<NameId, DropReason>,
        value: AnyValue<'_>,
    ) -> Result<Option<LabelId>, DropReason> {
        if let AnyValue::String(text) = value {
            let text = text.to_str().map_err(|_| DropReason::InvalidUtf8)?;
            return self.make_text(name, text);
        }
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        let made = match push_text(value, &mut text) {
            Ok(()) => self.make_text(name, &text),
            Err(ValueError::InvalidUtf8(_)) => Err(DropReason::InvalidUtf8),
            Err(ValueError::TooDeep) => Err(DropReason::Malformed),
        };
        self.text = text;
        made
    }

    fn make_text(
        &mut self,
        name: Result<NameId, DropReason>,
        text: &str,
    ) -> Result<Option<LabelId>, DropReason> {
        if text.is_empty() {
            return Ok(None);
        }
        Ok(Some(self.add(name?, text)))
    }

    // === labels ===

    /// Adds a label. The value must not be empty.
    pub(crate) fn add(&mut self, name: NameId, value: &str) -> LabelId {
        self.add_parts(name, value.len(), |out| out.extend_from_slice(value.as_bytes()))
    }

    /// Adds a label whose value is that of others with `;` between.
    pub(crate) fn join(&mut self, name: NameId, parts: &[LabelId]) -> LabelId {
        let mut value = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                value.push(b';');
            }
            value.extend_from_slice(self.value(*part));
        }
        self.add_parts(name, value.len(), |out| out.extend_from_slice(&value))
    }

    fn add_parts(
        &mut self,
        name: NameId,
        value_len: usize,
        push_value: impl FnOnce(&mut Vec<u8>),
    ) -> LabelId {
        let text = self.names.text(name).as_bytes();
        let start = self.bytes.len();
        put_header(
            &mut self.bytes,
            0x0a,
            field_len(text.len()) + field_len(value_len),
        );
        put_bytes(&mut self.bytes, 0x0a, text);
        put_header(&mut self.bytes, 0x12, value_len);
        let value = self.bytes.len();
        push_value(&mut self.bytes);
        let end = self.bytes.len();
        let hash = xxh3_64_with_seed(&self.bytes[start..end], *SEED);
        let id = LabelId(u32::try_from(self.labels.len()).expect("memory ends before four billion labels"));
        self.labels.push(Label {
            name,
            start,
            value,
            end,
            hash,
            symbol: Stamp::default(),
        });
        id
    }

    /// Returns the number of the label's name.
    #[inline]
    pub(crate) fn name(&self, id: LabelId) -> NameId {
        self.labels[id.0 as usize].name
    }

    /// Returns the text of the label's name.
    pub(crate) fn name_text(&self, id: LabelId) -> &str {
        self.names.text(self.name(id))
    }

    /// Returns the value; UTF-8 and not empty.
    #[inline]
    pub(crate) fn value(&self, id: LabelId) -> &[u8] {
        let label = &self.labels[id.0 as usize];
        &self.bytes[label.value..label.end]
    }

    /// Returns the label as a field of a remote write 1.0 series or exemplar, with tag and length.
    #[inline]
    pub(crate) fn encoded(&self, id: LabelId) -> &[u8] {
        let label = &self.labels[id.0 as usize];
        &self.bytes[label.start..label.end]
    }

    /// Returns a hash of name and value, the same for equal labels of any batch in this process.
    #[inline]
    pub(crate) fn hash(&self, id: LabelId) -> u64 {
        self.labels[id.0 as usize].hash
    }

    #[inline]
    pub(crate) fn symbol(&mut self, id: LabelId) -> &mut Stamp {
        &mut self.labels[id.0 as usize].symbol
    }

    /// Returns whether two labels have the same name and value.
    #[inline]
    pub(crate) fn same(&self, a: LabelId, b: LabelId) -> bool {
        a == b || self.encoded(a) == self.encoded(b)
    }

    /// Returns whether two lists hold the same labels in the same order.
    pub(crate) fn same_list(&self, a: &[LabelId], b: &[LabelId]) -> bool {
        a == b || (a.len() == b.len() && a.iter().zip(b).all(|(a, b)| self.same(*a, *b)))
    }
}
