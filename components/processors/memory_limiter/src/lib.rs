//! memory_limiter processor: the admission budget.
