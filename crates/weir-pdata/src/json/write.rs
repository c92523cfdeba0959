//! Writing: objects with their fields, arrays and literals, straight into the output.
//!
//! Infallible, because the output is memory and every message has a JSON form. Strings and numbers are spelt by
//! serde_json. A message nested by hand deeper than a decoder would allow overflows the stack; none that was
//! decoded is.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::read::Message;

/// A Rust type that is written in one form of JSON.
pub trait ToJson {
    /// Whether a field that holds this value is omitted.
    fn is_unset(&self) -> bool;

    /// Appends the value.
    fn write(&self, out: &mut Vec<u8>);
}

/// An object whose fields are being written.
pub struct Object<'a> {
    out: &'a mut Vec<u8>,
    empty: bool,
}

impl Object<'_> {
    /// Writes a field unless it is unset.
    pub fn field<T: ToJson>(&mut self, name: &'static str, value: &T) {
        if !value.is_unset() {
            self.chosen(name, value);
        }
    }

    /// Writes the chosen member of a oneof, which is present even at its default.
    pub fn chosen<T: ToJson>(&mut self, name: &'static str, value: &T) {
        self.name(name);
        value.write(self.out);
    }

    /// Writes a byte string that is the chosen member of a oneof.
    pub fn chosen_bytes(&mut self, name: &'static str, bytes: &[u8]) {
        self.name(name);
        base64(self.out, bytes);
    }

    /// Writes a trace or span id unless it is empty.
    pub fn id(&mut self, name: &'static str, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.name(name);
            hex(self.out, bytes);
        }
    }

    /// Writes a name, which holds nothing to escape.
    fn name(&mut self, name: &'static str) {
        self.out
            .extend_from_slice(if self.empty { b"\"" } else { b",\"" });
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.empty = false;
    }
}

/// A message that is present, be it empty.
impl<T: Message> ToJson for T {
    fn is_unset(&self) -> bool {
        false
    }

    fn write(&self, out: &mut Vec<u8>) {
        message(out, self);
    }
}

impl<T: ToJson> ToJson for Option<T> {
    fn is_unset(&self) -> bool {
        self.is_none()
    }

    fn write(&self, out: &mut Vec<u8>) {
        if let Some(value) = self {
            value.write(out);
        }
    }
}

impl<T: ToJson> ToJson for Vec<T> {
    fn is_unset(&self) -> bool {
        self.is_empty()
    }

    fn write(&self, out: &mut Vec<u8>) {
        array(out, self);
    }
}

pub(super) fn message<T: Message>(out: &mut Vec<u8>, message: &T) {
    out.push(b'{');
    message.write(&mut Object { out, empty: true });
    out.push(b'}');
}

pub(super) fn array<T: ToJson>(out: &mut Vec<u8>, elements: &[T]) {
    out.push(b'[');
    for (index, element) in elements.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        element.write(out);
    }
    out.push(b']');
}

pub(super) fn literal<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    serde_json::to_writer(out, value).expect("strings, booleans and numbers have a form and memory takes it");
}

pub(super) fn quoted(out: &mut Vec<u8>, content: impl FnOnce(&mut Vec<u8>)) {
    out.push(b'"');
    content(out);
    out.push(b'"');
}

pub(super) fn hex(out: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    quoted(out, |out| {
        out.extend(
            bytes
                .iter()
                .flat_map(|b| [b >> 4, b & 15])
                .map(|nibble| DIGITS[usize::from(nibble)]),
        );
    });
}

pub(super) fn base64(out: &mut Vec<u8>, bytes: &[u8]) {
    quoted(out, |out| {
        out.extend_from_slice(STANDARD.encode(bytes).as_bytes())
    });
}
