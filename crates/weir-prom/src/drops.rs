//! What a translation leaves out, and why.

/// Why something of a batch was not sent. The text of [`DropReason::as_str`] is a metric label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DropReason {
    /// A delta sum or histogram; Prometheus takes cumulative ones. Convert them first.
    DeltaTemporality,
    /// A sum or histogram that does not say its temporality.
    UnspecifiedTemporality,
    /// Nothing usable is left of the metric's name.
    InvalidName,
    /// Nothing usable is left of an attribute's key.
    InvalidLabel,
    /// A name, unit, key or value is not UTF-8.
    InvalidUtf8,
    /// Bounds that do not increase, repeated quantiles, numbers out of range, values nested too deeply.
    Malformed,
    /// The number of bucket counts does not fit the number of bounds.
    BucketCountMismatch,
    /// The count of a native histogram is not the total of its buckets.
    CountMismatch,
    /// An exponential histogram coarser than Prometheus can store.
    ScaleTooSmall,
    /// A histogram for native form without a sum.
    MissingSum,
    /// A point that another point of the same series and time repeats exactly.
    Duplicate,
    /// A point that a later one of the same series and time replaces.
    Superseded,
    /// A metric without data or without points.
    NoData,
    /// An exemplar without a time, a value or valid labels.
    InvalidExemplar,
    /// An exemplar's attributes beyond the 128 characters that exemplars may have; its ids are sent.
    ExemplarTooLong,
    /// A `target_info` whose labels cannot be built.
    InvalidTargetInfo,
    /// A point of which a rule of relabeling leaves no series.
    Relabel,
    /// A series that a rule drops while others of its point are sent, or a `target_info`.
    RelabelSeries,
    /// A point whose series have no name after relabeling.
    NoMetricName,
    /// A point whose series have a label without a name after relabeling.
    EmptyLabelName,
    /// A point whose labels take more than 64 KiB, or more than 64 MiB in all its series together; or whose series have too many labels
    /// for relabeling, or get too many or too long ones by it.
    LabelSetTooLarge,
}

/// What a [`DropReason`] counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DropUnit {
    /// OTLP data points.
    Points,
    /// OTLP metrics, which hold no points.
    Metrics,
    /// Exemplars, or their attributes; the point was sent.
    Exemplars,
    /// Series made up by the translation, or some of the series of a point; no point was lost.
    Series,
}

impl DropReason {
    /// All reasons.
    pub const ALL: [Self; 21] = [
        Self::DeltaTemporality,
        Self::UnspecifiedTemporality,
        Self::InvalidName,
        Self::InvalidLabel,
        Self::InvalidUtf8,
        Self::Malformed,
        Self::BucketCountMismatch,
        Self::CountMismatch,
        Self::ScaleTooSmall,
        Self::MissingSum,
        Self::Duplicate,
        Self::Superseded,
        Self::NoData,
        Self::InvalidExemplar,
        Self::ExemplarTooLong,
        Self::InvalidTargetInfo,
        Self::Relabel,
        Self::RelabelSeries,
        Self::NoMetricName,
        Self::EmptyLabelName,
        Self::LabelSetTooLarge,
    ];

    /// Returns the reason as a metric label value.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DeltaTemporality => "delta_temporality",
            Self::UnspecifiedTemporality => "unspecified_temporality",
            Self::InvalidName => "invalid_name",
            Self::InvalidLabel => "invalid_label",
            Self::InvalidUtf8 => "invalid_utf8",
            Self::Malformed => "malformed",
            Self::BucketCountMismatch => "bucket_count_mismatch",
            Self::CountMismatch => "count_mismatch",
            Self::ScaleTooSmall => "scale_too_small",
            Self::MissingSum => "missing_sum",
            Self::Duplicate => "duplicate",
            Self::Superseded => "superseded",
            Self::NoData => "no_data",
            Self::InvalidExemplar => "invalid_exemplar",
            Self::ExemplarTooLong => "exemplar_too_long",
            Self::InvalidTargetInfo => "invalid_target_info",
            Self::Relabel | Self::RelabelSeries => "relabel",
            Self::NoMetricName => "no_metric_name",
            Self::EmptyLabelName => "empty_label_name",
            Self::LabelSetTooLarge => "label_set_too_large",
        }
    }

    /// Returns whether this was asked for, so that nothing went wrong.
    #[must_use]
    pub fn is_intended(self) -> bool {
        matches!(self, Self::Relabel | Self::RelabelSeries)
    }

    /// Returns what is counted under this reason.
    #[must_use]
    pub fn unit(self) -> DropUnit {
        match self {
            Self::NoData => DropUnit::Metrics,
            Self::InvalidExemplar | Self::ExemplarTooLong => DropUnit::Exemplars,
            Self::InvalidTargetInfo | Self::RelabelSeries => DropUnit::Series,
            _ => DropUnit::Points,
        }
    }
}

/// Counts by reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drops([u64; DropReason::ALL.len()]);

impl Drops {
    pub(crate) fn add(&mut self, reason: DropReason, count: u64) {
        self.0[reason as usize] += count;
    }

    /// Returns how many were dropped for a reason, in the reason's unit.
    #[must_use]
    pub fn of(&self, reason: DropReason) -> u64 {
        self.0[reason as usize]
    }

    /// Returns the reasons that occurred with their counts.
    pub fn iter(&self) -> impl Iterator<Item = (DropReason, u64)> {
        DropReason::ALL
            .into_iter()
            .zip(self.0)
            .filter(|(_, count)| *count > 0)
    }

    /// Returns the number of OTLP data points that were dropped.
    #[must_use]
    pub fn points(&self) -> u64 {
        self.iter()
            .filter(|(reason, _)| reason.unit() == DropUnit::Points)
            .map(|(_, count)| count)
            .sum()
    }

    /// Returns whether nothing was dropped.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|count| *count == 0)
    }

    /// Sets all counts to 0.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

impl std::ops::AddAssign<&Drops> for Drops {
    fn add_assign(&mut self, other: &Drops) {
        for (count, more) in self.0.iter_mut().zip(other.0) {
            *count += more;
        }
    }
}

impl From<crate::native::NativeError> for DropReason {
    fn from(error: crate::native::NativeError) -> Self {
        use crate::native::NativeError as E;
        match error {
            E::ScaleTooSmall => Self::ScaleTooSmall,
            E::MissingSum => Self::MissingSum,
            E::CountMismatch => Self::CountMismatch,
            E::BucketCountMismatch => Self::BucketCountMismatch,
            E::OutOfRange => Self::Malformed,
        }
    }
}
