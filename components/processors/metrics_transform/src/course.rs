//! What transforms mean for a metric, as far as its name tells.

use std::borrow::Cow;

use weir_pdata::view::Metric;

use crate::operation::Edit;
use crate::tally::Tally;
use crate::transform::Transform;

/// What is to be done with a metric.
#[derive(Debug)]
pub(crate) enum Course<'t> {
    /// Nothing.
    Leave,
    /// It gets a name, and its points are changed one by one.
    Edit {
        name: Option<String>,
        edits: Vec<&'t Edit>,
    },
    /// It must be seen whole, or together with others.
    Decode,
}

impl<'t> Course<'t> {
    /// Follows a metric through the transforms.
    pub(crate) fn of(transforms: &'t [Transform], metric: &Metric<'_>, tally: &mut Tally) -> Self {
        // What is not UTF-8 is the name of nothing.
        let Ok(sent) = metric.name.to_str() else {
            return Self::Leave;
        };
        let mut name = Cow::Borrowed(sent);
        let mut all = Vec::new();
        for transform in transforms {
            if !transform.include.matches_name(&name) {
                continue;
            }
            let Some(edits) = transform.edits(metric.kind) else {
                return Self::Decode;
            };
            all.extend(edits);
            match transform.renamed(&name) {
                Ok(Some(renamed)) => name = Cow::Owned(renamed),
                Ok(None) => {}
                Err(why) => tally.skip(why),
            }
        }
        match (all.is_empty(), name == sent) {
            (true, true) => Self::Leave,
            (_, same) => Self::Edit {
                name: (!same).then(|| name.into_owned()),
                edits: all,
            },
        }
    }
}
