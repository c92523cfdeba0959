//! From `tracing` events to lines.

use jiff::Zoned;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use super::fields::{Collected, Members};
use super::line::{Entry, Form};
use super::output::Output;
use super::sampling::Sampler;

/// Writes a line for each event.
#[derive(Debug)]
pub(super) struct LineLayer {
    pub(super) form: Form,
    pub(super) sampler: Option<Sampler>,
    pub(super) output: Output,
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for LineLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut collected = Collected::new(self.form.spaced());
        attributes.record(&mut collected);
        span.extensions_mut().insert(collected.members);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut collected = Collected::new(self.form.spaced());
        values.record(&mut collected);
        if let Some(members) = span.extensions_mut().get_mut::<Members>() {
            members.extend(collected.members.as_str());
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut collected = Collected::new(self.form.spaced());
        event.record(&mut collected);
        let metadata = event.metadata();
        let level = *metadata.level();
        if self
            .sampler
            .as_ref()
            .is_some_and(|sampler| !sampler.admits(level, &collected.message))
        {
            return;
        }
        let mut members = Members::new(self.form.spaced());
        for span in context
            .event_scope(event)
            .into_iter()
            .flat_map(|scope| scope.from_root())
        {
            if let Some(outer) = span.extensions().get::<Members>() {
                members.extend(outer.as_str());
            }
        }
        members.extend(collected.members.as_str());
        let origin = match (&collected.log_file, collected.log_line) {
            (Some(file), line) => Some((file.as_str(), line.unwrap_or_default())),
            _ => metadata
                .file()
                .map(|file| (file, metadata.line().unwrap_or_default().into())),
        };
        let (time, message) = (&Zoned::now(), collected.message.as_str());
        self.output.write(&self.form.write(Entry {
            time,
            level,
            origin,
            message,
            members,
        }));
    }
}
