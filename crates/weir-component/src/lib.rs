//! The component API: traits, factories, ids, errors.
