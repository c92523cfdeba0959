//! Environment variables that are not set.
//!
//! Whether one matters depends on whether the component that needs it is used, so they are kept until that is known. One variable is
//! one mistake, however often it is needed.

use std::collections::BTreeMap;

use crate::{
    path::Path,
    report::{Diagnostic, Place},
};

/// How many further places of one variable are shown.
const MAX_PLACES: usize = 8;

/// A value that needs a variable that is not set.
#[derive(Clone, Debug)]
pub(crate) struct Unset {
    /// The value.
    pub(crate) path: Path,
    /// Where the reference is written.
    pub(crate) place: Place,
    /// The variable.
    pub(crate) name: String,
}

/// Makes one diagnostic of each variable: an error if one of the values that need it is used (`true`), otherwise a warning.
pub(crate) fn diagnose<'a>(unset: impl IntoIterator<Item = (&'a Unset, bool)>) -> Vec<Diagnostic> {
    let mut by_name: BTreeMap<&str, (Vec<&Unset>, bool)> = BTreeMap::new();
    for (one, used) in unset {
        let (values, any) = by_name.entry(&one.name).or_default();
        values.push(one);
        *any |= used;
    }
    by_name
        .into_iter()
        .filter_map(|(name, (mut values, used))| {
            values.sort_by_key(|value| (value.place.source, value.place.start()));
            let (first, others) = values.split_first()?;
            let mut diagnostic = Diagnostic::error(format!("the environment variable `{name}` is not set"))
                .path(first.path.clone())
                .place(first.place.clone())
                .hint(format!(
                    "set it, or give a default: `${{env:{name}:-default}}` (`${{env:{name}:-}}` for an empty text)"
                ));
            for (nth, other) in others.iter().take(MAX_PLACES).enumerate() {
                let left = others.len() - MAX_PLACES.min(others.len());
                let label = match left {
                    1.. if nth + 1 == MAX_PLACES => format!("here too, and in {left} more"),
                    _ => "here too".to_owned(),
                };
                diagnostic = diagnostic.related(other.place.clone(), label);
            }
            Some(if used { diagnostic } else { diagnostic.demoted() })
        })
        .collect()
}
