//! The new request while it is put together.
//!
//! Nothing is copied before the end: a message is a list of places in the old requests, and of what was written anew.

use std::collections::HashMap;
use std::ops::Range;

use crate::wire::cursor::{put_header, varint_width};

/// The request itself.
pub(super) const ROOT: usize = 0;

/// Messages in messages. They stand in their parent in the order in which they were made.
#[derive(Debug)]
pub(super) struct Tree<'a> {
    /// The old requests; what is copied now is part of the last one.
    sources: Vec<&'a [u8]>,
    written: Vec<u8>,
    nodes: Vec<Node>,
    runs: Vec<Run>,
    /// Messages that can be found again.
    named: HashMap<(usize, u128), usize>,
    /// Bytes of the request, or a few more.
    size: usize,
}

/// A message.
#[derive(Debug)]
struct Node {
    parent: usize,
    /// Field of the parent in which it stands.
    number: u32,
    /// Bytes of its content, once [`Tree::measure`] went over it.
    length: usize,
}

/// Bytes of a message that stand together.
#[derive(Debug)]
struct Run {
    node: usize,
    place: Place,
    range: Range<usize>,
}

#[derive(Debug, PartialEq, Eq)]
enum Place {
    Source(usize),
    Written,
}

/// Most bytes that the tag and length of a message take.
const HEADER: usize = 11;

impl<'a> Tree<'a> {
    pub(super) fn new() -> Self {
        Self {
            sources: Vec::new(),
            written: Vec::new(),
            nodes: vec![Node {
                parent: ROOT,
                number: 0,
                length: 0,
            }],
            runs: Vec::new(),
            named: HashMap::new(),
            size: 0,
        }
    }

    /// What is copied from now on is part of this request.
    pub(super) fn source(&mut self, request: &'a [u8]) {
        self.sources.push(request);
    }

    /// Returns a message by its parent and digest.
    pub(super) fn find(&self, parent: usize, digest: u128) -> Option<usize> {
        self.named.get(&(parent, digest)).copied()
    }

    /// Makes a message in field `number` of another.
    pub(super) fn add(&mut self, parent: usize, number: u32) -> usize {
        self.size += HEADER;
        self.nodes.push(Node {
            parent,
            number,
            length: 0,
        });
        self.nodes.len() - 1
    }

    /// Lets a message be found.
    pub(super) fn name(&mut self, parent: usize, digest: u128, node: usize) {
        self.named.insert((parent, digest), node);
    }

    /// Appends fields of the request that is being read to a message.
    pub(super) fn copy(&mut self, node: usize, fields: &'a [u8]) {
        let source = self.sources.len() - 1;
        let start = fields.as_ptr().addr() - self.sources[source].as_ptr().addr();
        self.append(node, Place::Source(source), start..start + fields.len());
    }

    /// Appends new fields to a message.
    pub(super) fn write(&mut self, node: usize, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.written.len();
        write(&mut self.written);
        self.append(node, Place::Written, start..self.written.len());
    }

    fn append(&mut self, node: usize, place: Place, range: Range<usize>) {
        self.size += range.len();
        self.nodes[node].length += range.len();
        match self.runs.last_mut() {
            Some(last) if last.node == node && last.place == place && last.range.end == range.start => {
                last.range.end = range.end;
            }
            _ => self.runs.push(Run { node, place, range }),
        }
    }

    /// Returns an upper bound of the length of the request as it is now.
    pub(super) const fn size(&self) -> usize {
        self.size
    }

    /// Returns how many children the request has.
    pub(super) fn resources(&self) -> usize {
        let children = self.nodes[1..].iter();
        children.filter(|node| node.parent == ROOT).count()
    }

    /// Returns the request.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.measure();
        // What belongs to one message comes to stand together; the sort keeps its order.
        self.runs.sort_by_key(|run| run.node);
        let mut children: Vec<usize> = (1..self.nodes.len()).collect();
        children.sort_by_key(|node| self.nodes[*node].parent);
        let mut out = Vec::with_capacity(self.nodes[ROOT].length);
        self.put(ROOT, &children, &mut out);
        out
    }

    /// Adds the lengths of messages to those of their parents, which were made before them.
    fn measure(&mut self) {
        for node in (1..self.nodes.len()).rev() {
            let Node {
                parent,
                number,
                length,
            } = self.nodes[node];
            self.nodes[parent].length += varint_width((number as usize) << 3) + varint_width(length) + length;
        }
    }

    /// Writes the content of a message. Calls nest as messages do, at most five deep.
    fn put(&self, node: usize, children: &[usize], out: &mut Vec<u8>) {
        let first = self.runs.partition_point(|run| run.node < node);
        for run in self.runs[first..].iter().take_while(|run| run.node == node) {
            let from = match run.place {
                Place::Source(source) => self.sources[source],
                Place::Written => &self.written,
            };
            out.extend_from_slice(&from[run.range.clone()]);
        }
        let parent = |child: &usize| self.nodes[*child].parent;
        let first = children.partition_point(|child| parent(child) < node);
        for child in children[first..].iter().take_while(|child| parent(child) == node) {
            put_header(out, self.nodes[*child].number, self.nodes[*child].length);
            self.put(*child, children, out);
        }
    }
}
