//! What becomes of each point.

use crate::stream::Total;

/// What becomes of a point.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Decision {
    /// It goes on with a total in place of its delta.
    Total {
        /// Start of what the total covers.
        start_ns: u64,
        /// The total.
        total: Total,
    },
    /// It goes on without a value, as it came.
    Nothing {
        /// Start of what the total covers; 0 leaves the point's own.
        start_ns: u64,
    },
    /// It waits for older ones.
    Wait,
    /// It goes.
    Drop(Reason),
}

/// Why a point goes. The names are those in the books.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// There is no room for one more stream.
    Limit,
    /// It starts before the total of its stream does.
    OlderStart,
    /// It is not newer than the newest of its stream.
    OutOfOrder,
    /// It waits already.
    Duplicate,
    /// It says what no delta can say.
    Invalid,
    /// It is a summary.
    Summary,
}

/// Number of [`Reason`]s.
pub(crate) const REASONS: usize = 6;

impl Reason {
    /// All of them.
    pub(crate) const ALL: [Self; REASONS] = [
        Self::Limit,
        Self::OlderStart,
        Self::OutOfOrder,
        Self::Duplicate,
        Self::Invalid,
        Self::Summary,
    ];

    /// Returns the name in the books and in answers.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Limit => "limit",
            Self::OlderStart => "older_start",
            Self::OutOfOrder => "out_of_order",
            Self::Duplicate => "duplicate",
            Self::Invalid => "invalid",
            Self::Summary => "summary",
        }
    }

    /// Returns the value of the label `error` of the Collector's metric.
    pub(crate) const fn error(self) -> &'static str {
        match self {
            Self::Limit => "limit",
            Self::OlderStart => "delta.ErrOlderStart",
            Self::OutOfOrder => "delta.ErrOutOfOrder",
            Self::Duplicate => "duplicate",
            Self::Invalid => "invalid",
            Self::Summary => "summary",
        }
    }
}

/// How many points came to which end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Went on with a total.
    pub(crate) taken: u64,
    /// Of those, points that had been counted before.
    pub(crate) repeated: u64,
    /// Wait.
    pub(crate) waiting: u64,
    /// Streams that began anew because a point could not be added.
    pub(crate) resets: u64,
    dropped: [u64; REASONS],
}

impl Tally {
    /// Counts a point by what becomes of it.
    pub(crate) fn count(&mut self, decision: &Decision) {
        match decision {
            Decision::Total { .. } | Decision::Nothing { .. } => self.taken += 1,
            Decision::Wait => self.waiting += 1,
            Decision::Drop(reason) => self.drop(*reason, 1),
        }
    }

    /// Counts points that go.
    pub(crate) fn drop(&mut self, reason: Reason, points: u64) {
        self.dropped[reason as usize] += points;
    }

    /// Returns how many points went for each reason that had any.
    pub(crate) fn dropped(&self) -> impl Iterator<Item = (Reason, u64)> {
        Reason::ALL
            .into_iter()
            .zip(self.dropped)
            .filter(|(_, points)| *points > 0)
    }
}
