//! What processors that edit have in common: actions on attributes, and which data they apply to.
//!
//! - [`Actions`] are the list of the `attributes` and `resource` processors: insert, update, upsert, delete, hash, extract, convert.
//! - [`Selection`] is made of `include` and `exclude` sections, and asked level by level while a batch is rewritten, so that what cannot
//!   match is not looked into.
//! - [`refusal`] is what a caller is told when its batch cannot be rewritten.
//! - [`Literal`] is a value as a configuration writes it.
//!
//! They read the configuration of the Collector's processors of these names. This crate knows attributes and views, not the
//! processors, and does no I/O.

mod actions;
mod literal;
mod matching;
mod refusal;

pub use actions::{Action, ActionKind, Actions, ConvertedType, Prepared};
pub use literal::Literal;
pub use matching::{
    AttributeMatch, LibraryMatch, MatchProperties, MatchType, Matcher, RegexpOptions, Selected, Selecting,
    Selection, Severity, SeverityMatch,
};
pub use refusal::refusal;
