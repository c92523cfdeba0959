//! Extensions that components name: can they do what they are wanted for?
//!
//! That they are listed in `service::extensions` was checked when the configuration was read; what they offer is known once they are
//! built.

use std::collections::BTreeMap;
use std::sync::Arc;

use weir_component::{ComponentId, Extension, Validate, Violations};
use weir_config::Config;

use crate::BuildFailure;

/// Checks all components that run.
pub(crate) fn check(
    config: &Config,
    extensions: &BTreeMap<ComponentId, Arc<dyn Extension>>,
) -> Vec<BuildFailure> {
    let mut failures = Vec::new();
    for (kind, component) in config.running() {
        let mut found = Violations::default();
        component.config.validate(&mut found);
        for named in found.named_extensions() {
            let suits = |extension: &Arc<dyn Extension>| named.role.suits(&**extension);
            // One that is not there could not be built, which has been said.
            if extensions.get(&named.id).is_none_or(suits) {
                continue;
            }
            let able = extensions.iter().filter(|(_, extension)| suits(extension));
            let able: Vec<String> = able.map(|(id, _)| format!("`{id}`")).collect();
            failures.push(BuildFailure {
                place: format!("{}::{}::{}", kind.section(), component.id, named.path.join("::")),
                message: format!(
                    "the extension `{}`, as it is configured, is not {}",
                    named.id,
                    named.role.as_str()
                ),
                advice: (!able.is_empty())
                    .then(|| format!("in `service::extensions` this would do: {}", able.join(", "))),
                source: None,
            });
        }
    }
    failures
}
