use weir_pdata::view::push_double;
use weir_prom::float::push_label_number;
use weir_prom::label::LabelNamer;
use weir_prom::name::{MetricNamer, NameClass, Strategy, UnitTable};

use super::file::each;

pub(crate) fn strategy(text: &str) -> Strategy {
    match text {
        "" | "UES" => Strategy::UnderscoreEscapingWithSuffixes,
        "UE" => Strategy::UnderscoreEscapingWithoutSuffixes,
        "NUS" => Strategy::NoUTF8EscapingWithSuffixes,
        "NT" => Strategy::NoTranslation,
        other => panic!("unknown strategy {other}"),
    }
}

pub(crate) fn label_mode(text: &str) -> LabelNamer {
    LabelNamer {
        utf8: text == "U",
        preserve_multiple_underscores: text.starts_with('P'),
        underscore_prefix: text.ends_with('K'),
    }
}

#[test]
fn metric_names() {
    each("metric_names", |v| {
        let namer = MetricNamer::new(
            strategy(v.text("strategy")),
            v.text("namespace"),
            UnitTable::default(),
        );
        let class = match v.text("type") {
            "gauge" => NameClass::Gauge,
            "counter" => NameClass::Counter,
            _ => NameClass::Other,
        };
        let got = namer.name(v.text("name"), v.text("unit"), class);
        if v.has("want_error") {
            assert!(got.is_err(), "{got:?}");
        } else {
            assert_eq!(got.as_deref(), Ok(v.text("want")));
        }
    });
}

#[test]
fn an_empty_name_is_an_error_in_every_strategy() {
    for text in ["UES", "UE", "NUS", "NT"] {
        let namer = MetricNamer::new(strategy(text), "ns", UnitTable::default());
        assert!(namer.name("", "s", NameClass::Counter).is_err());
    }
}

#[test]
fn utf8_suffixes_are_cut_only_as_words() {
    let namer = MetricNamer::new(strategy("NUS"), "", UnitTable::default());
    let name = |name, unit, class| namer.name(name, unit, class).unwrap();
    assert_eq!(name("subtotal", "", NameClass::Counter), "subtotal_total");
    assert_eq!(name("zusätotal", "", NameClass::Counter), "zusätotal_total");
    assert_eq!(name("x→total", "", NameClass::Counter), "x_total");
    assert_eq!(
        name("foo_seconds_total", "s", NameClass::Counter),
        "foo_seconds_total"
    );
    assert_eq!(name("foomilliseconds", "s", NameClass::Gauge), "foomilliseconds");
    assert_eq!(name("hit_ratio", "1", NameClass::Gauge), "hit_ratio");
}

#[test]
fn kby_is_an_extra() {
    let namer = MetricNamer::new(strategy("UES"), "", UnitTable { kby: true });
    assert_eq!(
        namer.name("net.rx", "kBy", NameClass::Counter).unwrap(),
        "net_rx_kilobytes_total"
    );
}

#[test]
fn unit_metadata() {
    let namer = MetricNamer::default();
    each("unit_metadata", |v| {
        assert_eq!(namer.metadata_unit(v.text("unit")), v.text("want"))
    });
}

#[test]
fn label_names() {
    each("label_names", |v| {
        let got = label_mode(v.text("mode")).name(v.text("in"));
        if v.has("want_error") {
            assert!(got.is_err(), "{got:?}");
        } else {
            assert_eq!(got.as_deref(), Ok(v.text("want")));
        }
    });
}

#[test]
fn float_labels() {
    each("float_labels", |v| {
        let mut text = String::new();
        push_label_number(&mut text, v.float("value").unwrap());
        assert_eq!(text, v.text("want"));
    });
}

#[test]
fn attribute_numbers_at_the_edges() {
    for (value, want) in [
        (0.0, "0"),
        (1e-6, "0.000001"),
        (9.99e-7, "9.99e-7"),
        (1e21, "1e+21"),
        (-1.5e300, "-1.5e+300"),
        (999_999_999_999_999_900_000.0, "999999999999999900000"),
        (f64::NAN, "NaN"),
        (f64::NEG_INFINITY, "-Infinity"),
    ] {
        let mut text = String::new();
        push_double(&mut text, value);
        assert_eq!(text, want);
    }
}
