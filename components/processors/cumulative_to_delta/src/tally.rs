//! How many points came to which end.

use crate::MetricType;

/// Why a point goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// It is the first of its stream, and only the next ones can be compared.
    Initial,
    /// It says less than the one before: the counter began anew.
    Reset,
    /// The bounds of its buckets are others than before.
    BucketMismatch,
    /// It has the flag "no recorded value".
    NoRecordedValue,
    /// It is not newer than the newest of its stream.
    OutOfOrder,
    /// It says what no total can say.
    Invalid,
    /// There is no room for one more stream.
    Limit,
}

/// Number of [`Reason`]s.
pub(crate) const REASONS: usize = 7;

impl Reason {
    /// All of them.
    pub(crate) const ALL: [Self; REASONS] = [
        Self::Initial,
        Self::Reset,
        Self::BucketMismatch,
        Self::NoRecordedValue,
        Self::OutOfOrder,
        Self::Invalid,
        Self::Limit,
    ];

    /// Returns the name in the books, in metrics and in answers.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Initial => "initial",
            Self::Reset => "reset",
            Self::BucketMismatch => "bucket_mismatch",
            Self::NoRecordedValue => "no_recorded_value",
            Self::OutOfOrder => "out_of_order",
            Self::Invalid => "invalid",
            Self::Limit => "limit",
        }
    }

    /// Returns true if the sender is told: the others are what a stream of totals looks like.
    pub(crate) const fn is_refusal(self) -> bool {
        matches!(self, Self::OutOfOrder | Self::Invalid | Self::Limit)
    }
}

/// Types in the order of the tally.
pub(crate) const TYPES: [MetricType; 3] = [
    MetricType::Sum,
    MetricType::Histogram,
    MetricType::ExponentialHistogram,
];

/// Points of one batch by type and end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Went on, by type.
    pub(crate) taken: [u64; TYPES.len()],
    /// Went, by type and reason.
    pub(crate) dropped: [[u64; REASONS]; TYPES.len()],
}

impl Tally {
    /// Returns how many points went for each reason that had any.
    pub(crate) fn by_reason(&self) -> impl Iterator<Item = (Reason, u64)> {
        Reason::ALL.into_iter().filter_map(|reason| {
            let points = self.dropped.iter().map(|reasons| reasons[reason as usize]).sum();
            (points > 0).then_some((reason, points))
        })
    }
}
