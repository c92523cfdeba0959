//! `relabel`: what each rule of a component does to one set of labels.
//!
//! Knows the options that hold rules by their names, which are those of Prometheus, and no component.

mod rules;
mod selector;
mod story;

use anyhow::Context;

use crate::App;
use crate::args::RelabelArgs;
use crate::configuration;
use rules::RuleList;
use story::Story;

/// Exit code for a set of labels that is dropped; 1 is for errors.
pub(crate) const DROPPED: u8 = 2;

/// What is printed, and what became of the labels.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) text: String,
    pub(crate) is_kept: bool,
}

/// Applies the rules to the labels and tells about it.
///
/// # Errors
///
/// The labels cannot be read, the configuration cannot, or it does not say whose rules are meant.
pub(crate) fn tell(app: &App, options: &RelabelArgs) -> anyhow::Result<Told> {
    let labels = selector::read(&options.labels)
        .with_context(|| format!("cannot read the labels `{}`", options.labels))?;
    let (config, _) = configuration::read(&options.config.sources(), app.catalog())?;
    let list = RuleList::of(&config, options.component.as_deref())?;
    let story = Story::of(&list, labels)?;
    let text = if options.json {
        serde_json::to_string_pretty(&story.to_json()).context("cannot write JSON")? + "\n"
    } else {
        story.to_string()
    };
    Ok(Told {
        text,
        is_kept: story.is_kept(),
    })
}
