//! Names of streams, put together of pieces that many of them share.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use hashbrown::HashTable;

use crate::{Budget, Full};

/// A name: numbers of pieces. Equal numbers are equal pieces, as long as the names live.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name(Box<[u32]>);

impl Name {
    /// Returns the numbers of the pieces, in order.
    pub fn numbers(&self) -> &[u32] {
        &self.0
    }

    pub(super) const fn heap_bytes(&self) -> usize {
        self.0.len() * size_of::<u32>()
    }
}

/// What a piece takes beside its bytes.
const PIECE_BYTES: usize = size_of::<Piece>() + 12;

/// Bytes of pieces, each once, for as long as a name uses them.
#[derive(Debug)]
pub(super) struct Pieces {
    hasher: RandomState,
    index: HashTable<u32>,
    pieces: Vec<Piece>,
    free: Vec<u32>,
    budget: Arc<Budget>,
}

#[derive(Debug, Default)]
struct Piece {
    bytes: Box<[u8]>,
    uses: u32,
}

impl Pieces {
    pub(super) fn new(budget: Arc<Budget>) -> Self {
        Self {
            hasher: RandomState::new(),
            index: HashTable::new(),
            pieces: Vec::new(),
            free: Vec::new(),
            budget,
        }
    }

    /// Puts a name together.
    ///
    /// # Errors
    ///
    /// [`Full`]: there is no room for a piece that is new.
    pub(super) fn name<'a>(&mut self, pieces: impl Iterator<Item = &'a [u8]>) -> Result<Name, Full> {
        let mut numbers = Vec::with_capacity(pieces.size_hint().0);
        for bytes in pieces {
            match self.take(bytes) {
                Ok(number) => numbers.push(number),
                Err(full) => {
                    self.release(Name(numbers.into()));
                    return Err(full);
                }
            }
        }
        Ok(Name(numbers.into()))
    }

    /// Gives a name back.
    pub(super) fn release(&mut self, name: Name) {
        for number in name.0 {
            let piece = &mut self.pieces[number as usize];
            piece.uses -= 1;
            if piece.uses > 0 {
                continue;
            }
            let bytes = std::mem::take(&mut piece.bytes);
            let hash = self.hasher.hash_one(&*bytes);
            if let Ok(found) = self.index.find_entry(hash, |other| *other == number) {
                found.remove();
            }
            self.budget.resize(PIECE_BYTES + bytes.len(), 0);
            self.free.push(number);
        }
    }

    /// Returns the pieces of a name, in order.
    pub(super) fn read<'p>(&'p self, name: &'p Name) -> impl Iterator<Item = &'p [u8]> + 'p {
        name.0.iter().map(|number| &*self.pieces[*number as usize].bytes)
    }

    fn take(&mut self, bytes: &[u8]) -> Result<u32, Full> {
        let hash = self.hasher.hash_one(bytes);
        let pieces = &self.pieces;
        let same = |number: &u32| *pieces[*number as usize].bytes == *bytes;
        if let Some(number) = self.index.find(hash, same).copied() {
            self.pieces[number as usize].uses += 1;
            return Ok(number);
        }
        self.budget.reserve(PIECE_BYTES + bytes.len())?;
        let piece = Piece {
            bytes: bytes.into(),
            uses: 1,
        };
        let number = match self.free.pop() {
            Some(number) => {
                self.pieces[number as usize] = piece;
                number
            }
            None => {
                self.pieces.push(piece);
                u32::try_from(self.pieces.len() - 1).expect("memory ends before four billion pieces")
            }
        };
        let (pieces, hasher) = (&self.pieces, &self.hasher);
        self.index.insert_unique(hash, number, |number| {
            hasher.hash_one(&*pieces[*number as usize].bytes)
        });
        Ok(number)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Limits;

    fn pieces(bytes: usize) -> Pieces {
        let limits = Limits { streams: 10, bytes };
        Pieces::new(Arc::new(Budget::new(limits)))
    }

    fn texts(pieces: &Pieces, name: &Name) -> Vec<Vec<u8>> {
        pieces.read(name).map(<[u8]>::to_vec).collect()
    }

    #[test]
    fn a_name_without_room_leaves_nothing() {
        let mut pieces = pieces(2 * PIECE_BYTES + 8);
        let name = |pieces: &mut Pieces, texts: &[&'static str]| {
            pieces.name(texts.iter().map(|text| text.as_bytes()))
        };
        let first = name(&mut pieces, &["aaaa", "bb"]).unwrap();
        let before = pieces.budget.bytes();
        assert_eq!(name(&mut pieces, &["bb", "c", "dddddd"]), Err(Full::Bytes));
        assert_eq!(pieces.budget.bytes(), before);
        pieces.release(first);
        assert_eq!(pieces.budget.bytes(), 0);
    }

    proptest! {
        #[test]
        fn names_read_back_and_leave_nothing(
            steps in prop::collection::vec((any::<bool>(), prop::collection::vec(0_u8..6, 0..5)), 0..60)
        ) {
            let mut pieces = pieces(usize::MAX);
            let mut names: Vec<(Name, Vec<Vec<u8>>)> = Vec::new();
            for (takes, texts_of) in steps {
                if takes || names.is_empty() {
                    let wanted: Vec<Vec<u8>> = texts_of.iter().map(|text| vec![*text; usize::from(*text)]).collect();
                    let name = pieces.name(wanted.iter().map(Vec::as_slice)).unwrap();
                    names.push((name, wanted));
                } else {
                    let (name, _) = names.swap_remove(texts_of.len() % names.len());
                    pieces.release(name);
                }
                for (name, wanted) in &names {
                    prop_assert_eq!(&texts(&pieces, name), wanted);
                }
            }
            for (name, _) in names {
                pieces.release(name);
            }
            prop_assert_eq!(pieces.budget.bytes(), 0);
            prop_assert!(pieces.index.is_empty());
        }
    }
}
