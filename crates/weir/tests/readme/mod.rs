//! The READMEs of components.

use std::fs;
use std::path::Path;

use serde_yaml::Value;
use weir_component::ComponentKind;

/// Returns options with which a component can be read: those of the first example in its README.
pub(crate) fn example(kind: ComponentKind, name: &str) -> Value {
    let readme = format!("../../components/{}/{name}/README.md", kind.section());
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join(readme);
    let text = fs::read_to_string(&readme).unwrap_or_else(|error| panic!("{}: {error}", readme.display()));
    let examples = text
        .split("```yaml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next());
    let mut found = examples.filter_map(|example| {
        let example: Value = serde_yaml::from_str(example).ok()?;
        let section = example.get(kind.section())?.as_mapping()?.clone();
        section.into_iter().find_map(|(id, options)| {
            let type_name = id.as_str()?.split('/').next()?;
            (type_name == name).then_some(options)
        })
    });
    found.next().unwrap_or_default()
}
