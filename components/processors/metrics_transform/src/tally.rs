//! What became of the points of a batch.

/// Why a transform leaves a metric as it is, or does only part of what it says, although it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Skip {
    /// Summaries cannot be aggregated or combined.
    Summary,
    /// Metrics to be combined are of different types.
    Types,
    /// Metrics to be combined have different units.
    Units,
    /// Metrics to be combined have different labels.
    Labels,
    /// Metrics to be combined have different temporalities, or one of them never falls and another may.
    Temporalities,
    /// The new name is empty, or longer than 16 KiB.
    Name,
    /// A point has no meaning at another scale.
    Scale,
    /// A text in the metric is not UTF-8.
    Text,
}

impl Skip {
    pub(crate) const ALL: [Self; 8] = [
        Self::Summary,
        Self::Types,
        Self::Units,
        Self::Labels,
        Self::Temporalities,
        Self::Name,
        Self::Scale,
        Self::Text,
    ];

    /// Returns the reason in own metrics and logs.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Summary => "summary",
            Self::Types => "different_types",
            Self::Units => "different_units",
            Self::Labels => "different_labels",
            Self::Temporalities => "different_temporalities",
            Self::Name => "no_name",
            Self::Scale => "not_scalable",
            Self::Text => "invalid_utf8",
        }
    }
}

/// What one batch came to: points, and times that something was skipped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Went into another point.
    pub(crate) aggregated: u64,
    /// Had a label value that is deleted.
    pub(crate) deleted: u64,
    /// Were the same as another one, with nothing said about how to make one of them.
    pub(crate) duplicates: u64,
    /// Were copied.
    pub(crate) added: u64,
    /// Size of the copies, in bytes of protobuf.
    pub(crate) added_bytes: usize,
    pub(crate) skipped: [u64; Skip::ALL.len()],
}

impl Tally {
    pub(crate) fn skip(&mut self, why: Skip) {
        self.skipped[why as usize] += 1;
    }
}
