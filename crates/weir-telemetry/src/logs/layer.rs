//! From `tracing` events to lines and records.

use std::backtrace::Backtrace;
use std::time::SystemTime;

use jiff::Zoned;
use tracing::span::{Attributes, Id, Record as SpanRecord};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use super::caller;
use super::fields::{Collected, Fields, Members};
use super::line::{Entry, Form};
use super::output::Output;
use super::records::{QUIET, Record, Records};
use super::sampling::Sampler;

/// Writes a line, and makes a record, for each event.
#[derive(Debug)]
pub(super) struct LineLayer {
    pub(super) form: Form,
    pub(super) sampler: Option<Sampler>,
    /// Lines of this weight and more say how the code got there.
    pub(super) stack_from: Option<Level>,
    pub(super) output: Output,
    pub(super) records: Option<Records>,
}

/// The fields of a span.
#[derive(Debug)]
struct SpanFields {
    members: Members,
    fields: Fields,
}

impl LineLayer {
    fn collected(&self) -> Collected {
        Collected::new(self.form.spaced(), self.records.is_some())
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for LineLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut collected = self.collected();
        attributes.record(&mut collected);
        span.extensions_mut().insert(SpanFields {
            members: collected.members,
            fields: collected.fields.unwrap_or_default(),
        });
    }

    fn on_record(&self, id: &Id, values: &SpanRecord<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut collected = self.collected();
        values.record(&mut collected);
        if let Some(fields) = span.extensions_mut().get_mut::<SpanFields>() {
            fields.members.extend(collected.members.as_str());
            fields.fields.extend(collected.fields.into_iter().flatten());
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut collected = self.collected();
        event.record(&mut collected);
        let metadata = event.metadata();
        let level = *metadata.level();
        let mut quiet = metadata.target() == QUIET;
        let mut members = Members::new(self.form.spaced());
        let mut fields = Fields::new();
        let scope = context.event_scope(event).into_iter();
        for span in scope.flat_map(|scope| scope.from_root()) {
            quiet |= span.metadata().target() == QUIET;
            if let Some(outer) = span.extensions().get::<SpanFields>() {
                members.extend(outer.members.as_str());
                fields.extend_from_slice(&outer.fields);
            }
        }
        members.extend(collected.members.as_str());
        fields.extend(collected.fields.into_iter().flatten());
        let origin = match (&collected.log_file, collected.log_line) {
            (Some(file), line) => Some((file.as_str(), line.unwrap_or_default())),
            _ => metadata
                .file()
                .map(|file| (file, metadata.line().unwrap_or_default().into())),
        };
        if let Some(records) = self.records.as_ref().filter(|_| !quiet) {
            records.take(Record {
                time: SystemTime::now(),
                level,
                message: collected.message.clone(),
                caller: origin.map(|(file, line)| (caller::short(file), line)),
                fields,
            });
        }
        let sampler = self.sampler.as_ref();
        if sampler.is_some_and(|sampler| !sampler.admits(level, &collected.message)) {
            return;
        }
        // The weightier a level, the less it is.
        let stack = self
            .stack_from
            .filter(|from| level <= *from)
            .map(|_| Backtrace::force_capture().to_string());
        let (time, message) = (&Zoned::now(), collected.message.as_str());
        self.output.write(&self.form.write(Entry {
            time,
            level,
            origin,
            message,
            members,
            stack,
        }));
    }
}
