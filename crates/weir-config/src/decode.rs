//! Decodes a [`Node`] into a type and reports every mistake, not the first.
//!
//! serde stops at the first error. So a decoding is repeated: the error is noted with its place, the value at fault is
//! left out, and decoding starts over, until it succeeds or nothing more can be left out. Leaving out is also how null
//! keeps the default of a section, map or list (as in the Collector), which serde cannot express.
//!
//! **Invariant.** A round that does not leave out one more value is the last, so there are at most as many rounds as
//! values.

mod access;
mod deserializer;
mod fault;
mod tracker;
mod words;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::{node::Node, path::Path, report::Diagnostic};

pub(crate) use deserializer::Source;
pub(crate) use fault::Fault;
use tracker::Tracker;

/// A mistake and where it is, relative to the decoded node.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) path: Path,
    pub(crate) fault: Fault,
}

/// Decodes `node` with `parse`, which is called once per round. `unset` are paths already reported: they are left out
/// from the start, and what goes missing with them is not reported again.
pub(crate) fn decode<T, E: std::fmt::Display>(
    node: &Node,
    unset: &[Path],
    parse: impl FnMut(Source<'_, '_>) -> Result<T, E>,
) -> Result<T, Vec<Problem>> {
    match decode_partly(node, unset, parse) {
        Partly::Whole(value) => Ok(value),
        Partly::Flawed { problems, .. } => Err(problems),
    }
}

/// What came of a node.
pub(crate) enum Partly<T> {
    /// The value, without a mistake.
    Whole(T),
    /// The mistakes, and the value without them if the rest could be decoded.
    Flawed { problems: Vec<Problem>, rest: Option<T> },
}

/// Like [`decode`], and hands out what is left of a value with mistakes.
pub(crate) fn decode_partly<T, E: std::fmt::Display>(
    node: &Node,
    unset: &[Path],
    mut parse: impl FnMut(Source<'_, '_>) -> Result<T, E>,
) -> Partly<T> {
    let flawed = |problems, rest| Partly::Flawed { problems, rest };
    let mut left_out: BTreeMap<Path, Why> = unset.iter().map(|path| (path.clone(), Why::Reported)).collect();
    let mut problems: Vec<Problem> = Vec::new();
    let mut failed = !unset.is_empty();
    if left_out.contains_key(&Path::root()) {
        return flawed(problems, None);
    }
    loop {
        let tracker = Tracker::new(&left_out);
        let error = match parse(Source::root(node, &tracker)) {
            Ok(value) if failed => return flawed(problems, Some(value)),
            Ok(value) => return Partly::Whole(value),
            Err(error) => error,
        };
        let (culprit, why) = match tracker.into_found() {
            Found::Null(path) => (path, Why::Null),
            Found::Fault(path, fault) => {
                let culprit = fault.culprit(&path);
                let follows = matches!(&fault, Fault::Missing(field)
                    if left_out.get(&path.key(field)) == Some(&Why::Reported));
                if !follows {
                    problems.push(Problem { path, fault });
                }
                failed = true;
                (culprit, Why::Reported)
            }
            Found::Nothing => {
                problems.push(Problem {
                    path: Path::root(),
                    fault: Fault::Custom(error.to_string()),
                });
                return flawed(problems, None);
            }
        };
        if culprit.is_root() || left_out.insert(culprit, why).is_some() {
            return flawed(problems, None);
        }
    }
}

/// Why a value is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// It is null, which means the default.
    Null,
    /// It is wrong, and that has been said.
    Reported,
}

/// What a round ended on.
#[derive(Debug)]
pub(crate) enum Found {
    Nothing,
    Null(Path),
    Fault(Path, Fault),
}

/// Turns a problem into a diagnostic. `base` is the path of `node` in the whole configuration.
pub(crate) fn diagnose(node: &Node, base: &Path, problem: &Problem) -> Diagnostic {
    let culprit = problem.fault.culprit(&problem.path);
    let found = node.find(&culprit);
    let place = match (&problem.fault, found) {
        (Fault::UnknownField { .. } | Fault::Key(_), Some(entry)) => entry.key_place(),
        (Fault::Missing(_), Some(section)) => section.key_place(),
        _ => node.nearest(&culprit).value_place(),
    };
    let message = node.redact(&culprit, &problem.fault.message());
    Diagnostic::error(message)
        .path(base.join(&culprit))
        .place(place.clone())
        .maybe_hint(problem.fault.hint())
}
