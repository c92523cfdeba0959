//! From a declaration to what readers see.

use super::*;

const SEEN: Def = Def::new("weir_test_seen", "Things seen.").of("{things}");
const FINE: Def = Def::new("weir_test_fine", "Fine things.").from_level(Level::Detailed);
const TOOK: Def = Def::new("weir_test_took", "Time.").unit(Unit::Seconds);

fn view(name: &str, change: impl FnOnce(&mut View)) -> View {
    let mut view = View {
        selector: ViewSelector {
            name: Some(name.to_owned()),
            ..ViewSelector::default()
        },
        ..View::default()
    };
    change(&mut view);
    view
}

fn buckets(bound: f64) -> Aggregation {
    Aggregation::Buckets {
        bounds: Some(vec![bound]),
        extremes: false,
    }
}

#[test]
fn names_are_exposed_as_declared_and_levels_are_kept() {
    let metrics = Metrics::new(Level::Normal);
    metrics.counter(&SEEN, &[("receiver", "otlp/a")]).increment(3);
    metrics.counter(&FINE, &[]).increment(1);
    let text = metrics.render();
    assert!(text.contains("weir_test_seen{receiver=\"otlp/a\"} 3"), "{text}");
    assert!(!text.contains("weir_test_fine"), "{text}");
}

#[test]
fn readers_of_one_registry_show_it_each_in_their_way() {
    let used = Def::new("weir_test_used", "Time.").unit(Unit::Seconds);
    let held = Def::new("weir.test.held", "Memory.").unit(Unit::Bytes);
    let metrics = Metrics::new(Level::Normal);
    metrics.counter(&SEEN, &[]).increment(1);
    metrics.gauge(&held, &[("server.address", "a\"b")]).set(8.0);
    metrics.set_total(&used, 1.25);
    let snapshot = metrics.snapshot();
    let plain = Exposition::default().render(&snapshot);
    for line in [
        "weir_test_seen 1",
        "weir_test_held{server_address=\"a\\\"b\"} 8",
        "weir_test_used 1.25",
    ] {
        assert!(plain.contains(line), "{line}: {plain}");
    }
    assert!(!plain.contains("target_info"), "{plain}");
    let labels = |name: &str, value: &str| BTreeMap::from([(name.to_owned(), value.to_owned())]);
    let rich = Exposition {
        suffixes: true,
        scope_version: Some("1".to_owned()),
        resource: labels("service.name", "weir"),
        constant_labels: labels("zone", "z"),
    }
    .render(&snapshot);
    for line in [
        "target_info{service_name=\"weir\"} 1",
        "weir_test_seen_total{zone=\"z\",otel_scope_name=\"weir\",otel_scope_version=\"1\"} 1",
        "weir_test_held_bytes{zone=\"z\",server_address=",
        "weir_test_used_seconds_total{zone=\"z\",",
    ] {
        assert!(rich.contains(line), "{line}: {rich}");
    }
}

#[test]
fn histograms_show_their_buckets_as_sums() {
    let metrics = Metrics::default();
    let took = metrics.histogram(&TOOK, &[("k", "v")]);
    for value in [0.002, 0.002, 100.0] {
        took.record(value);
    }
    let text = metrics.render();
    for line in [
        "# TYPE weir_test_took histogram",
        "weir_test_took_bucket{k=\"v\",le=\"0.001\"} 0",
        "weir_test_took_bucket{k=\"v\",le=\"0.0025\"} 2",
        "weir_test_took_bucket{k=\"v\",le=\"60\"} 2",
        "weir_test_took_bucket{k=\"v\",le=\"+Inf\"} 3",
        "weir_test_took_sum{k=\"v\"} 100.004",
        "weir_test_took_count{k=\"v\"} 3",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
}

#[test]
fn views_drop_rename_and_cut() {
    let views = vec![
        view("weir_test_fi*", |view| view.aggregation = Aggregation::Drop),
        view("weir_test_took", |view| {
            view.aggregation = buckets(1.0);
            view.description = Some("Otherwise.".to_owned());
        }),
        view("weir_test_took", |view| {
            view.aggregation = Aggregation::Sum;
            view.name = Some("spent".to_owned());
        }),
        view("weir_test_seen", |view| {
            view.keys.excluded = vec!["peer".to_owned()]
        }),
    ];
    let metrics = Metrics::with_views(Level::Detailed, views);
    metrics.counter(&FINE, &[]).increment(1);
    let took = metrics.histogram(&TOOK, &[]);
    took.record(0.5);
    took.record(2.0);
    metrics.counter(&SEEN, &[("a", "1"), ("peer", "x")]).increment(1);
    // A figure kept elsewhere takes the place of the one before, also when it is added to another.
    for seen in [3, 4] {
        let labels = [("a", "1"), ("peer", "y")];
        metrics.counter(&SEEN, &labels).absolute(seen);
    }
    let text = metrics.render();
    let expect = "# HELP spent Time.\n# TYPE spent counter\nspent 2.5\n\
        # HELP weir_test_seen Things seen.\n# TYPE weir_test_seen counter\nweir_test_seen{a=\"1\"} 5\n\
        # HELP weir_test_took Otherwise.\n# TYPE weir_test_took histogram\nweir_test_took_bucket{le=\"1\"} 1\n\
        weir_test_took_bucket{le=\"+Inf\"} 2\nweir_test_took_sum 2.5\nweir_test_took_count 2\n";
    assert_eq!(text, expect);
}

#[test]
fn views_find_instruments_by_kind_unit_and_scope() {
    let found = |selector: ViewSelector| {
        let hidden = View {
            selector,
            aggregation: Aggregation::Drop,
            ..View::default()
        };
        let metrics = Metrics::with_views(Level::Detailed, vec![hidden]);
        metrics.counter(&SEEN, &[]).increment(1);
        metrics.histogram(&TOOK, &[]).record(1.0);
        let shown = metrics.snapshot().metrics;
        shown.into_iter().map(|metric| metric.name).collect::<Vec<_>>()
    };
    let by = ViewSelector::default;
    assert_eq!(
        found(ViewSelector {
            kind: Some(InstrumentKind::Counter),
            ..by()
        }),
        ["weir_test_took"]
    );
    assert_eq!(
        found(ViewSelector {
            unit: Some("s".to_owned()),
            ..by()
        }),
        ["weir_test_seen"]
    );
    assert_eq!(
        found(ViewSelector {
            scope: Some("weir".to_owned()),
            ..by()
        }),
        [""; 0]
    );
    assert_eq!(
        found(ViewSelector {
            name: Some("other".to_owned()),
            ..by()
        })
        .len(),
        2
    );
}

#[test]
fn an_aggregation_that_does_not_fit_leaves_the_instrument_as_it_is() {
    let views = vec![
        view("weir_test_seen", |view| view.aggregation = buckets(1.0)),
        view("weir_test_took", |view| {
            view.name = Some("weir_test_seen".to_owned())
        }),
    ];
    let metrics = Metrics::with_views(Level::Detailed, views);
    metrics.counter(&SEEN, &[]).increment(2);
    // Two kinds cannot share a name.
    metrics.histogram(&TOOK, &[("k", "v")]).record(1.0);
    assert!(
        metrics.render().contains("weir_test_seen 2"),
        "{}",
        metrics.render()
    );
}
