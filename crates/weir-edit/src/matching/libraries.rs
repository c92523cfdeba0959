//! Instrumentation scopes.

use weir_component::BuildError;
use weir_pdata::view::Scope;

use super::LibraryMatch;
use super::texts::{Comparison, Texts};

/// A list of scopes, one of which must match; an empty list matches all.
#[derive(Debug, Default)]
pub(super) struct Libraries(Vec<Library>);

#[derive(Debug)]
struct Library {
    name: Texts,
    version: Option<Texts>,
}

impl Libraries {
    pub(super) fn new(comparison: Comparison<'_>, libraries: &[LibraryMatch]) -> Result<Self, BuildError> {
        let library = |library: &LibraryMatch| {
            let one = |text: &str| comparison.texts([text].into_iter());
            let version = library.version.as_deref().map(one).transpose()?;
            let name = one(&library.name)?;
            Ok(Library { name, version })
        };
        libraries.iter().map(library).collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn match_scope(&self, scope: &Scope<'_>) -> bool {
        self.is_empty()
            || self.0.iter().any(|library| {
                library.name.match_text(scope.name)
                    && library
                        .version
                        .as_ref()
                        .is_none_or(|version| version.match_text(scope.version))
            })
    }
}
