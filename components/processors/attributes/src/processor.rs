//! The processor: runs the actions on what is selected.

use weir_component::{Batch, BuildContext, BuildError, ConsumeError, Processor, Signal, Verdict};
use weir_edit::{Actions, MatchProperties, Matcher, Prepared, Selected, Selecting, Selection, refusal};
use weir_pdata::rewrite::{
    Answer, Editor, LogEdit, MetricEdit, PointEdit, ResourceEdit, ScopeEdit, SpanEdit,
};
use weir_pdata::view::{self, LogRecord, Metric, Resource, Scope, Span};

use crate::Config;

/// The `attributes` processor.
pub(crate) struct Attributes {
    actions: Actions,
    selection: Selection,
}

impl Processor for Attributes {
    type Config = Config;

    fn build(config: &Config, context: &BuildContext) -> Result<Self, BuildError> {
        let signal = context.signal.unwrap_or(Signal::Metrics);
        let matcher = |properties: &Option<MatchProperties>| {
            let properties = properties.as_ref();
            properties
                .map(|properties| Matcher::new(properties, signal))
                .transpose()
        };
        let exclude = matcher(&config.exclude)?;
        Ok(Self {
            actions: Actions::new(&config.actions)?,
            selection: Selection::new(matcher(&config.include)?, exclude.into_iter().collect()),
        })
    }

    fn process(&self, batch: &mut Batch) -> Result<Verdict, ConsumeError> {
        let mut run = Run {
            actions: self.actions.prepare(batch.context()),
            selecting: self.selection.begin(),
        };
        batch.rewrite(&mut run).map_err(refusal)?;
        Ok(Verdict::Forward)
    }
}

/// The actions on their way through one batch.
struct Run<'a> {
    actions: Prepared<'a>,
    selecting: Selecting<'a>,
}

/// Goes on where something may be selected.
fn enter(selected: Selected) -> Answer {
    match selected {
        Selected::Nothing => Answer::Keep,
        Selected::All | Selected::Part => Answer::Enter,
    }
}

impl Editor for Run<'_> {
    fn resource(&mut self, resource: &Resource<'_>, _: &mut ResourceEdit<'_>) -> Answer {
        enter(self.selecting.resource(resource))
    }

    fn scope(&mut self, scope: &Scope<'_>, _: &mut ScopeEdit<'_>) -> Answer {
        enter(self.selecting.scope(scope))
    }

    fn metric(&mut self, metric: &Metric<'_>, _: &mut MetricEdit<'_>) -> Answer {
        match self.selecting.metric(metric) {
            true => Answer::Enter,
            false => Answer::Keep,
        }
    }

    fn point(&mut self, _: &view::Attributes<'_>, edit: &mut PointEdit<'_>) -> Answer {
        self.actions.apply(&mut edit.attributes);
        Answer::Keep
    }

    fn span(&mut self, span: &Span<'_>, edit: &mut SpanEdit<'_>) -> Answer {
        if self.selecting.span(span) {
            self.actions.apply(&mut edit.attributes);
        }
        Answer::Keep
    }

    fn log(&mut self, record: &LogRecord<'_>, edit: &mut LogEdit<'_>) -> Answer {
        if self.selecting.log(record) {
            self.actions.apply(&mut edit.attributes);
        }
        Answer::Keep
    }
}
