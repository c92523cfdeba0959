//! The page `docs/compatibility.md`: what Weir does with every key of the Collector, found out by trying each.
//!
//! `collector.yaml` lists the keys, each with a value that is not its default. A key that Weir takes is supported, one that it does not
//! know or refuses is not, with what it says. `WEIR_REWRITE=1 cargo test -p weir --test compatibility` writes the page anew; it is
//! reviewed like code. Nothing on it can be claimed without being so.

mod page;
#[path = "../readme/mod.rs"]
mod readme;
mod trial;

use std::path::Path;

use serde_yaml::Value;
use weir_component::ComponentKind;
use weir_testkit::golden;

pub(crate) const KINDS: [ComponentKind; 5] = [
    ComponentKind::Receiver,
    ComponentKind::Processor,
    ComponentKind::Exporter,
    ComponentKind::Connector,
    ComponentKind::Extension,
];

fn collector() -> Value {
    let mut value: Value = serde_yaml::from_str(include_str!("collector.yaml")).expect("YAML");
    value.apply_merge().expect("merge keys");
    value
}

#[test]
fn the_page_says_what_is_so() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/compatibility.md");
    golden::compare(&page, &page::write(&collector())).unwrap_or_else(|difference| {
        panic!("{difference}\nto renew it: WEIR_REWRITE=1 cargo test -p weir --test compatibility")
    });
}

#[test]
fn every_component_of_this_build_is_on_the_page() {
    let collector = collector();
    for kind in KINDS {
        for factory in weir::components().of_kind(kind) {
            let name = factory.meta().name;
            assert!(
                collector["components"][kind.section()].get(name).is_some(),
                "list the keys that {} `{name}` has in the Collector in collector.yaml",
                kind
            );
        }
    }
}

#[test]
fn differences_are_told_where_the_page_says() {
    let differences = include_str!("../../../../docs/differences.md");
    let collector = collector();
    let parts = KINDS
        .iter()
        .map(|kind| &collector["components"][kind.section()])
        .chain([&collector["blocks"]]);
    for part in parts
        .filter_map(Value::as_mapping)
        .flat_map(serde_yaml::Mapping::values)
    {
        for title in part["differs"]
            .as_mapping()
            .into_iter()
            .flat_map(serde_yaml::Mapping::values)
        {
            let title = title.as_str().expect("a title");
            assert!(
                differences.contains(&format!("## {title}\n")),
                "no section {title}"
            );
        }
    }
}
