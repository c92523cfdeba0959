//! What a resource, scope or metric says of itself, apart from what it holds.

use crate::Digest;
use crate::view::Attribute;
use crate::wire::cursor::{Field, put_bytes, put_message, raw_fields};

/// A message without its children: the fields that every message gets which takes its place, and what tells it from others.
#[derive(Debug, Default)]
pub(super) struct Head<'a> {
    /// Its own fields, tags included.
    pub(super) fields: Vec<&'a [u8]>,
    /// Equal heads have equal ones, in whatever order their fields come.
    pub(super) digest: u128,
}

/// Digests of parts of a head. Those of fields add up, so that their order does not count.
#[derive(Debug, Clone, Copy, Default)]
struct Parts {
    attributes: u128,
    /// Other fields of the message itself.
    outer: u128,
    /// Other fields of the message in it that describes it.
    inner: u128,
}

impl Parts {
    fn digest(self, digest: &Digest) -> u128 {
        let mut parts = [0; 48];
        for (room, part) in parts
            .chunks_exact_mut(16)
            .zip([self.attributes, self.outer, self.inner])
        {
            room.copy_from_slice(&part.to_le_bytes());
        }
        digest.bytes(&parts)
    }
}

fn add(sum: &mut u128, part: u128) {
    *sum = sum.wrapping_add(part);
}

impl<'a> Head<'a> {
    /// Reads a scope off its `Scope*` message.
    pub(super) fn read_scope(&mut self, message: &'a [u8], digest: &mut Digest) {
        let parts = self.group(message, 3, digest, |_, _| {});
        self.digest = parts.digest(digest);
    }

    /// Reads the head of a `Resource*` or `Scope*` message, whose field 1 describes it and has its attributes in field `attributes`.
    /// Field 2 is what it holds.
    fn group(
        &mut self,
        message: &'a [u8],
        attributes: u32,
        digest: &mut Digest,
        mut note: impl FnMut(&'a [u8], u128),
    ) -> Parts {
        self.fields.clear();
        let mut parts = Parts::default();
        for (number, field, raw) in raw_fields(message) {
            match (number, field) {
                (2, _) => continue,
                (1, Field::Bytes(description)) => {
                    for (number, field, raw) in raw_fields(description) {
                        match field {
                            Field::Bytes(attribute) if number == attributes => {
                                let part = digest.attribute(&Attribute::Wire(attribute));
                                add(&mut parts.attributes, part);
                                note(attribute, part);
                            }
                            _ => add(&mut parts.inner, digest.bytes(raw)),
                        }
                    }
                }
                _ => add(&mut parts.outer, digest.bytes(raw)),
            }
            self.fields.push(raw);
        }
        parts
    }
}

/// The head of a resource, and what becomes of it when attributes are moved to it.
#[derive(Debug, Default)]
pub(super) struct ResourceHead<'a> {
    pub(super) head: Head<'a>,
    parts: Parts,
    /// Contents of field 1, which describes it: one, unless the sender is strange.
    descriptions: Vec<&'a [u8]>,
    /// Its fields but the description.
    rest: Vec<&'a [u8]>,
    /// For each key, the digests of its attributes with this key.
    keyed: Vec<u128>,
}

impl<'a> ResourceHead<'a> {
    /// Reads a resource off its `Resource*` message.
    pub(super) fn read(&mut self, message: &'a [u8], keys: &[String], digest: &mut Digest) {
        self.keyed.clear();
        self.keyed.resize(keys.len(), 0);
        let keyed = &mut self.keyed;
        self.parts = self.head.group(message, 1, digest, |attribute, part| {
            if let Some(key) = key_of(attribute, keys) {
                add(&mut keyed[key], part);
            }
        });
        self.head.digest = self.parts.digest(digest);
        self.descriptions.clear();
        self.rest.clear();
        for raw in &self.head.fields {
            match raw_fields(raw).next() {
                Some((1, Field::Bytes(description), _)) => self.descriptions.push(description),
                _ => self.rest.push(raw),
            }
        }
    }

    /// Returns the digest of this resource with attributes moved to it, one or none for each key.
    pub(super) fn digest_with(&self, moved: &[Option<&[u8]>], digest: &mut Digest) -> u128 {
        let mut parts = self.parts;
        for (attribute, there) in moved.iter().zip(&self.keyed) {
            if let Some(attribute) = attribute {
                parts.attributes = parts.attributes.wrapping_sub(*there);
                add(
                    &mut parts.attributes,
                    digest.attribute(&Attribute::Wire(attribute)),
                );
            }
        }
        parts.digest(digest)
    }

    /// Writes the fields of this resource with attributes moved to it.
    pub(super) fn write_with(&self, moved: &[Option<&[u8]>], keys: &[String], out: &mut Vec<u8>) {
        let goes = |attribute: &[u8]| key_of(attribute, keys).is_some_and(|key| moved[key].is_some());
        let guess = self.descriptions.iter().map(|part| part.len()).sum::<usize>()
            + moved.iter().flatten().map(|part| part.len()).sum::<usize>();
        put_message(out, 1, guess, |out| {
            for description in &self.descriptions {
                without(description, 1, goes, out);
            }
            for attribute in moved.iter().flatten() {
                put_bytes(out, 1, attribute);
            }
        });
        self.rest.iter().for_each(|raw| out.extend_from_slice(raw));
    }
}

/// A metric without its points.
#[derive(Debug, Default)]
pub(super) struct MetricHead<'a> {
    pub(super) head: Head<'a>,
    /// The fields of its data but the points.
    pub(super) data: Vec<&'a [u8]>,
}

impl<'a> MetricHead<'a> {
    /// Reads a metric, and returns its data and the number of the field in which it stands.
    pub(super) fn read(&mut self, message: &'a [u8], digest: &mut Digest) -> Option<(u32, &'a [u8])> {
        self.head.fields.clear();
        self.data.clear();
        let (mut parts, mut data) = (Parts::default(), None);
        for (number, field, raw) in raw_fields(message) {
            match (number, field) {
                (5 | 7 | 9 | 10 | 11, Field::Bytes(content)) => {
                    data = Some((number, content));
                    continue;
                }
                // The description does not tell metrics apart.
                (2, _) => {}
                (12, Field::Bytes(attribute)) => {
                    let part = digest.attribute(&Attribute::Wire(attribute));
                    add(&mut parts.attributes, part);
                }
                _ => add(&mut parts.outer, digest.bytes(raw)),
            }
            self.head.fields.push(raw);
        }
        let (number, content) = data?;
        parts.inner = number.into();
        for (number, _, raw) in raw_fields(content) {
            if number != 1 {
                add(&mut parts.inner, digest.bytes(raw));
                self.data.push(raw);
            }
        }
        self.head.digest = parts.digest(digest);
        data
    }
}

/// Returns which of the keys an attribute has.
pub(super) fn key_of(attribute: &[u8], keys: &[String]) -> Option<usize> {
    let key = Attribute::Wire(attribute).key();
    keys.iter().position(|wanted| wanted.as_bytes() == key.as_bytes())
}

/// Writes the fields of a message but for the attributes, in field `number`, that go.
pub(super) fn without(message: &[u8], number: u32, goes: impl Fn(&[u8]) -> bool, out: &mut Vec<u8>) {
    for (met, field, raw) in raw_fields(message) {
        match field {
            Field::Bytes(attribute) if met == number && goes(attribute) => {}
            _ => out.extend_from_slice(raw),
        }
    }
}
