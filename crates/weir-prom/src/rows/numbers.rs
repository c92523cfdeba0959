//! Lists of bounds or quantiles with their labels: most points of a metric share one list.

use std::ops::Range;

use crate::drops::DropReason;
use crate::float::push_label_number;
use crate::interner::Interner;
use crate::labels::{LabelId, LabelTable, NameId};

/// A list of numbers of the current batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NumbersId(u32);

/// Lists of distinct numbers, each number with its label.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    lists: Vec<Result<Range<usize>, DropReason>>,
    /// Number and label of every member of every list.
    members: Vec<(f64, LabelId)>,
    seen: Interner,
    key: Vec<u8>,
    last: Option<u32>,
    text: String,
}

impl Numbers {
    pub(crate) fn clear(&mut self) {
        self.lists.clear();
        self.members.clear();
        self.seen.clear();
        self.last = None;
    }

    pub(crate) fn get(&self, id: NumbersId) -> &[(f64, LabelId)] {
        match &self.lists[id.0 as usize] {
            Ok(range) => &self.members[range.clone()],
            Err(_) => &[],
        }
    }

    /// Returns the list with these numbers; `check` judges a new one.
    ///
    /// # Errors
    /// What `check` says.
    pub(crate) fn intern(
        &mut self,
        numbers: &[f64],
        label: NameId,
        table: &mut LabelTable,
        check: fn(&[f64]) -> bool,
    ) -> Result<NumbersId, DropReason> {
        self.key.clear();
        for number in numbers {
            self.key.extend_from_slice(&number.to_bits().to_le_bytes());
        }
        let id = match self.last {
            Some(last) if self.seen.get(last) == self.key => last,
            _ => self.look_up(numbers, label, table, check),
        };
        self.last = Some(id);
        self.lists[id as usize]
            .as_ref()
            .map(|_| NumbersId(id))
            .map_err(|reason| *reason)
    }

    fn look_up(
        &mut self,
        numbers: &[f64],
        label: NameId,
        table: &mut LabelTable,
        check: fn(&[f64]) -> bool,
    ) -> u32 {
        let (id, new) = self.seen.intern(&self.key);
        if !new {
            return id;
        }
        if !check(numbers) {
            self.lists.push(Err(DropReason::Malformed));
            return id;
        }
        let start = self.members.len();
        for number in numbers {
            self.text.clear();
            push_label_number(&mut self.text, *number);
            self.members.push((*number, table.add(label, &self.text)));
        }
        self.lists.push(Ok(start..self.members.len()));
        id
    }
}
