//! Label sets of one batch: attributes and fixed labels to sorted lists of label numbers.
//!
//! [`LabelTable`] turns each distinct attribute into one label, once per batch; [`Shapes`] remembers which
//! keys make which order of labels; [`Repeats`] which lists come again; [`Base`] holds the labels that all points of a scope share. Nothing here
//! knows metric types or messages.

mod base;
mod names;
mod repeats;
mod shape;
mod table;

pub(crate) use base::{Base, Bases, Copied, ScopeLabels};
pub(crate) use names::{NameId, WellKnown};
pub(crate) use repeats::{LabelSet, Repeats};
pub(crate) use shape::{PlanId, Shapes};
pub(crate) use table::{Attr, Content, LabelId, LabelTable, Latest, Seen, Stamp};
