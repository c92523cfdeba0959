//! The processor: leaves out what is not selected, and counts it.

use metrics::Counter;
use weir_component::{Batch, Book, BuildContext, BuildError, ConsumeError, Processor, Signal, Verdict};
use weir_edit::{MatchProperties, Matcher, Selected, Selecting, Selection, refusal};
use weir_pdata::rewrite::{Answer, Editor, LogEdit, MetricEdit, ResourceEdit, ScopeEdit, SpanEdit};
use weir_pdata::view::{LogRecord, Metric, Resource, Scope, Span};
use weir_telemetry::Def;

use crate::Config;

const FILTERED: [Def; 3] = [
    Def::new(
        "otelcol_processor_filter_datapoints_filtered",
        "Data points dropped by the filter processor.",
    ),
    Def::new(
        "otelcol_processor_filter_spans_filtered",
        "Spans dropped by the filter processor.",
    ),
    Def::new(
        "otelcol_processor_filter_logs_filtered",
        "Log records dropped by the filter processor.",
    ),
];

/// The reason in the books.
const REASON: &str = "filtered";

/// The `filter` processor.
pub(crate) struct Filter {
    selection: Selection,
    filtered: Counter,
    book: Book,
}

impl Processor for Filter {
    type Config = Config;

    fn build(config: &Config, context: &BuildContext) -> Result<Self, BuildError> {
        let signal = context.signal.unwrap_or(Signal::Metrics);
        let id = context.id.to_string();
        Ok(Self {
            selection: selection(config, signal)?,
            filtered: context
                .metrics
                .counter(&FILTERED[signal as usize], &[("filter", id.as_str())]),
            book: context.book.clone(),
        })
    }

    fn process(&self, batch: &mut Batch) -> Result<Verdict, ConsumeError> {
        if self.selection.is_all() {
            return Ok(Verdict::Forward);
        }
        let rewritten = batch.rewrite(&mut Run(self.selection.begin())).map_err(refusal)?;
        let dropped = rewritten.dropped() as u64;
        self.filtered.increment(dropped);
        self.book.dropped(REASON, dropped);
        match rewritten.before > 0 && rewritten.after == 0 {
            true => Ok(Verdict::Drop),
            false => Ok(Verdict::Forward),
        }
    }
}

/// Makes the sections of a signal ready. Those without content have no effect.
fn selection(config: &Config, signal: Signal) -> Result<Selection, BuildError> {
    let (include, exclude) = match signal {
        Signal::Metrics => {
            let exclude = config.metrics.exclude.iter();
            (
                config.metrics.include.as_ref().map(|include| include.whole()),
                exclude
                    .flat_map(|exclude| [exclude.of_resource(), exclude.of_names()])
                    .collect(),
            )
        }
        Signal::Traces => (
            config.spans.include.clone(),
            config.spans.exclude.clone().into_iter().collect(),
        ),
        Signal::Logs => {
            let properties = |section: &crate::LogMatch| section.properties();
            let exclude = config.logs.exclude.as_ref().map(properties);
            (
                config.logs.include.as_ref().map(properties),
                exclude.into_iter().collect::<Vec<_>>(),
            )
        }
    };
    let matcher = |properties: &MatchProperties| Matcher::new(properties, signal);
    let include = include.filter(|include| !include.is_empty());
    let exclude = exclude.iter().filter(|exclude| !exclude.is_empty());
    Ok(Selection::new(
        include.as_ref().map(matcher).transpose()?,
        exclude.map(matcher).collect::<Result<_, _>>()?,
    ))
}

/// The selection on its way through one batch.
struct Run<'a>(Selecting<'a>);

fn keep(selected: Selected) -> Answer {
    match selected {
        Selected::All => Answer::Keep,
        Selected::Part => Answer::Enter,
        Selected::Nothing => Answer::Drop,
    }
}

fn keep_if(selected: bool) -> Answer {
    match selected {
        true => Answer::Keep,
        false => Answer::Drop,
    }
}

impl Editor for Run<'_> {
    fn resource(&mut self, resource: &Resource<'_>, _: &mut ResourceEdit<'_>) -> Answer {
        keep(self.0.resource(resource))
    }

    fn scope(&mut self, scope: &Scope<'_>, _: &mut ScopeEdit<'_>) -> Answer {
        keep(self.0.scope(scope))
    }

    fn metric(&mut self, metric: &Metric<'_>, _: &mut MetricEdit<'_>) -> Answer {
        keep_if(self.0.metric(metric))
    }

    fn span(&mut self, span: &Span<'_>, _: &mut SpanEdit<'_>) -> Answer {
        keep_if(self.0.span(span))
    }

    fn log(&mut self, record: &LogRecord<'_>, _: &mut LogEdit<'_>) -> Answer {
        keep_if(self.0.log(record))
    }
}
