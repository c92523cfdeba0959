//! Views: what becomes of an instrument. Spec: OpenTelemetry metrics SDK, "View".

use std::sync::Arc;

use super::def::{self, Def, Unit};
use super::select::{Selection, matches};

/// How something is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InstrumentKind {
    /// Counts what happens.
    Counter,
    /// Counts things in and out.
    UpDownCounter,
    /// A figure of the moment.
    Gauge,
    /// A distribution.
    Histogram,
    /// A count that is kept elsewhere.
    ObservableCounter,
    /// A figure of the moment that is kept elsewhere.
    ObservableGauge,
    /// A count of things in and out that is kept elsewhere.
    ObservableUpDownCounter,
}

/// Which instruments a view is for; what is `None` does not matter.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ViewSelector {
    /// Name, `*` and `?` standing for any characters.
    pub name: Option<String>,
    /// Kind.
    pub kind: Option<InstrumentKind>,
    /// Unit, as UCUM writes it.
    pub unit: Option<String>,
    /// Name of the scope.
    pub scope: Option<String>,
}

/// What a view makes of what an instrument records.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Aggregation {
    /// What the instrument is made for.
    #[default]
    Default,
    /// Nothing.
    Drop,
    /// The sum, of counters and histograms.
    Sum,
    /// The last value, of gauges.
    LastValue,
    /// A histogram, of histograms.
    Buckets {
        /// Upper bounds, ascending; none for those that it has anyway.
        bounds: Option<Vec<f64>>,
        /// Shows the least and the greatest value as well.
        extremes: bool,
    },
}

/// Changes how instruments are shown.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct View {
    /// What it is for.
    pub selector: ViewSelector,
    /// Another name.
    pub name: Option<String>,
    /// Another description.
    pub description: Option<String>,
    /// What is made of the records.
    pub aggregation: Aggregation,
    /// Which labels are kept. Series that differ in others only become one.
    pub keys: Selection,
}

/// What is asked of a view.
#[derive(Debug, Clone, Copy)]
pub(super) struct Instrument<'a> {
    pub(super) def: &'a Def,
    pub(super) kind: InstrumentKind,
}

/// One metric that comes of an instrument.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stream {
    pub(super) name: String,
    pub(super) help: String,
    pub(super) keys: Selection,
    pub(super) bounds: Arc<[f64]>,
    /// A histogram of which only the sum is shown.
    pub(super) only_sum: bool,
    /// A histogram of which the least and the greatest value are shown.
    pub(super) extremes: bool,
}

impl InstrumentKind {
    /// Returns whether an aggregation can be made of what such an instrument records.
    pub const fn allows(self, aggregation: &Aggregation) -> bool {
        match aggregation {
            Aggregation::Default | Aggregation::Drop => true,
            Aggregation::Sum => !matches!(self, Self::Gauge | Self::ObservableGauge),
            Aggregation::LastValue => matches!(self, Self::Gauge | Self::ObservableGauge),
            Aggregation::Buckets { .. } => matches!(self, Self::Histogram),
        }
    }
}

impl ViewSelector {
    fn takes(&self, instrument: Instrument<'_>) -> bool {
        let def = instrument.def;
        self.name
            .as_ref()
            .is_none_or(|pattern| matches(pattern, def.name))
            && self.kind.is_none_or(|kind| kind == instrument.kind)
            && self
                .unit
                .as_ref()
                .is_none_or(|unit| *unit == def.unit.map_or("", Unit::ucum))
            && self
                .scope
                .as_ref()
                .is_none_or(|scope| scope == def::scope(def.name))
    }
}

/// Returns the metrics that come of an instrument: one per view that is for it, or the instrument as it is if there is none.
pub(super) fn streams(views: &[View], instrument: Instrument<'_>) -> Vec<Stream> {
    let def = instrument.def;
    let plain = || Stream {
        name: def.name.to_owned(),
        help: def.help.to_owned(),
        keys: Selection::default(),
        bounds: def.bucket_bounds().into(),
        only_sum: false,
        extremes: true,
    };
    let mut found = false;
    let mut streams: Vec<Stream> = Vec::new();
    for view in views.iter().filter(|view| view.selector.takes(instrument)) {
        found = true;
        if view.aggregation == Aggregation::Drop {
            continue;
        }
        let mut stream = Stream {
            name: view.name.clone().unwrap_or_else(|| def.name.to_owned()),
            help: view.description.clone().unwrap_or_else(|| def.help.to_owned()),
            keys: view.keys.clone(),
            ..plain()
        };
        match &view.aggregation {
            wanted if !instrument.kind.allows(wanted) => {
                tracing::warn!(
                    instrument = def.name,
                    "a view of own metrics asks for an aggregation that this instrument cannot have; it keeps its own"
                );
            }
            Aggregation::Buckets { bounds, extremes } => {
                stream.extremes = *extremes;
                if let Some(bounds) = bounds {
                    stream.bounds = bounds.as_slice().into();
                }
            }
            Aggregation::Sum => stream.only_sum = instrument.kind == InstrumentKind::Histogram,
            Aggregation::Default | Aggregation::LastValue | Aggregation::Drop => {}
        }
        // Two views that make the same of an instrument are one.
        if !streams.contains(&stream) {
            streams.push(stream);
        }
    }
    if found { streams } else { vec![plain()] }
}
