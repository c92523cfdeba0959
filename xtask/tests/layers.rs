//! The layer table holds for the workspace, and would notice if it did not.

use xtask::layers::{Edge, layers, violations};

#[test]
fn the_workspace_keeps_its_layers() {
    layers().unwrap();
}

fn check(from: &str, folder: &str, to: &str, expect: &[&str]) {
    let edge = Edge {
        from: from.into(),
        folder: folder.into(),
        to: to.into(),
    };
    assert_eq!(violations(&[edge]), expect);
}

#[test]
fn arrows_point_down() {
    check("weir-pdata", "crates/weir-pdata/", "weir-proto", &[]);
    check(
        "weir-proto",
        "crates/weir-proto/",
        "weir-pdata",
        &["weir-proto -> weir-pdata"],
    );
}

#[test]
fn building_blocks_do_not_import_each_other() {
    check("weir-runtime", "crates/weir-runtime/", "weir-config", &[]);
    check(
        "weir-config",
        "crates/weir-config/",
        "weir-runtime",
        &["weir-config -> weir-runtime"],
    );
    check(
        "weir-net",
        "crates/weir-net/",
        "weir-export",
        &["weir-net -> weir-export"],
    );
}

#[test]
fn components_know_neither_each_other_nor_the_runtime() {
    let (from, folder) = ("weir-exporter-debug", "components/exporters/debug/");
    check(from, folder, "weir-export", &[]);
    check(
        from,
        folder,
        "weir-runtime",
        &["weir-exporter-debug -> weir-runtime"],
    );
    check(
        from,
        folder,
        "weir-exporter-nop",
        &["weir-exporter-debug -> weir-exporter-nop"],
    );
}

#[test]
fn a_crate_in_no_layer_is_reported() {
    check(
        "weir-extra",
        "crates/weir-extra/",
        "weir-proto",
        &["weir-extra (crates/weir-extra/) is in no layer"],
    );
}
