//! Conditions in OTTL, which are recognised and refused.

use serde::de::{Deserialize, Deserializer, IgnoredAny};
use weir_component::Violations;

/// Conditions in OTTL. Only their number is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Conditions(usize);

impl Conditions {
    /// Refuses conditions at `key`, and says where there is an `include` and `exclude` instead.
    pub(super) fn refuse(self, key: &str, instead: &str, found: &mut Violations) {
        found.require(
            self.0 == 0,
            key,
            format!(
                "conditions in OTTL are not supported yet: use `{instead}::include` or `{instead}::exclude`"
            ),
        );
    }
}

impl<'de> Deserialize<'de> for Conditions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let conditions = Option::<Vec<IgnoredAny>>::deserialize(deserializer)?;
        Ok(Self(conditions.map_or(0, |conditions| conditions.len())))
    }
}
