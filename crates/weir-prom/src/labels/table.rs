//! The labels of one batch, each distinct attribute translated once.

use hashbrown::HashTable;
use weir_pdata::view::{AnyValue, Attribute, Attributes, ValueError, push_text};

use super::names::{KeyId, NameId, Names, WellKnown};
use crate::drops::DropReason;
use crate::interner::Interner;
use crate::label::LabelNamer;
use crate::wire::{field_len, put_bytes, put_header};

/// Most distinct attributes of a batch that are remembered; the others take the plain path.
const MAX_INTERNED: usize = 1 << 16;

/// Most bytes of capacity that are kept from one batch to the next.
const KEPT_CAPACITY: usize = 8 << 20;

/// Room for so many labels is kept.
const KEPT_LABELS: usize = 1 << 17;

/// A label of the current batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LabelId(u32);

impl LabelId {
    #[inline]
    pub(crate) fn number(self) -> u32 {
        self.0
    }

    /// Returns the label of a number that [`LabelId::number`] gave in this batch.
    #[inline]
    pub(crate) fn from_number(number: u32) -> Self {
        Self(number)
    }
}

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
    value_hash: u64,
    hash: u64,
    seen: Seen,
}

/// Where a label stood last, valid within one request.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Seen {
    /// The request, counted from 1.
    pub(crate) request: u64,
    /// Bytes of the message before it.
    pub(crate) at: usize,
}

/// Of all labels of a name the one that was last to stand in a request for the first time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Latest {
    /// The request, counted from 1.
    pub(crate) request: u64,
    pub(crate) label: LabelId,
}

impl Latest {
    /// Of no request.
    pub(crate) const NONE: Self = Self {
        request: 0,
        label: LabelId(0),
    };
}

/// An attribute after translation; a small one, as there are many.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attr {
    pub(crate) key: KeyId,
    /// The number of its label, or [`EMPTY`], or [`BAD`] and more.
    code: u32,
    /// Hash of the label; 0 without one.
    pub(crate) hash: u64,
}

/// Codes from here on, and label numbers below.
const NO_LABEL: u32 = u32::MAX - 255;

/// Code of [`Content::Empty`].
const EMPTY: u32 = NO_LABEL;

/// Code of [`Content::Bad`] with the first reason.
const BAD: u32 = EMPTY + 1;

impl Attr {
    fn new(key: KeyId, content: Content, hash: u64) -> Self {
        let code = match content {
            Content::Label(id) => id.0,
            Content::Empty => EMPTY,
            Content::Bad(reason) => BAD + reason as u32,
        };
        Self { key, code, hash }
    }

    pub(crate) fn content(self) -> Content {
        match self.code {
            EMPTY => Content::Empty,
            BAD.. => Content::Bad(DropReason::ALL[(self.code - BAD) as usize]),
            id => Content::Label(LabelId(id)),
        }
    }

    /// Returns the label of an attribute that has one.
    #[inline]
    pub(crate) fn label(self) -> LabelId {
        LabelId(self.code)
    }

    /// Returns what an attribute contributes to the order of labels: its key, or that it has no label.
    #[inline]
    pub(crate) fn part(self) -> u32 {
        if self.code < NO_LABEL {
            self.key.number()
        } else {
            self.code
        }
    }
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

impl Content {
    /// Returns why there is no label.
    pub(crate) fn error(self) -> Option<DropReason> {
        match self {
            Self::Bad(reason) => Some(reason),
            Self::Label(_) | Self::Empty => None,
        }
    }
}

/// Positions that are told apart; lists that are longer begin again with the first.
const POSITIONS: usize = 64;

/// Raw attributes that are remembered per position.
const RECENT: usize = 128;

/// What was seen lately at one position of the lists of attributes: points of one metric mostly have the same keys at the same
/// positions, and few values of each.
#[derive(Debug, Clone)]
struct Position {
    /// Raw attributes, each at the place that [`place_of`] gives it.
    recent: [Recent; RECENT],
    /// A key whose values hardly repeat, so that looking them up is wasted.
    plain: Option<KeyId>,
}

/// A raw attribute, by its place in the bytes of [`LabelTable::raw`], and its translation.
#[derive(Debug, Clone, Copy)]
struct Recent {
    start: u32,
    /// 0 is none: there is no attribute without bytes.
    len: u32,
    attr: Attr,
}

impl Default for Position {
    fn default() -> Self {
        let none = Recent {
            start: 0,
            len: 0,
            attr: Attr::new(KeyId::default(), Content::Empty, 0),
        };
        Self {
            recent: [none; RECENT],
            plain: None,
        }
    }
}

impl Position {
    /// Returns the translation of a raw attribute if it is the one that was seen last at its place.
    #[inline(always)]
    fn guess(&self, raw: &[u8], all: &Interner) -> Option<&Attr> {
        let Recent { start, len, attr } = &self.recent[place_of(raw)];
        let is_right = *len as usize == raw.len() && !raw.is_empty() && all.starts_at(*start, raw);
        is_right.then_some(attr)
    }
}

/// Returns where a raw attribute is remembered: a number that is cheap, and mostly differs where attributes do. It is only ever a
/// guess, so nothing is lost when many share a place.
#[inline(always)]
fn place_of(raw: &[u8]) -> usize {
    let word = |bytes: Option<&[u8; 8]>| bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let middle = word(raw.get(raw.len() / 2..).and_then(<[u8]>::first_chunk));
    let mixed = (word(raw.last_chunk()) ^ middle.rotate_left(23)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> (u64::BITS - RECENT.ilog2())) as usize
}

/// Labels, and the attributes they were made of.
pub(crate) struct LabelTable {
    pub(crate) names: Names,
    labels: Vec<Label>,
    bytes: Vec<u8>,
    /// Labels of resources and scopes: see [`LabelTable::share`].
    shared: HashTable<LabelId>,
    /// Raw attributes; `known` holds the translation of each.
    raw: Interner,
    known: Vec<Attr>,
    positions: Vec<Position>,
    /// Lists of attributes seen in this batch.
    lists: u64,
    /// Length of the longest encoded label.
    longest: usize,
    encoded: Vec<u8>,
    text: String,
}

impl LabelTable {
    pub(crate) fn new(namer: LabelNamer) -> Self {
        Self {
            names: Names::new(namer),
            labels: Vec::new(),
            bytes: Vec::new(),
            shared: HashTable::new(),
            raw: Interner::default(),
            known: Vec::new(),
            positions: Vec::new(),
            lists: 0,
            longest: 0,
            encoded: Vec::new(),
            text: String::new(),
        }
    }

    /// Begins a batch: labels of the one before are void. Returns whether key and name numbers are, too.
    pub(crate) fn begin(&mut self) -> bool {
        self.labels.clear();
        self.labels.shrink_to(KEPT_LABELS);
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_CAPACITY);
        if self.shared.capacity() > KEPT_LABELS {
            self.shared = HashTable::new();
        }
        self.shared.clear();
        self.raw.clear();
        self.known.clear();
        self.positions.clear();
        self.lists = 0;
        self.longest = 0;
        self.names.begin()
    }

    // === attributes ===

    /// Counts a list of attributes that needs no translation.
    pub(crate) fn skip_list(&mut self) {
        self.lists += 1;
    }

    /// Translates a list of attributes.
    pub(crate) fn translate(&mut self, attributes: Attributes<'_>, out: &mut Vec<Attr>) {
        out.clear();
        out.reserve(attributes.len());
        self.lists += 1;
        if self.positions.len() < attributes.len().min(POSITIONS) {
            self.add_positions(attributes.len().min(POSITIONS));
        }
        if let Some(slices) = attributes.as_wire() {
            while let Some(rest) = slices.get(out.len()..).filter(|rest| !rest.is_empty()) {
                // As many as are guessed right, which mostly is all of them.
                let positions = self.positions.get(out.len()..).unwrap_or_default();
                for (position, raw) in positions.iter().zip(rest) {
                    match position.guess(raw, &self.raw) {
                        Some(attr) => out.push(*attr),
                        None => break,
                    }
                }
                if let Some(raw) = slices.get(out.len()) {
                    out.push(self.look_up(out.len(), raw, &Attribute::Wire(raw)));
                }
            }
        } else {
            let mut encoded = std::mem::take(&mut self.encoded);
            for (position, attribute) in attributes.iter().enumerate() {
                let raw = attribute.raw(&mut encoded);
                out.push(self.look_up(position, raw, &attribute));
            }
            self.encoded = encoded;
        }
    }

    #[cold]
    fn add_positions(&mut self, count: usize) {
        self.positions.resize(count, Position::default());
    }

    #[inline(never)]
    fn look_up(&mut self, position: usize, raw: &[u8], attribute: &Attribute<'_>) -> Attr {
        let (position, place) = (position % POSITIONS, place_of(raw));
        if let Some(key) = self.positions[position].plain
            && self.names.key_raw(key) == attribute.key().as_bytes()
        {
            return self.new_attribute(key, attribute);
        }
        let hash = self.raw.hash(raw);
        match self.raw.find(hash, raw) {
            Some(id) => {
                let attr = self.known[id as usize];
                self.remember(position, place, id, attr);
                attr
            }
            None => self.unknown(position, place, hash, raw, attribute),
        }
    }

    fn unknown(
        &mut self,
        position: usize,
        place: usize,
        hash: u64,
        raw: &[u8],
        attribute: &Attribute<'_>,
    ) -> Attr {
        let key = self.names.key(attribute.key().as_bytes());
        let attr = self.new_attribute(key, attribute);
        if !self.names.count_miss(key, self.lists) {
            self.positions[position] = Position {
                plain: Some(key),
                ..Position::default()
            };
        } else if self.raw.len() < MAX_INTERNED {
            let id = self.raw.insert(hash, raw);
            self.known.push(attr);
            self.remember(position, place, id, attr);
        }
        attr
    }

    /// Makes a raw attribute the guess for its place.
    fn remember(&mut self, position: usize, place: usize, id: u32, attr: Attr) {
        let span = self.raw.span(id);
        if let (Ok(start), Ok(len)) = (span.start.try_into(), span.len().try_into()) {
            self.positions[position].recent[place] = Recent { start, len, attr };
        }
    }

    fn new_attribute(&mut self, key: KeyId, attribute: &Attribute<'_>) -> Attr {
        let content = self.content(key, attribute.value());
        let hash = if let Content::Label(id) = content {
            self.hash(id)
        } else {
            0
        };
        Attr::new(key, content, hash)
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
        self.add_bytes(name, value.as_bytes())
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
        self.add_bytes(name, &value)
    }

    /// Returns the label with a value that is not empty, the same each time in a batch: small requests repeat the labels of their scopes
    /// all over.
    pub(crate) fn share(&mut self, name: NameId, value: &str) -> LabelId {
        let hash = pair_hash(self.names.hash(name), self.raw.hash(value.as_bytes()));
        let same = |id: &LabelId| self.name(*id) == name && self.value(*id) == value.as_bytes();
        if let Some(id) = self.shared.find(hash, same) {
            return *id;
        }
        let id = self.add(name, value);
        let labels = &self.labels;
        self.shared
            .insert_unique(hash, id, |id| labels[id.0 as usize].hash);
        id
    }

    fn add_bytes(&mut self, name: NameId, value: &[u8]) -> LabelId {
        let name_field = self.names.encoded(name);
        let start = self.bytes.len();
        put_header(&mut self.bytes, 0x0a, name_field.len() + field_len(value.len()));
        self.bytes.extend_from_slice(name_field);
        put_bytes(&mut self.bytes, 0x12, value);
        let end = self.bytes.len();
        self.longest = self.longest.max(end - start);
        let value_hash = self.raw.hash(value);
        let hash = pair_hash(self.names.hash(name), value_hash);
        let number = u32::try_from(self.labels.len())
            .ok()
            .filter(|number| *number < NO_LABEL);
        let id = LabelId(number.expect("memory ends before four billion labels"));
        self.labels.push(Label {
            name,
            start,
            value: end - value.len(),
            end,
            value_hash,
            hash,
            seen: Seen::default(),
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

    /// Returns whether labels take more than `limit` bytes together.
    #[inline]
    pub(crate) fn exceed(&self, ids: &[LabelId], limit: usize) -> bool {
        // Nearly always no list of so many can.
        ids.len().saturating_mul(self.longest) > limit
            && ids.iter().map(|id| self.encoded(*id).len()).sum::<usize>() > limit
    }

    /// Returns how many bytes of what [`LabelTable::encoded`] returns come before the name.
    pub(crate) fn head_len(&self, id: LabelId) -> usize {
        let label = &self.labels[id.0 as usize];
        let name_len = self.names.encoded(label.name).len();
        label.end - label.start - name_len - field_len(label.end - label.value)
    }

    /// Returns where a label stood last.
    pub(crate) fn seen(&self, id: LabelId) -> Seen {
        self.labels[id.0 as usize].seen
    }

    #[inline]
    pub(crate) fn seen_mut(&mut self, id: LabelId) -> &mut Seen {
        &mut self.labels[id.0 as usize].seen
    }

    /// Returns a hash of name and value, the same for equal labels of any batch in this process.
    #[inline]
    pub(crate) fn hash(&self, id: LabelId) -> u64 {
        self.labels[id.0 as usize].hash
    }

    /// Returns the hash of the value's text.
    pub(crate) fn value_hash(&self, id: LabelId) -> u64 {
        self.labels[id.0 as usize].value_hash
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

/// Hashes of labels are added up, so that their order does not matter; a name must not be mistaken for a value.
fn pair_hash(name: u64, value: u64) -> u64 {
    let product = u128::from(name ^ 0x9e37_79b9_7f4a_7c15) * u128::from(value | 1);
    (product as u64) ^ (product >> 64) as u64 ^ value.rotate_left(32)
}
