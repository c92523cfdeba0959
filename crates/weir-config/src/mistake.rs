//! Mistakes that show after reading, when components are built or files are looked for. They are told like those of reading: with the
//! place in the sources.

use std::{fmt, sync::Arc};

use crate::{
    config::Config,
    node::Node,
    path::Path,
    report::{Diagnostic, Report, Severity, SourceMap},
};

/// Something wrong with a part of a configuration that could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// How bad it is.
    pub severity: Severity,
    /// Keys that lead to it, joined by `::`, for example `exporters::otlp_http::tls::ca_file`. If there is no such value, the deepest
    /// section on the way to it is shown.
    pub path: String,
    /// What is wrong, as a lower-case fragment.
    pub message: String,
    /// What to do about it, if there is something to say.
    pub advice: Option<String>,
}

/// The tree that a configuration was read from, and its sources.
///
/// `Debug` shows nothing: the tree holds expanded secrets.
#[derive(Clone)]
pub(crate) struct Origin {
    pub(crate) root: Arc<Node>,
    pub(crate) sources: SourceMap,
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Origin").finish_non_exhaustive()
    }
}

impl Config {
    /// Makes a report of mistakes found after reading. Texts that came out of `${...}` leave the messages.
    pub fn report(&self, mistakes: impl IntoIterator<Item = Mistake>) -> Report {
        let Origin { root, sources } = &self.origin;
        let mut report = Report::new(sources.clone());
        for mistake in mistakes {
            let path = Path::parse(&mistake.path);
            let place = match root.find(&path) {
                Some(node) => node.value_place(),
                None => root.nearest(&path).key_place(),
            };
            let message = root.redact_around(&path, &mistake.message);
            let diagnostic = match mistake.severity {
                Severity::Error => Diagnostic::error(message),
                Severity::Warning => Diagnostic::warning(message),
            };
            let advice = mistake.advice.map(|advice| root.redact_around(&path, &advice));
            report.push(diagnostic.path(path).place(place.clone()).maybe_hint(advice));
        }
        report.finish();
        report
    }
}
