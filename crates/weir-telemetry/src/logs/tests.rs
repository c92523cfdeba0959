//! Whole lines, from event to file.

use std::path::PathBuf;

use serde_json::json;

use super::*;

#[derive(Debug, thiserror::Error)]
#[error("outer")]
struct Outer(#[source] std::num::ParseIntError);

/// Logs into a file and returns what is in it.
fn logged(settings: LogSettings, log: impl FnOnce()) -> String {
    let folder = tempfile::tempdir().expect("folder");
    let path: PathBuf = folder.path().join("weir.log");
    let settings = LogSettings {
        outputs: vec![LogOutput::File(path.clone())],
        ..settings
    };
    let (subscriber, guard) = subscriber(&settings).expect("subscriber");
    tracing::subscriber::with_default(subscriber, log);
    drop(guard);
    std::fs::read_to_string(path).expect("log file")
}

fn talk() {
    let span = tracing::info_span!("component", otelcol.component.id = "otlp/a");
    let _entered = span.enter();
    let error = Outer("x".parse::<u8>().unwrap_err());
    tracing::warn!(
        items = 3,
        ratio = f64::NAN,
        ok = true,
        error = &error as &dyn std::error::Error,
        "slow \"sink\""
    );
    tracing::debug!("not seen");
}

#[test]
fn json_lines_have_the_collectors_keys() {
    let settings = LogSettings {
        encoding: Encoding::Json,
        resource: Map::from_iter([("service.name".to_owned(), json!("weir"))]),
        initial_fields: Map::from_iter([("site".to_owned(), json!({"rack": 7}))]),
        ..LogSettings::default()
    };
    let text = logged(settings, talk);
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect(line))
        .collect();
    let [line] = &lines[..] else { panic!("{text}") };
    assert_eq!(line["level"], "warn");
    assert_eq!(line["msg"], "slow \"sink\"");
    assert_eq!(line["resource"], json!({"service.name": "weir"}));
    assert_eq!(line["site"], json!({"rack": 7}));
    assert_eq!(line["otelcol.component.id"], "otlp/a");
    assert_eq!(
        (&line["items"], &line["ok"], &line["ratio"]),
        (&json!(3), &json!(true), &json!("NaN"))
    );
    assert_eq!(line["error"], "outer: invalid digit found in string");
    assert!(
        line["caller"]
            .as_str()
            .is_some_and(|caller| caller.starts_with("weir-telemetry/logs/tests.rs:")),
        "{text}"
    );
    let time = line["ts"].as_str().expect("time");
    assert_eq!((&time[10..11], &time[19..20]), ("T", "."), "{time}");
}

#[test]
fn console_lines_are_separated_by_tabs() {
    let text = logged(
        LogSettings {
            disable_caller: true,
            ..LogSettings::default()
        },
        || {
            tracing::info!(count = 1, name = "a", "two\nlines, and a \x1b[31mcolour");
            tracing::error!("bare");
        },
    );
    let (first, last) = text.trim_end().rsplit_once('\n').expect("lines");
    let parts: Vec<&str> = first.split('\t').collect();
    assert_eq!(
        parts[1..],
        [
            "info",
            "two\nlines, and a \\u001b[31mcolour",
            "{\"count\": 1, \"name\": \"a\"}"
        ]
    );
    assert!(last.ends_with("\terror\tbare"), "{last}");
}

#[test]
fn levels_and_sampling_hold_lines_back() {
    let settings = LogSettings {
        level: LogLevel::Warn,
        sampling: Some(Sampling {
            thereafter: 0,
            ..Sampling::default()
        }),
        ..LogSettings::default()
    };
    let text = logged(settings, || {
        (0..50).for_each(|_| {
            tracing::info!("low");
            tracing::warn!("again")
        })
    });
    assert_eq!(text.lines().count(), 10, "{text}");
    assert_eq!(
        logged(
            LogSettings {
                level: LogLevel::Fatal,
                ..LogSettings::default()
            },
            talk
        ),
        ""
    );
}

#[test]
fn a_file_that_cannot_be_opened_is_an_error() {
    let settings = LogSettings {
        outputs: vec![LogOutput::File("/nowhere/at/all/weir.log".into())],
        ..LogSettings::default()
    };
    assert!(matches!(
        subscriber(&settings).map(|_| ()),
        Err(LogError::Open { .. })
    ));
}

#[test]
fn settings_and_outputs_are_replaced_while_logs_go_on() {
    let folder = tempfile::tempdir().expect("folder");
    let [first, second] = ["first.log", "second.log"].map(|name| folder.path().join(name));
    let settings = |path: &PathBuf, level| LogSettings {
        level,
        outputs: vec![LogOutput::File(path.clone())],
        ..LogSettings::default()
    };
    let (subscriber, mut guard) = subscriber(&settings(&first, LogLevel::Info)).expect("subscriber");
    tracing::subscriber::with_default(subscriber, || {
        let say = |message: &str| tracing::debug!("{message}");
        say("one");
        tracing::info!("two");
        guard
            .replace(&settings(&folder.path().join("nowhere/x.log"), LogLevel::Debug))
            .expect_err("cannot be opened");
        tracing::info!("three");
        guard
            .replace(&settings(&second, LogLevel::Debug))
            .expect("replaced");
        say("four");
    });
    drop(guard);
    let messages = |path| -> Vec<String> {
        let text = std::fs::read_to_string(path).expect("log file");
        text.lines()
            .map(|line| line.split('\t').nth(3).expect("message").to_owned())
            .collect()
    };
    assert_eq!(messages(first), ["two", "three"]);
    assert_eq!(messages(second), ["four"]);
}

#[derive(Clone, Default)]
struct Taken(std::sync::Arc<std::sync::Mutex<Vec<Record>>>);

impl TakeRecords for Taken {
    fn take(&self, record: Record) {
        self.0.lock().expect("lock").push(record);
    }
}

#[test]
fn records_have_values_and_are_not_thinned_out() {
    let taken = Taken::default();
    let settings = LogSettings {
        sampling: Some(Sampling {
            initial: 1,
            thereafter: 0,
            ..Sampling::default()
        }),
        records: Some(Records::to(taken.clone())),
        ..LogSettings::default()
    };
    let text = logged(settings, || {
        talk();
        talk();
        tracing::warn!(target: QUIET, "cannot push");
        let _pushing = tracing::error_span!(target: QUIET, "push").entered();
        tracing::info!("about the push");
    });
    assert_eq!(text.lines().count(), 3, "{text}");
    let taken = taken.0.lock().expect("lock");
    let [record, again] = &taken[..] else {
        panic!("{taken:?}")
    };
    assert_eq!(record.message, again.message);
    assert_eq!(record.level, Level::WARN);
    let fields = [
        ("otelcol.component.id", json!("otlp/a")),
        ("items", json!(3)),
        ("ratio", json!("NaN")),
        ("ok", json!(true)),
        ("error", json!("outer: invalid digit found in string")),
    ];
    assert_eq!(record.fields, fields);
    let (file, _) = record.caller.as_ref().expect("caller");
    assert_eq!(file, "weir-telemetry/logs/tests.rs");
}

#[test]
fn development_shows_the_way_to_warnings() {
    let settings = |disable_stacktrace| LogSettings {
        encoding: Encoding::Json,
        development: true,
        disable_stacktrace,
        ..LogSettings::default()
    };
    let stack = |text: String| -> Option<String> {
        let line: serde_json::Value = serde_json::from_str(text.trim_end()).expect("a line");
        Some(line.get("stacktrace")?.as_str()?.to_owned())
    };
    let shown = stack(logged(settings(false), talk)).expect("a stack");
    assert!(shown.contains("talk"), "{shown}");
    assert_eq!(stack(logged(settings(true), talk)), None);
    let calm = logged(settings(false), || tracing::info!("calm"));
    assert_eq!(stack(calm), None);
}

#[test]
fn failures_of_the_logs_are_told_where_errors_go() {
    let folder = tempfile::tempdir().expect("folder");
    let errors = folder.path().join("errors");
    let settings = LogSettings {
        // Takes nothing: every write fails.
        outputs: vec![LogOutput::File("/dev/full".into())],
        error_outputs: vec![LogOutput::File(errors.clone())],
        ..LogSettings::default()
    };
    let Ok((subscriber, guard)) = subscriber(&settings) else {
        // Not on this system.
        return;
    };
    tracing::subscriber::with_default(subscriber, || tracing::info!("lost"));
    drop(guard);
    let told = std::fs::read_to_string(errors).expect("errors");
    assert!(told.starts_with("cannot write logs: "), "{told}");
}
