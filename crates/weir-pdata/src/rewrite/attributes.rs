//! Changes to a list of attributes.

use std::ops::Range;

use super::fields::FieldEdits;
use super::patch::Patch;
use crate::view::{AnyValue, Attribute};
use crate::wire::cursor::{Field, put_bytes, put_message, raw_fields};

/// The attributes of one resource, scope, point, span or log record, for changing.
///
/// Attributes that stay keep their bytes and their order; new ones come last. Each method sees what those before it did. Where a
/// sender repeats a key, which it must not, the first one is what is read, and a change leaves one.
#[derive(Debug)]
pub struct AttributesEdit<'a> {
    /// Contents of the `KeyValue`s that were sent.
    source: &'a [&'a [u8]],
    list: &'a mut AttributeList,
}

/// The list in the making, kept from one to the next so that nothing is allocated.
#[derive(Debug, Default)]
pub(super) struct AttributeList {
    /// What the list is now, once `loaded`.
    entries: Vec<Entry>,
    /// New `KeyValue` contents.
    written: Vec<u8>,
    loaded: bool,
    changed: bool,
    /// A value made of values came from elsewhere: how deep it nests is not known.
    nested: bool,
}

/// A place where a list differs from what was sent.
#[derive(Debug)]
pub(super) struct Splice {
    /// What goes, in the chunk.
    pub(super) range: Range<usize>,
    /// The new attribute that comes.
    pub(super) written: Option<Range<usize>>,
}

#[derive(Debug, Clone, Copy)]
enum Entry {
    /// Index of what was sent.
    Source(usize),
    /// Range of what was written.
    Written(usize, usize),
}

impl Entry {
    fn content<'e>(self, source: &[&'e [u8]], written: &'e [u8]) -> &'e [u8] {
        match self {
            Self::Source(index) => source[index],
            Self::Written(start, end) => &written[start..end],
        }
    }
}

// === reading ===

impl<'a> AttributesEdit<'a> {
    pub(super) fn new(source: &'a [&'a [u8]], list: &'a mut AttributeList) -> Self {
        list.clear();
        Self { source, list }
    }

    /// Returns how many attributes there are now.
    pub fn len(&self) -> usize {
        match self.list.loaded {
            true => self.list.entries.len(),
            false => self.source.len(),
        }
    }

    /// Returns true if there are none now.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the attributes as they are now, in order.
    pub fn iter(&self) -> impl Iterator<Item = Attribute<'_>> {
        (0..self.len()).map(|index| Attribute::Wire(self.content(index)))
    }

    /// Returns the value of a key as it is now.
    pub fn get(&self, key: &str) -> Option<AnyValue<'_>> {
        self.find(key)
            .map(|index| Attribute::Wire(self.content(index)).value())
    }

    /// Returns true if there is an attribute with this key now.
    pub fn contains(&self, key: &str) -> bool {
        self.find(key).is_some()
    }

    fn content(&self, index: usize) -> &[u8] {
        match self.list.loaded {
            true => self.list.entries[index].content(self.source, &self.list.written),
            false => self.source[index],
        }
    }

    fn find(&self, key: &str) -> Option<usize> {
        (0..self.len()).find(|index| Attribute::Wire(self.content(*index)).key().as_bytes() == key.as_bytes())
    }
}

// === changing ===

impl AttributesEdit<'_> {
    /// Sets the value of a key, whether it is there or not. Returns true if it was.
    pub fn upsert<'v>(&mut self, key: &str, value: impl Into<AnyValue<'v>>) -> bool {
        let value = value.into();
        self.list.nested |= value.is_nested();
        let entry = self.list.write(key.as_bytes(), |out| {
            put_message(out, 2, 0, |out| value.put(out));
        });
        self.put(key, entry)
    }

    /// Adds an attribute unless the key is there. Returns true if it was added.
    pub fn insert<'v>(&mut self, key: &str, value: impl Into<AnyValue<'v>>) -> bool {
        let news = !self.contains(key);
        if news {
            self.upsert(key, value);
        }
        news
    }

    /// Changes the value of a key that is there. Returns true if it is.
    pub fn update<'v>(&mut self, key: &str, value: impl Into<AnyValue<'v>>) -> bool {
        let there = self.contains(key);
        if there {
            self.upsert(key, value);
        }
        there
    }

    /// Sets the value of key `to` to that of key `from`, which stays. Returns false, and does nothing, if there is no `from`.
    pub fn copy(&mut self, from: &str, to: &str) -> bool {
        let Some(index) = self.find(from) else {
            return false;
        };
        let entry = self.list.copy_value(index, self.source, to);
        self.put(to, entry);
        true
    }

    /// Gives the attribute with key `from` the key `to`, in its place; others with key `to` go. Returns false, and does
    /// nothing, if there is no `from`.
    pub fn rename(&mut self, from: &str, to: &str) -> bool {
        let Some(index) = self.find(from) else {
            return false;
        };
        if from == to {
            return true;
        }
        let entry = self.list.copy_value(index, self.source, to);
        self.load();
        self.list.entries[index] = entry;
        self.list.changed = true;
        let (source, written) = (self.source, &self.list.written);
        let mut at = 0;
        self.list.entries.retain(|entry| {
            let key = Attribute::Wire(entry.content(source, written)).key();
            let stays = at == index || (key.as_bytes() != to.as_bytes() && key.as_bytes() != from.as_bytes());
            at += 1;
            stays
        });
        true
    }

    /// Takes the attributes with this key away. Returns true if there were any.
    pub fn remove(&mut self, key: &str) -> bool {
        self.contains(key) && self.retain(|attribute| attribute.key().as_bytes() != key.as_bytes()) > 0
    }

    /// Takes away the attributes for which `keep` answers false, and returns how many.
    pub fn retain(&mut self, mut keep: impl FnMut(Attribute<'_>) -> bool) -> usize {
        self.load();
        let before = self.list.entries.len();
        let (source, written) = (self.source, &self.list.written);
        self.list
            .entries
            .retain(|entry| keep(Attribute::Wire(entry.content(source, written))));
        let gone = before - self.list.entries.len();
        self.list.changed |= gone > 0;
        gone
    }

    /// Puts a text in the place of every value for which `change` gives one, in one pass, and returns how many.
    pub fn replace_values(&mut self, mut change: impl FnMut(Attribute<'_>) -> Option<String>) -> usize {
        let mut replaced = 0;
        for index in 0..self.len() {
            let attribute = Attribute::Wire(self.content(index));
            if let Some(text) = change(attribute) {
                let key = attribute.key().as_bytes().to_vec();
                let value = AnyValue::from(text.as_str());
                let entry = self
                    .list
                    .write(&key, |out| put_message(out, 2, text.len(), |out| value.put(out)));
                self.load();
                self.list.entries[index] = entry;
                self.list.changed = true;
                replaced += 1;
            }
        }
        replaced
    }

    /// Takes all attributes away.
    pub fn clear(&mut self) {
        self.retain(|_| false);
    }

    /// Appends an attribute, for example one of another message, without looking whether its key is there.
    pub fn push(&mut self, attribute: Attribute<'_>) {
        self.list.nested |= attribute.value().is_nested();
        let start = self.list.written.len();
        match attribute {
            Attribute::Wire(content) => self.list.written.extend_from_slice(content),
            Attribute::Decoded(message) => prost::Message::encode_raw(message, &mut self.list.written),
        }
        let entry = Entry::Written(start, self.list.written.len());
        self.load();
        self.list.entries.push(entry);
        self.list.changed = true;
    }

    /// Puts an entry in the place of those with this key, or last. Returns true if there were any.
    fn put(&mut self, key: &str, entry: Entry) -> bool {
        let found = self.find(key);
        self.load();
        self.list.changed = true;
        let Some(found) = found else {
            self.list.entries.push(entry);
            return false;
        };
        self.list.entries[found] = entry;
        let (source, written) = (self.source, &self.list.written);
        let mut at = 0;
        self.list.entries.retain(|entry| {
            let key_of = Attribute::Wire(entry.content(source, written)).key();
            let stays = at <= found || key_of.as_bytes() != key.as_bytes();
            at += 1;
            stays
        });
        true
    }

    fn load(&mut self) {
        if !self.list.loaded {
            self.list.loaded = true;
            self.list
                .entries
                .extend((0..self.source.len()).map(Entry::Source));
        }
    }
}

impl AttributeList {
    fn clear(&mut self) {
        self.entries.clear();
        self.written.clear();
        (self.loaded, self.changed, self.nested) = (false, false, false);
    }

    /// Returns true if the list is another now. From nothing to nothing is no change, lest an empty message appear.
    fn is_changed(&self, source: &[&[u8]]) -> bool {
        self.changed && !(source.is_empty() && self.entries.is_empty())
    }

    /// Writes down where the list differs from what was sent, which stands in one piece, `raw`, or if there was none, is to stand
    /// at `end`. Returns true if a nested value came from elsewhere.
    pub(super) fn splice(
        &self,
        source: &[&[u8]],
        raw: &[u8],
        end: usize,
        patch: &Patch<'_>,
        splices: &mut Vec<Splice>,
    ) -> bool {
        if !self.is_changed(source) {
            return false;
        }
        // What was sent keeps its order, so one pass over both lists finds all differences.
        let region = if source.is_empty() {
            end..end
        } else {
            patch.range(raw)
        };
        let ends = |index: usize| patch.range(source[index]).end;
        let mut done = region.start;
        for entry in &self.entries {
            match *entry {
                Entry::Source(index) => {
                    let start = index.checked_sub(1).map_or(region.start, ends);
                    if start > done {
                        splices.push(Splice {
                            range: done..start,
                            written: None,
                        });
                    }
                    done = ends(index);
                }
                Entry::Written(start, end) => splices.push(Splice {
                    range: done..done,
                    written: Some(start..end),
                }),
            }
        }
        if done < region.end {
            splices.push(Splice {
                range: done..region.end,
                written: None,
            });
        }
        self.nested
    }

    /// Returns the content of a new `KeyValue`.
    pub(super) fn written(&self, range: &Range<usize>) -> &[u8] {
        &self.written[range.clone()]
    }

    /// Hands the changed list over as field `number`. Returns true if a nested value came from elsewhere.
    pub(super) fn hand_over(&self, source: &[&[u8]], number: u32, fields: &mut FieldEdits) -> bool {
        let changed = self.is_changed(source);
        if changed {
            fields.set(1 << number, |out| {
                for entry in &self.entries {
                    put_bytes(out, number, entry.content(source, &self.written));
                }
            });
        }
        changed && self.nested
    }

    /// Writes a `KeyValue` whose value field `value` writes.
    fn write(&mut self, key: &[u8], value: impl FnOnce(&mut Vec<u8>)) -> Entry {
        let start = self.written.len();
        put_bytes(&mut self.written, 1, key);
        value(&mut self.written);
        Entry::Written(start, self.written.len())
    }

    /// Writes a `KeyValue` with the value of the attribute at `index`, byte for byte.
    fn copy_value(&mut self, index: usize, source: &[&[u8]], key: &str) -> Entry {
        let from = match self.loaded {
            true => self.entries[index],
            false => Entry::Source(index),
        };
        match from {
            Entry::Source(index) => {
                let value = value_field(source[index]);
                self.write(key.as_bytes(), |out| out.extend_from_slice(value))
            }
            Entry::Written(start, end) => {
                let value = value_field(&self.written[start..end]).to_vec();
                self.write(key.as_bytes(), |out| out.extend_from_slice(&value))
            }
        }
    }
}

/// Returns the value field of a `KeyValue`, tag included. There is at most one: the check at the door sees to that.
fn value_field(key_value: &[u8]) -> &[u8] {
    raw_fields(key_value)
        .find_map(|(number, field, raw)| matches!((number, field), (2, Field::Bytes(_))).then_some(raw))
        .unwrap_or_default()
}
