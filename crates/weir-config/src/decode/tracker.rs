//! Where decoding is, what it leaves out and what it found.

use std::{cell::RefCell, collections::BTreeMap};

use super::{Found, Why};
use crate::path::{Path, Step};

/// What a round leaves out, and what it ended on.
pub(crate) struct Tracker<'a> {
    pub(super) left_out: &'a BTreeMap<Path, Why>,
    found: RefCell<Found>,
}

impl<'a> Tracker<'a> {
    pub(super) fn new(left_out: &'a BTreeMap<Path, Why>) -> Self {
        Self {
            left_out,
            found: RefCell::new(Found::Nothing),
        }
    }

    pub(super) fn into_found(self) -> Found {
        self.found.into_inner()
    }

    /// Keeps the first thing found in a round: the innermost value sees an error first.
    pub(super) fn note(&self, found: impl FnOnce() -> Found) {
        let mut slot = self.found.borrow_mut();
        if matches!(*slot, Found::Nothing) {
            *slot = found();
        }
    }
}

/// The steps from the decoded node to a value, as a list on the stack.
#[derive(Clone, Copy)]
pub(super) enum Trail<'t> {
    Root,
    Key(&'t Trail<'t>, &'t str),
    Index(&'t Trail<'t>, usize),
}

impl Trail<'_> {
    pub(super) fn path(&self) -> Path {
        match *self {
            Self::Root => Path::root(),
            Self::Key(parent, key) => {
                let mut path = parent.path();
                path.push(Step::Key(key.to_owned()));
                path
            }
            Self::Index(parent, index) => {
                let mut path = parent.path();
                path.push(Step::Index(index));
                path
            }
        }
    }
}
