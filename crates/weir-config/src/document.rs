//! The sources read, merged and expanded: what is left is to say what the values mean.

use std::{fmt, sync::Arc};

use crate::{
    environment::Environment,
    expand, merge,
    node::Node,
    report::{Diagnostic, Report, SourceMap},
    source::{self, Gates, Sources},
    unset::{self, Unset},
};

/// A configuration as one tree, before it is decoded.
///
/// Its `Debug` shows nothing: the tree holds expanded secrets.
pub struct Document {
    pub(crate) root: Arc<Node>,
    pub(crate) sources: SourceMap,
    /// Values that need a variable that is not set.
    pub(crate) unset: Vec<Unset>,
    pub(crate) warnings: Vec<Diagnostic>,
    pub(crate) gates: Gates,
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document").finish_non_exhaustive()
    }
}

/// Reads all sources, merges them from left to right, then expands `${…}`.
///
/// A variable that is not set is no error yet: it is one in [`read`](crate::read()), unless only a component that no
/// pipeline uses needs it.
///
/// # Errors
///
/// A report of everything wrong with the sources: unreadable files, invalid YAML, duplicate keys, malformed or
/// unresolvable references.
pub fn load(sources: &Sources, environment: &dyn Environment) -> Result<Document, Report> {
    let mut texts = SourceMap::default();
    let mut report = Report::default();
    let layers = source::read_all(sources, environment, &mut texts, &mut report);
    let mut root = merge::merge(&layers, sources.gates.merge_append);
    let outcome = expand::expand(&mut root, environment);
    report.extend(outcome.diagnostics);
    report.set_sources(texts.clone());
    let warnings: Vec<Diagnostic> = report.diagnostics().cloned().collect();
    if report.has_errors() {
        report.extend(unset::diagnose(outcome.unset.iter().map(|unset| (unset, true))));
        report.finish();
        return Err(report);
    }
    Ok(Document {
        root: Arc::new(root),
        sources: texts,
        unset: outcome.unset,
        warnings,
        gates: sources.gates,
    })
}
