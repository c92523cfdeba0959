//! Which data a processor applies to.

mod attributes;
mod config;
mod libraries;
mod matcher;
mod selection;
mod severity;
mod texts;

pub use config::{AttributeMatch, LibraryMatch, MatchProperties, MatchType, RegexpOptions};
pub use matcher::Matcher;
pub use selection::{Selected, Selecting, Selection};
pub use severity::{Severity, SeverityMatch};

#[cfg(test)]
mod tests;
