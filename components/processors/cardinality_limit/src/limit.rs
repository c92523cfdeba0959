//! The limits, and how many points met which.

/// Which limit a point is beyond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Limit {
    /// Series in all.
    Total,
    /// Series of a tenant.
    Tenant,
    /// Series of a metric.
    Metric,
    /// Values of an attribute.
    Attribute,
    /// Bytes of what is remembered.
    Bytes,
}

impl Limit {
    pub(crate) const ALL: [Self; 5] = [
        Self::Total,
        Self::Tenant,
        Self::Metric,
        Self::Attribute,
        Self::Bytes,
    ];

    /// Returns the name in own metrics and notes.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Total => "total",
            Self::Tenant => "tenant",
            Self::Metric => "metric",
            Self::Attribute => "attribute",
            Self::Bytes => "bytes",
        }
    }

    /// Returns the reason in the books and in answers.
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::Total => "limit_total",
            Self::Tenant => "limit_tenant",
            Self::Metric => "limit_metric",
            Self::Attribute => "limit_attribute",
            Self::Bytes => "limit_bytes",
        }
    }
}

/// In the books: a delta that was to be added to an overflow point, but cannot be added.
pub(crate) const UNMERGEABLE: &str = "unmergeable";

/// In the books: a point that is no more because its value is part of another.
pub(crate) const MERGED: &str = "merged";

/// How many points of a batch met which limit, and what became of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    dropped: [u64; Limit::ALL.len()],
    overflowed: [u64; Limit::ALL.len()],
    /// Deltas that were to be added to others, but cannot be added.
    pub(crate) unmergeable: u64,
    /// Points whose value is part of another point of the batch.
    pub(crate) merged: u64,
}

impl Tally {
    /// Counts a point that goes.
    pub(crate) fn drop(&mut self, limit: Limit) {
        self.dropped[limit as usize] += 1;
    }

    /// Counts a point whose value goes on in an overflow point.
    pub(crate) fn overflow(&mut self, limit: Limit) {
        self.overflowed[limit as usize] += 1;
    }

    /// Returns the points dropped at each limit.
    pub(crate) fn dropped(&self) -> impl Iterator<Item = (Limit, u64)> {
        Limit::ALL.into_iter().zip(self.dropped)
    }

    /// Returns the points that overflowed at each limit.
    pub(crate) fn overflowed(&self) -> impl Iterator<Item = (Limit, u64)> {
        Limit::ALL.into_iter().zip(self.overflowed)
    }

    /// Returns the points that are lost, by reason.
    pub(crate) fn lost(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let limits = self.dropped().map(|(limit, points)| (limit.reason(), points));
        limits
            .chain([(UNMERGEABLE, self.unmergeable)])
            .filter(|(_, points)| *points > 0)
    }
}
