//! Going through a chunk: shows the editor what there is and writes down what it says.

use super::attributes::{AttributeList, AttributesEdit, Splice};
use super::edits::{LogEdit, ResourceEdit, ScopeEdit, SpanEdit};
use super::fields::{FieldEdits, Placed};
use super::metrics::MetricState;
use super::patch::Patch;
use super::{Answer, Editor, RewriteError};
use crate::Signal;
use crate::view::wire::{self, Scratch};
use crate::view::{self, Attributes};
use crate::wire::cursor::{Field, put_bytes, raw_fields};
use crate::wire::{WireChunk, count_items};

/// Most bytes that the edits of one chunk, or a regrouping, may add.
pub(crate) const GROWTH: usize = 256 << 20;

/// Returns the changed chunk, or nothing if nothing changed.
pub(crate) fn rewrite<E: Editor + ?Sized>(
    signal: Signal,
    chunk: &WireChunk,
    editor: &mut E,
) -> Result<Option<WireChunk>, RewriteError> {
    let source = chunk.bytes();
    let mut walk = Walk {
        signal,
        editor,
        patch: Patch::new(source),
        limit: source.len() + GROWTH,
        removed: 0,
        added: 0,
        unsure: false,
        attributes: Vec::new(),
        scratch: Scratch::default(),
        resource: Own::default(),
        scope: Own::default(),
        item: Own::default(),
        metrics: MetricState::default(),
    };
    for (number, field, raw) in raw_fields(source) {
        if let (1, Field::Bytes(content)) = (number, field) {
            walk.resource(raw, content)?;
        }
    }
    let (items, unsure) = (chunk.items() + walk.added - walk.removed, walk.unsure);
    let Some(bytes) = walk.patch.finish() else {
        return Ok(None);
    };
    Ok(Some(match unsure {
        // The only thing that an edit can get wrong: a value that nests deeper than is legal in its new place.
        true => WireChunk::check(signal, bytes.into())?,
        false => WireChunk::trusted(bytes.into(), items),
    }))
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Stays,
    Gone,
}

/// Levels above the items, and their depth below the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Resource = 1,
    Scope = 2,
}

/// Edits of one level, kept from one message to the next so that nothing is allocated.
#[derive(Debug, Default)]
pub(super) struct Own {
    pub(super) list: AttributeList,
    pub(super) fields: FieldEdits,
    /// Changes of the list, if nothing else changes and it stands in one piece; then they are not among the fields.
    splices: Vec<Splice>,
    /// Field number of the list.
    number: u32,
}

impl Own {
    pub(super) fn clear(&mut self) {
        self.fields.clear();
        self.splices.clear();
    }

    /// Writes down the changes of an item's attributes, field `number`. `place` is the item in the chunk, unless it leaves it.
    /// Returns true if a nested value came from elsewhere.
    pub(super) fn settle(
        &mut self,
        attributes: &Attributes<'_>,
        number: u32,
        place: Option<(&Patch<'_>, &[u8])>,
    ) -> bool {
        self.number = number;
        let source = slices(attributes);
        match (place, attributes.raw()) {
            (Some((patch, content)), Some(raw)) if self.fields.is_empty() => {
                let end = patch.range(content).end;
                self.list.splice(source, raw, end, patch, &mut self.splices)
            }
            _ => self.list.hand_over(source, number, &mut self.fields),
        }
    }
}

/// What is known between the changes to one message.
pub(super) struct Walk<'a, 'e, E: ?Sized> {
    signal: Signal,
    pub(super) editor: &'e mut E,
    pub(super) patch: Patch<'a>,
    limit: usize,
    /// Items taken out and put in.
    pub(super) removed: usize,
    pub(super) added: usize,
    /// The copy must be checked.
    pub(super) unsure: bool,
    pub(super) attributes: Vec<&'a [u8]>,
    pub(super) scratch: Scratch<'a>,
    resource: Own,
    scope: Own,
    pub(super) item: Own,
    pub(super) metrics: MetricState,
}

/// Returns the slices of attributes that are read off the wire.
pub(super) fn slices<'p>(attributes: &Attributes<'p>) -> &'p [&'p [u8]] {
    attributes.as_wire().unwrap_or_default()
}

impl<'a, E: Editor + ?Sized> Walk<'a, '_, E> {
    fn resource(&mut self, raw: &'a [u8], content: &'a [u8]) -> Result<Fate, RewriteError> {
        let mut own = std::mem::take(&mut self.resource);
        own.fields.clear();
        let view = wire::resource(content, &mut self.attributes);
        let source = slices(&view.attributes);
        let mut edit = ResourceEdit {
            attributes: AttributesEdit::new(source, &mut own.list),
            content,
        };
        let answer = self.editor.resource(&view, &mut edit);
        self.unsure |= own.list.hand_over(source, 1, &mut own.fields);
        let fate = self.group(Level::Resource, answer, raw, content, &own.fields);
        self.resource = own;
        fate
    }

    fn scope(&mut self, raw: &'a [u8], content: &'a [u8]) -> Result<Fate, RewriteError> {
        let mut own = std::mem::take(&mut self.scope);
        own.fields.clear();
        let view = wire::scope(content, &mut self.attributes);
        let source = slices(&view.attributes);
        let mut edit = ScopeEdit {
            attributes: AttributesEdit::new(source, &mut own.list),
            fields: &mut own.fields,
            content,
        };
        let answer = self.editor.scope(&view, &mut edit);
        self.unsure |= own.list.hand_over(source, 3, &mut own.fields);
        let fate = self.group(Level::Scope, answer, raw, content, &own.fields);
        self.scope = own;
        fate
    }

    /// Writes a `Resource*` or `Scope*` message: field 1 is the resource or scope itself, field 2 what it holds.
    fn group(
        &mut self,
        level: Level,
        answer: Answer,
        raw: &'a [u8],
        content: &'a [u8],
        own: &FieldEdits,
    ) -> Result<Fate, RewriteError> {
        match answer {
            Answer::Drop => return Ok(self.drop_all(level as usize, raw, content)),
            Answer::Keep if own.is_empty() => return Ok(Fate::Stays),
            Answer::Keep | Answer::Enter => {}
        }
        let frame = self.patch.open(raw, content);
        let (mut placed, mut met) = (Placed::default(), own.is_empty());
        let (mut stay, mut gone) = (false, false);
        for (number, field, raw) in raw_fields(content) {
            match (number, field) {
                (1, Field::Bytes(message)) if !own.is_empty() => {
                    met = true;
                    let range = self.patch.range(raw);
                    own.put(1, message, &mut placed, self.patch.replace(range));
                }
                (2, Field::Bytes(content)) if answer == Answer::Enter => {
                    let fate = match (level, self.signal) {
                        (Level::Resource, _) => self.scope(raw, content),
                        (Level::Scope, Signal::Metrics) => self.metric(raw, content),
                        (Level::Scope, Signal::Traces) => self.span(raw, content),
                        (Level::Scope, Signal::Logs) => self.log(raw, content),
                    }?;
                    stay |= fate == Fate::Stays;
                    gone |= fate == Fate::Gone;
                }
                _ => {}
            }
        }
        if gone && !stay {
            self.patch.remove(&frame);
            return Ok(Fate::Gone);
        }
        if !met {
            own.put(1, &[], &mut placed, self.patch.replace(Patch::end(&frame)));
        }
        self.patch.close(&frame);
        self.within_limit(0)?;
        Ok(Fate::Stays)
    }

    fn span(&mut self, raw: &'a [u8], content: &'a [u8]) -> Result<Fate, RewriteError> {
        self.item.clear();
        let view = view::span(content, &mut self.scratch);
        let source = slices(&view.attributes);
        let mut edit = SpanEdit {
            attributes: AttributesEdit::new(source, &mut self.item.list),
            fields: &mut self.item.fields,
        };
        let answer = self.editor.span(&view, &mut edit);
        self.unsure |= self
            .item
            .settle(&view.attributes, 9, Some((&self.patch, content)));
        self.item(answer, 2, raw, content)
    }

    fn log(&mut self, raw: &'a [u8], content: &'a [u8]) -> Result<Fate, RewriteError> {
        self.item.clear();
        let view = view::log_record(content, &mut self.scratch);
        let source = slices(&view.attributes);
        let mut edit = LogEdit {
            attributes: AttributesEdit::new(source, &mut self.item.list),
            fields: &mut self.item.fields,
        };
        let answer = self.editor.log(&view, &mut edit);
        self.unsure |= self
            .item
            .settle(&view.attributes, 6, Some((&self.patch, content)));
        self.item(answer, 2, raw, content)
    }

    /// Writes an item that stands in field `number` of its parent.
    pub(super) fn item(
        &mut self,
        answer: Answer,
        number: u32,
        raw: &'a [u8],
        content: &'a [u8],
    ) -> Result<Fate, RewriteError> {
        if answer == Answer::Drop {
            self.removed += 1;
            self.patch.replace(self.patch.range(raw));
            return Ok(Fate::Gone);
        }
        if !self.item.splices.is_empty() {
            let frame = self.patch.open(raw, content);
            for Splice { range, written } in &self.item.splices {
                let out = self.patch.replace(range.clone());
                if let Some(written) = written {
                    put_bytes(out, self.item.number, self.item.list.written(written));
                }
            }
            self.patch.close(&frame);
            self.within_limit(0)?;
        } else if !self.item.fields.is_empty() {
            let range = self.patch.range(raw);
            let out = self.patch.replace(range);
            self.item.fields.put(number, content, &mut Placed::default(), out);
            self.within_limit(0)?;
        }
        Ok(Fate::Stays)
    }

    /// Takes out a message with all its items.
    pub(super) fn drop_all(&mut self, depth: usize, raw: &[u8], content: &[u8]) -> Fate {
        self.removed += count_items(self.signal, depth, content);
        self.patch.replace(self.patch.range(raw));
        Fate::Gone
    }

    /// Refuses to write on once the copy, and `beside` it what is still to be written, is too large.
    pub(super) fn within_limit(&self, beside: usize) -> Result<(), RewriteError> {
        match self.patch.written() + beside > self.limit {
            true => Err(RewriteError::TooLarge { limit: self.limit }),
            false => Ok(()),
        }
    }
}
