//! A set of labels while rules change it.

/// Most bytes of names and values that rules may make of one label set, 16 MiB. Prometheus has no such bound, but rules can double a
/// value, or the number of labels, one after the other.
pub(crate) const MAX_BYTES: usize = 16 << 20;

/// Most labels of a set that rules work on. Stores accept some dozens; rules may compare all with all.
pub(crate) const MAX_LABELS: usize = 1024;

/// A label set has more than 1,024 labels, or rules would make that many of it, or more than 16 MiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the label set has more than {MAX_LABELS} labels or {MAX_BYTES} bytes")]
pub struct TooLarge;

/// A set of labels. A label without a value is not there.
///
/// The order of a walk is that of Prometheus, where it decides which of two labels wins that `labelmap` gives one name: first the labels
/// that have not been written, by name, then those that have, in the order in which they first were.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Labels {
    list: Vec<(String, String)>,
    /// From here on labels have been written.
    written_from: usize,
    /// Bytes of all names and values.
    bytes: usize,
}

impl Labels {
    /// Makes a set. Of labels with one name the first counts.
    pub fn new<N: Into<String>, V: Into<String>>(labels: impl IntoIterator<Item = (N, V)>) -> Self {
        let mut list: Vec<(String, String)> = labels
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        list.sort_by(|(one, _), (other, _)| one.cmp(other));
        list.dedup_by(|(next, _), (first, _)| next == first);
        list.retain(|(_, value)| !value.is_empty());
        Self {
            written_from: list.len(),
            bytes: list.iter().map(|(name, value)| name.len() + value.len()).sum(),
            list,
        }
    }

    /// Returns the value of a label, empty if it is not there.
    pub fn get(&self, name: &str) -> &str {
        self.find(name).map_or("", |index| &self.list[index].1)
    }

    /// Returns the labels in the order of a walk.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.list
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Returns the labels, sorted by name.
    pub fn into_sorted(mut self) -> Vec<(String, String)> {
        self.list.sort();
        self.list
    }

    /// Returns how many labels there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Returns true if there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Writes a label; an empty value takes it away.
    ///
    /// # Errors
    ///
    /// [`TooLarge`] if the set would become so; then it is as it was.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), TooLarge> {
        if value.is_empty() {
            self.remove(name);
            return Ok(());
        }
        let found = self.find(name);
        let before = found.map_or(0, |index| name.len() + self.list[index].1.len());
        let bytes = self.bytes - before + name.len() + value.len();
        if bytes > MAX_BYTES || (found.is_none() && self.len() >= MAX_LABELS) {
            return Err(TooLarge);
        }
        match found {
            Some(index) if index >= self.written_from => value.clone_into(&mut self.list[index].1),
            _ => {
                self.remove(name);
                self.list.push((name.to_owned(), value.to_owned()));
            }
        }
        self.bytes = bytes;
        Ok(())
    }

    /// Takes a label away.
    pub fn remove(&mut self, name: &str) {
        if let Some(index) = self.find(name) {
            let (name, value) = self.list.remove(index);
            self.bytes -= name.len() + value.len();
            self.written_from -= usize::from(index < self.written_from);
        }
    }

    /// Takes away the labels for whose names `keep` answers false.
    pub(crate) fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        let (mut index, mut written_from, mut gone) = (0, self.written_from, 0);
        self.list.retain(|(name, value)| {
            let stays = keep(name);
            if !stays {
                written_from -= usize::from(index < self.written_from);
                gone += name.len() + value.len();
            }
            index += 1;
            stays
        });
        self.written_from = written_from;
        self.bytes -= gone;
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.list.iter().position(|(own, _)| own == name)
    }
}
