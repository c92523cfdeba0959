//! Metric families: an OTLP metric's name, type, unit and description in Prometheus terms.

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use weir_pdata::view::{AnyValue, Metric, MetricKind, Temporality};

use crate::drops::DropReason;
use crate::interner::Interner;
use crate::labels::{LabelId, LabelTable, Stamp, WellKnown};
use crate::name::{MetricNamer, NameClass, UnitTable};
use crate::settings::Settings;

/// Most translated names that are kept from one batch to the next.
const MAX_KEPT: usize = 1 << 14;

/// Most bytes of their keys.
const MAX_KEPT_BYTES: usize = 4 << 20;

/// A family of the current batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FamilyId(u32);

impl FamilyId {
    /// The first family of a batch.
    pub(crate) const FIRST: Self = Self(0);

    #[inline]
    pub(crate) fn number(self) -> usize {
        self.0 as usize
    }
}

/// Metadata type; the number is that of both remote-write versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MetricType {
    Unknown = 0,
    Counter = 1,
    Gauge = 2,
    Histogram = 3,
    GaugeHistogram = 4,
    Summary = 5,
    Info = 6,
    StateSet = 7,
}

/// What is appended to a family's name for one of its series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Suffix {
    None,
    Sum,
    Count,
    Bucket,
}

/// A metric family.
#[derive(Debug)]
pub(crate) struct Family {
    /// `__name__` labels by suffix; a number or native histogram has the first only.
    names: [LabelId; 4],
    pub(crate) metric_type: MetricType,
    pub(crate) help: String,
    pub(crate) unit: String,
    pub(crate) help_symbol: Stamp,
    pub(crate) unit_symbol: Stamp,
    /// Counter-like: samples have a start time.
    pub(crate) has_start: bool,
    /// Exemplars are sent.
    pub(crate) has_exemplars: bool,
    /// Each point covers the time since the one before.
    pub(crate) is_delta: bool,
    /// Kind and head of the metric that it was made of, if it was made of one.
    kind: MetricKind,
    head: Box<[u8]>,
    /// The family that followed, when this one was met last: metrics that are measured together keep their order.
    after: Option<FamilyId>,
}

impl Family {
    pub(crate) fn name(&self, suffix: Suffix) -> LabelId {
        self.names[suffix as usize]
    }
}

#[derive(Clone)]
struct Translated {
    name: String,
    unit: String,
}

/// The families of one batch, and names remembered across batches.
pub(crate) struct Families {
    namer: MetricNamer,
    allow_delta: bool,
    families: Vec<Family>,
    seen: Interner,
    key: Vec<u8>,
    /// The family of the metric before.
    last: Option<FamilyId>,
    translated: HashMap<Vec<u8>, Result<Translated, DropReason>, RandomState>,
    /// Total length of the keys of `translated`.
    translated_bytes: usize,
}

impl Families {
    pub(crate) fn new(settings: &Settings) -> Self {
        let units = UnitTable { kby: settings.kby };
        Self {
            namer: MetricNamer::new(settings.strategy, settings.namespace.clone(), units),
            allow_delta: settings.allow_delta,
            families: Vec::new(),
            seen: Interner::default(),
            key: Vec::new(),
            last: None,
            translated: HashMap::default(),
            translated_bytes: 0,
        }
    }

    /// Begins a batch: families of the one before are void.
    pub(crate) fn begin(&mut self) {
        self.families.clear();
        self.seen.clear();
        self.last = None;
        if self.translated.len() > MAX_KEPT || self.translated_bytes > MAX_KEPT_BYTES {
            self.translated.clear();
            self.translated_bytes = 0;
        }
    }

    /// Returns how many families the batch has so far.
    pub(crate) fn len(&self) -> usize {
        self.families.len()
    }

    pub(crate) fn get(&self, id: FamilyId) -> &Family {
        &self.families[id.number()]
    }

    pub(crate) fn get_mut(&mut self, id: FamilyId) -> &mut Family {
        &mut self.families[id.number()]
    }

    /// Returns the family of a metric.
    ///
    /// # Errors
    /// Why its points cannot be sent.
    pub(crate) fn of(&mut self, metric: &Metric<'_>, table: &mut LabelTable) -> Result<FamilyId, DropReason> {
        let last = self.last.map(FamilyId::number);
        let guess = last.and_then(|last| self.families[last].after);
        if let Some(id) = guess
            && self.is_of(id, metric)
        {
            self.last = guess;
            return Ok(id);
        }
        let traits = Traits::of(metric, self.allow_delta)?;
        let id = self.look_up(metric, traits, table)?;
        if let Some(last) = last {
            self.families[last].after = Some(id);
        }
        self.last = Some(id);
        Ok(id)
    }

    /// Returns whether a family is sure to be that of a metric.
    #[inline]
    fn is_of(&self, id: FamilyId, metric: &Metric<'_>) -> bool {
        let family = self.get(id);
        family.kind == metric.kind && !metric.head.is_empty() && *family.head == *metric.head
    }

    fn look_up(
        &mut self,
        metric: &Metric<'_>,
        traits: Traits,
        table: &mut LabelTable,
    ) -> Result<FamilyId, DropReason> {
        self.key.clear();
        for text in texts(metric) {
            self.key.extend_from_slice(text);
        }
        self.key.extend(key_end(metric, traits));
        let hash = self.seen.hash(&self.key);
        if let Some(id) = self.seen.find(hash, &self.key) {
            return Ok(FamilyId(id));
        }
        let Translated { name, unit } = self.translate(metric, traits.class)?;
        let help = String::from_utf8_lossy(metric.description.as_bytes()).into_owned();
        let mut family = traits.family(&name, unit, help, table);
        family.kind = metric.kind;
        family.head = metric.head.into();
        Ok(FamilyId(self.add(hash, family)))
    }

    /// Returns the family of `target_info`, or nothing if the strategy leaves it no name.
    pub(crate) fn target_info(&mut self, table: &mut LabelTable) -> Option<FamilyId> {
        self.key.clear();
        self.key.extend_from_slice(b"target_info");
        let hash = self.seen.hash(&self.key);
        if let Some(id) = self.seen.find(hash, &self.key) {
            return Some(FamilyId(id));
        }
        let name = self.namer.name("target_info", "", NameClass::Other).ok()?;
        let traits = Traits::plain(MetricType::Gauge, NameClass::Other);
        let family = traits.family(&name, String::new(), "Target metadata".to_owned(), table);
        Some(FamilyId(self.add(hash, family)))
    }

    fn add(&mut self, hash: u64, family: Family) -> u32 {
        self.families.push(family);
        self.seen.insert(hash, &self.key)
    }

    fn translate(&mut self, metric: &Metric<'_>, class: NameClass) -> Result<Translated, DropReason> {
        let mut key = vec![class as u8];
        for text in [metric.name, metric.unit] {
            key.extend_from_slice(&text.as_bytes().len().to_le_bytes());
            key.extend_from_slice(text.as_bytes());
        }
        if let Some(known) = self.translated.get(&key) {
            return known.clone();
        }
        let translated = translate(&self.namer, metric, class);
        self.translated_bytes += key.len();
        self.translated.insert(key, translated.clone());
        translated
    }
}

/// What tells families apart besides their traits.
fn texts<'m>(metric: &Metric<'m>) -> [&'m [u8]; 3] {
    [metric.name, metric.unit, metric.description].map(|text| text.as_bytes())
}

/// Returns the end of a family's key, of constant length; before it stand the texts.
fn key_end(metric: &Metric<'_>, traits: Traits) -> [u8; 18] {
    let [name, unit, _] = texts(metric).map(|text| (text.len() as u64).to_le_bytes());
    let mut end = [0; 18];
    end[..8].copy_from_slice(&name);
    end[8..16].copy_from_slice(&unit);
    end[16..].copy_from_slice(&[traits.metric_type as u8, traits.flags()]);
    end
}

fn translate(namer: &MetricNamer, metric: &Metric<'_>, class: NameClass) -> Result<Translated, DropReason> {
    let name = metric.name.to_str().map_err(|_| DropReason::InvalidUtf8)?;
    let unit = metric.unit.to_str().map_err(|_| DropReason::InvalidUtf8)?;
    let name = namer
        .name(name, unit, class)
        .map_err(|_| DropReason::InvalidName)?;
    Ok(Translated {
        name,
        unit: namer.metadata_unit(unit),
    })
}

/// What follows from a metric's kind.
#[derive(Clone, Copy)]
struct Traits {
    metric_type: MetricType,
    class: NameClass,
    has_parts: bool,
    has_buckets: bool,
    has_start: bool,
    has_exemplars: bool,
    is_delta: bool,
}

impl Traits {
    fn plain(metric_type: MetricType, class: NameClass) -> Self {
        Self {
            metric_type,
            class,
            has_parts: false,
            has_buckets: false,
            has_start: false,
            has_exemplars: false,
            is_delta: false,
        }
    }

    fn of(metric: &Metric<'_>, allow_delta: bool) -> Result<Self, DropReason> {
        use MetricType as T;
        let delta = |temporality| match temporality {
            Temporality::Cumulative => Ok(false),
            Temporality::Delta if allow_delta => Ok(true),
            Temporality::Delta => Err(DropReason::DeltaTemporality),
            Temporality::Unspecified => Err(DropReason::UnspecifiedTemporality),
        };
        let hint = |choices: &[(&str, T)], default| type_hint(metric, choices).unwrap_or(default);
        let histogram = || hint(&[("gaugehistogram", T::GaugeHistogram)], T::Histogram);
        let mut traits = match metric.kind {
            MetricKind::Gauge => Self::plain(hint(&[("unknown", T::Unknown)], T::Gauge), NameClass::Gauge),
            MetricKind::Sum {
                temporality,
                monotonic: true,
            } => Self {
                has_start: true,
                has_exemplars: true,
                is_delta: delta(temporality)?,
                ..Self::plain(T::Counter, NameClass::Counter)
            },
            MetricKind::Sum {
                temporality,
                monotonic: false,
            } => Self {
                is_delta: delta(temporality)?,
                ..Self::plain(
                    hint(&[("info", T::Info), ("stateset", T::StateSet)], T::Gauge),
                    NameClass::Other,
                )
            },
            MetricKind::Histogram { temporality } => Self {
                has_parts: true,
                has_buckets: true,
                has_start: true,
                has_exemplars: true,
                is_delta: delta(temporality)?,
                ..Self::plain(histogram(), NameClass::Other)
            },
            MetricKind::ExponentialHistogram { temporality } => Self {
                has_start: true,
                has_exemplars: true,
                is_delta: delta(temporality)?,
                ..Self::plain(histogram(), NameClass::Other)
            },
            MetricKind::Summary => Self {
                has_parts: true,
                has_start: true,
                ..Self::plain(T::Summary, NameClass::Other)
            },
            MetricKind::None => return Err(DropReason::NoData),
        };
        if traits.is_delta {
            traits.metric_type = T::Unknown;
            traits.has_start = true;
        }
        Ok(traits)
    }

    fn flags(self) -> u8 {
        let bits = [
            self.has_parts,
            self.has_buckets,
            self.has_start,
            self.has_exemplars,
            self.is_delta,
        ];
        bits.iter()
            .fold(self.class as u8, |flags, bit| flags << 1 | u8::from(*bit))
    }

    fn family(self, name: &str, unit: String, help: String, table: &mut LabelTable) -> Family {
        let mut label = |suffix: &str| table.add(WellKnown::Name.id(), &format!("{name}{suffix}"));
        let plain = label("");
        let mut names = [plain; 4];
        if self.has_parts {
            names[Suffix::Sum as usize] = label("_sum");
            names[Suffix::Count as usize] = label("_count");
        }
        if self.has_buckets {
            names[Suffix::Bucket as usize] = label("_bucket");
        }
        Family {
            names,
            metric_type: self.metric_type,
            help,
            unit,
            help_symbol: Stamp::default(),
            unit_symbol: Stamp::default(),
            has_start: self.has_start,
            has_exemplars: self.has_exemplars,
            is_delta: self.is_delta,
            kind: MetricKind::None,
            head: Box::default(),
            after: None,
        }
    }
}

/// Metrics that came from Prometheus say their type in the metric's metadata.
///
/// Spec: OpenTelemetry, "Prometheus and OpenMetrics Compatibility", Prometheus metric points to OTLP.
fn type_hint(metric: &Metric<'_>, choices: &[(&str, MetricType)]) -> Option<MetricType> {
    let hint = metric
        .metadata
        .iter()
        .find(|attribute| attribute.key().as_bytes() == b"prometheus.type")?;
    let AnyValue::String(text) = hint.value() else {
        return None;
    };
    choices
        .iter()
        .find(|(name, _)| name.as_bytes() == text.as_bytes())
        .map(|(_, choice)| *choice)
}
