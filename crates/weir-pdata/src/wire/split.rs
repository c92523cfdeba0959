//! Splitting a request into several, each within a limit.
//!
//! A message that fits is copied whole; one that does not is opened: its own fields (resource, scope, name, …) are repeated in
//! every part, its children are placed one by one. Only single items are never cut.

use bytes::Bytes;

use super::WireChunk;
use super::cursor::{Field, put_header, raw_fields};
use super::schema::{Kind, Message, request};
use crate::Signal;

/// How large a part may be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Limit {
    /// At most this many items.
    Items(usize),
    /// At most this many bytes, unless a single item is larger, or the headers alone take more than half of that: then a part
    /// has as many bytes of items as of headers, lest a large header be copied for every few items.
    Bytes(usize),
}

/// Splits a checked request. The parts hold every item once, in order.
pub(crate) fn split(signal: Signal, chunk: &WireChunk, limit: Limit) -> Vec<WireChunk> {
    let root = request(signal);
    let mut splitter = Splitter {
        limit,
        open: vec![Open::new(0, Vec::new())],
        items: 0,
        parts: Vec::new(),
    };
    splitter.children(root, chunk.bytes());
    splitter.flush();
    splitter.parts
}

/// A message that was opened: parts repeat its header and share out its children.
struct Open {
    /// Field number under which it stands in its parent.
    number: u32,
    /// Its fields that do not lead to items, as they were.
    header: Vec<u8>,
    /// Children placed in the current part.
    body: Vec<u8>,
}

impl Open {
    fn new(number: u32, header: Vec<u8>) -> Self {
        Self {
            number,
            header,
            body: Vec::new(),
        }
    }
}

struct Splitter {
    limit: Limit,
    /// The messages now open, the request first.
    open: Vec<Open>,
    /// Items in the current part.
    items: usize,
    parts: Vec<WireChunk>,
}

impl Splitter {
    /// Places the children of an opened message.
    fn children(&mut self, message: &'static Message, bytes: &[u8]) {
        for (number, field, raw) in raw_fields(bytes) {
            if let (Kind::Child(sub), Field::Bytes(content)) = (message.kind(number), field) {
                self.place(sub, number, content, raw);
            }
        }
    }

    /// Puts a message into the current part, or opens it if it does not fit.
    fn place(&mut self, message: &'static Message, number: u32, content: &[u8], raw: &[u8]) {
        let items = message.items(content);
        if !self.fits(items, raw.len()) {
            if !message.item {
                return self.open(message, number, content);
            }
            self.flush();
        }
        self.top().body.extend_from_slice(raw);
        self.items += items;
    }

    fn open(&mut self, message: &'static Message, number: u32, content: &[u8]) {
        let mut header = Vec::new();
        for (number, _, raw) in raw_fields(content) {
            if !matches!(message.kind(number), Kind::Child(_)) {
                header.extend_from_slice(raw);
            }
        }
        self.open.push(Open::new(number, header));
        self.children(message, content);
        let done = self.open.pop().expect("the message opened above");
        if !done.body.is_empty() {
            close(done.number, &done.header, &done.body, &mut self.top().body);
        }
    }

    fn fits(&self, items: usize, bytes: usize) -> bool {
        match self.limit {
            Limit::Items(max) => self.items + items <= max,
            Limit::Bytes(max) => self.size() + bytes <= max || self.placed() + bytes <= self.repeated(),
        }
    }

    /// Returns an upper bound of the current part's size: every open level costs at most 11 bytes of tag and length.
    fn size(&self) -> usize {
        self.repeated() + self.placed() + 11 * self.open.len()
    }

    /// Returns the bytes that every part repeats as long as the same messages are open.
    fn repeated(&self) -> usize {
        self.open.iter().map(|open| open.header.len()).sum()
    }

    /// Returns the bytes of the children placed in the current part.
    fn placed(&self) -> usize {
        self.open.iter().map(|open| open.body.len()).sum()
    }

    /// Ends the current part. The messages stay open for the next one.
    fn flush(&mut self) {
        let mut inner = Vec::new();
        for level in (0..self.open.len()).rev() {
            let open = &mut self.open[level];
            let mut body = std::mem::take(&mut open.body);
            body.append(&mut inner);
            if level == 0 {
                inner = body;
            } else if !body.is_empty() {
                close(open.number, &open.header, &body, &mut inner);
            }
        }
        if !inner.is_empty() {
            self.parts.push(WireChunk::trusted(
                Bytes::from(inner),
                std::mem::take(&mut self.items),
            ));
        }
    }

    fn top(&mut self) -> &mut Open {
        self.open.last_mut().expect("the request is always open")
    }
}

/// Writes a message made of a header and a body into its parent.
fn close(number: u32, header: &[u8], body: &[u8], parent: &mut Vec<u8>) {
    put_header(parent, number, header.len() + body.len());
    parent.extend_from_slice(header);
    parent.extend_from_slice(body);
}
