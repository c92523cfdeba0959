//! batch processor: merges small batches.
