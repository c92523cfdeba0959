//! The command line of the built binary: results, messages and exit codes.

mod program;

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use program::weir;

const GOOD: &str = "
receivers: {otlp: {protocols: {grpc: {endpoint: '127.0.0.1:0'}}}}
exporters:
  prometheus_remote_write: {endpoint: 'http://127.0.0.1:1/write', headers: {Authorization: Bearer hunter2}}
service: {pipelines: {metrics: {receivers: [otlp], exporters: [prometheus_remote_write]}}}
";

/// Writes a configuration into a folder of its own.
fn file(text: &str) -> (TempDir, String) {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("weir.yaml");
    fs::write(&path, text).expect("written");
    let path = path.to_str().expect("UTF-8").to_owned();
    (folder, path)
}

#[test]
fn every_example_is_valid() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs");
    let mut examples: Vec<PathBuf> = fs::read_dir(folder)
        .expect("configs")
        .map(|entry| entry.expect("entry").path())
        .collect();
    examples.sort();
    assert!(examples.len() >= 8, "{examples:?}");
    for example in examples {
        let text = fs::read_to_string(&example).expect("read");
        assert!(
            text.starts_with("# "),
            "{}: has no purpose header",
            example.display()
        );
        let (code, out, err) = weir(&["validate", "--config", example.to_str().expect("UTF-8")]);
        // Certificates are not there, and that is all that may be said.
        let warned = err.lines().filter(|line| line.starts_with("warning: "));
        let only_files = warned
            .clone()
            .all(|line| line.starts_with("warning: cannot read the file"));
        assert!(
            code == 0 && out.is_empty() && only_files && (err.is_empty() || warned.count() > 0),
            "{}: {code} {out}{err}",
            example.display()
        );
    }
}

#[test]
fn the_version_is_printed_in_either_spelling() {
    let version = format!("weir version {}\n", env!("CARGO_PKG_VERSION"));
    for flag in ["-v", "--version"] {
        assert_eq!(weir(&[flag]), (0, version.clone(), String::new()));
    }
}

#[test]
fn components_are_listed_by_kind_in_order() {
    let (code, out, err) = weir(&["components"]);
    assert_eq!((code, err.as_str()), (0, ""));
    let places = [
        "buildinfo:",
        "command: weir",
        "receivers:",
        "name: otlp",
        "processors:",
        "name: batch",
        "name: memory_limiter",
        "exporters:",
        "name: debug",
        "name: nop",
        "name: prometheus_remote_write",
        "metrics: Beta",
        "connectors:",
        "extensions:",
        "name: health_check",
        "extension: Beta",
        "providers:",
        "scheme: env",
    ];
    let mut rest = out.as_str();
    for place in places {
        let at = rest
            .find(place)
            .unwrap_or_else(|| panic!("{place} is missing or out of order: {out}"));
        rest = &rest[at + place.len()..];
    }
}

#[test]
fn every_mistake_is_reported_with_its_place() {
    let bad = GOOD
        .replace("grpc:", "grcp:")
        .replace("[prometheus_remote_write]", "[prometheus]");
    let (_folder, path) = file(&bad);
    for command in [
        &["validate", "--config"][..],
        &["--config"],
        &["print-config", "--config"],
    ] {
        let (code, out, err) = weir(&[command, &[&path]].concat());
        assert_eq!((code, out.as_str()), (1, ""), "{err}");
        for part in [
            "grcp",
            "`grpc`",
            &format!("{path}:2:"),
            "prometheus",
            &format!("{path}:5:"),
        ] {
            assert!(err.contains(part), "{part}: {err}");
        }
    }
}

#[test]
fn a_file_that_is_missing_and_no_file_at_all_are_errors() {
    let (code, out, err) = weir(&["validate", "--config", "/nowhere/weir.yaml"]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("/nowhere/weir.yaml"), "{err}");
    let (code, _, err) = weir(&[]);
    assert_eq!(code, 1);
    assert!(err.contains("--config"), "{err}");
}

#[test]
fn flags_that_nobody_knows_are_errors() {
    for arguments in [
        &["--bogus"][..],
        &["bogus"],
        &["print-config", "--format", "toml"],
    ] {
        let (code, out, err) = weir(arguments);
        assert_eq!((code, out.as_str()), (1, ""), "{err}");
        assert!(err.starts_with("Error: "), "{err}");
    }
    let (code, _, err) = weir(&["validate", "--feature-gates", "no.such.gate"]);
    assert_eq!(
        (code, err.as_str()),
        (
            1,
            "Error: unknown feature gate `no.such.gate`: see `featuregate` for the list\n"
        )
    );
}

#[test]
fn printed_configurations_hide_secrets_unless_asked() {
    let (_folder, path) = file(GOOD);
    let (code, out, err) = weir(&[
        "print-config",
        "--config",
        &path,
        "--set",
        "exporters.prometheus_remote_write.timeout=7s",
    ]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.contains("[REDACTED]") && !out.contains("hunter2"), "{out}");
    assert!(
        out.contains("timeout: 7s") && out.contains("max_batch_size_bytes: 3000000"),
        "{out}"
    );
    let (_, out, _) = weir(&[
        "print-config",
        "--config",
        &path,
        "--mode",
        "unredacted",
        "--format",
        "json",
        "--validate=false",
    ]);
    assert!(
        out.starts_with('{') && out.contains("\"Bearer hunter2\""),
        "{out}"
    );
}

#[test]
fn feature_gates_are_listed_and_described() {
    let (code, out, _) = weir(&["featuregate"]);
    assert!(code == 0 && out.contains("service.partialReload "), "{out}");
    let (code, out, _) = weir(&["featuregate", "exporter.prometheusremotewritexporter.RetryOn429"]);
    assert!(
        code == 0 && out.contains("Enabled: true") && out.contains("Stage: Alpha"),
        "{out}"
    );
    assert_eq!(weir(&["featuregate", "nothing"]).0, 1);
}

#[test]
fn shells_learn_commands_and_flags() {
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let (code, out, err) = weir(&["completion", shell]);
        assert_eq!((code, err.as_str()), (0, ""), "{shell}");
        for part in ["validate", "demo", "shutdown-timeout", "mode"] {
            assert!(out.contains(part), "{shell}: {part}: {out}");
        }
    }
    assert_eq!(weir(&["completion", "cmd"]).0, 1);
}

#[test]
fn help_is_a_flag_and_a_command() {
    for arguments in [
        &["help"][..],
        &["--help"],
        &["-h"],
        &["help", "validate"],
        &["validate", "--help"],
    ] {
        let (code, out, err) = weir(arguments);
        assert_eq!((code, err.as_str()), (0, ""), "{arguments:?}");
        assert!(out.contains("--config <URI>"), "{arguments:?}: {out}");
    }
}

#[test]
fn gates_that_change_the_meaning_of_a_configuration_are_honoured() {
    let (_folder, path) = file("extensions: {health_check: }\nservice: {extensions: [health_check]}\n");
    let (code, _, err) = weir(&["validate", "--config", &path]);
    assert!(code == 1 && err.contains("there are no pipelines"), "{err}");
    let gates = "service.AllowNoPipelines";
    let (code, _, err) = weir(&["validate", "--config", &path, "--feature-gates", gates]);
    assert_eq!((code, err.as_str()), (0, ""));

    let (_folder, path) = file(GOOD);
    let set = "service.pipelines.metrics.exporters=[nop]";
    let nop = "exporters.nop={}";
    let arguments = ["print-config", "--config", &path, "--set", set, "--set", nop];
    let gated = [
        &arguments[..],
        &["--feature-gates", "confmap.enableMergeAppendOption"],
    ]
    .concat();
    let both = "exporters:\n      - prometheus_remote_write\n      - nop";
    assert!(weir(&gated).1.contains(both), "{}", weir(&gated).1);
    assert!(!weir(&arguments).1.contains(both));
}

#[test]
fn origins_of_values_are_printed_on_request() {
    let (_folder, path) = file(GOOD);
    let arguments = ["print-config", "--config", &path, "--origin"];
    let set = ["--set", "exporters.prometheus_remote_write.timeout=7s"];
    let (code, out, err) = weir(&[&arguments[..], &set].concat());
    assert_eq!((code, err.as_str()), (0, ""));
    for line in [
        format!("endpoint: http://127.0.0.1:1/write  # {path}:4:"),
        "timeout: 7s  # --set exporters.prometheus_remote_write.timeout".to_owned(),
        "max_batch_size_bytes: 3000000  # default".to_owned(),
    ] {
        assert!(out.contains(&line), "{line}: {out}");
    }
    assert!(out.contains("[REDACTED]") && !out.contains("hunter2"), "{out}");
    let (code, out, _) = weir(&[&arguments[..], &set, &["--format", "json"]].concat());
    assert_eq!(code, 0);
    for part in [
        "\"config\": {",
        "\"origin\": {",
        "\"--set exporters.prometheus_remote_write.timeout\"",
    ] {
        assert!(out.contains(part), "{part}: {out}");
    }
    assert!(!out.contains("hunter2"), "{out}");
}

/// A configuration with rules in two places.
const RULES: &str = r#"
receivers: {otlp: {protocols: {grpc: {endpoint: '127.0.0.1:0'}}}}
processors:
  relabel/pods:
    relabel_configs:
      - {source_labels: [__resource_service.name], target_label: __tmp_job}
      - {source_labels: [k8s.pod.name], regex: '(.*)-[0-9]+', target_label: set, replacement: '${1}'}
      - {source_labels: [__tmp_job, set], separator: /, target_label: set}
      - {action: labeldrop, regex: 'k8s[.].*'}
exporters:
  prometheus_remote_write:
    endpoint: http://127.0.0.1:1/write
    write_relabel_configs:
      - {source_labels: [__name__, le], regex: '.*_bucket;(.*)', target_label: __tmp_bound}
      - {source_labels: [job], action: uppercase, target_label: job}
      - {source_labels: [job], target_label: owner, action: keepequal}
      - {source_labels: [__name__], regex: debug_.*, action: drop}
service: {pipelines: {metrics: {receivers: [otlp], processors: [relabel/pods], exporters: [prometheus_remote_write]}}}
"#;

#[test]
fn rules_are_told_one_by_one() {
    let (_folder, path) = file(RULES);
    let relabel = |more: &[&str]| weir(&[&["relabel", "--config", &path], more].concat());
    let pods = "relabel_configs of relabel/pods

   {__name__=\"queue.depth\", \"__resource_service.name\"=\"shop\", \"k8s.pod.name\"=\"db-3\"}
 1 replace    \"shop\" matches: __tmp_job=\"shop\"
 2 replace    \"db-3\" matches: set=\"db\"
 3 replace    \"shop/db\" matches: set=\"db\" becomes \"shop/db\"
 4 labeldrop  matches: without \"k8s.pod.name\"=\"db-3\"
   end        without \"__resource_service.name\"=\"shop\", without __tmp_job=\"shop\"

kept: {__name__=\"queue.depth\", set=\"shop/db\"}
";
    let labels = r#"{"queue.depth", "k8s.pod.name"="db-3", "__resource_service.name"="shop"}"#;
    assert_eq!(
        relabel(&["--component", "relabel/pods", labels]),
        (0, pods.to_owned(), String::new())
    );
    let series = "write_relabel_configs of prometheus_remote_write

   {__name__=\"debug_a\", job=\"shop\", owner=\"SHOP\"}
 1 replace    \"debug_a;\" does not match
 2 uppercase  \"shop\": job=\"shop\" becomes \"SHOP\"
 3 keepequal  \"SHOP\" is equal
 4 drop       \"debug_a\" matches: dropped

dropped by rule 4
";
    let labels = r#"debug_a{job="shop", owner="SHOP"}"#;
    let component = ["--component", "prometheus_remote_write"];
    assert_eq!(
        relabel(&[component[0], component[1], labels]),
        (2, series.to_owned(), String::new())
    );
    let (code, out, _) = relabel(&[
        component[0],
        component[1],
        "--json",
        r#"x_bucket{le="1", job="A", owner="A"}"#,
    ]);
    let told: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((code, &told["kept"]), (0, &true.into()));
    assert_eq!(told["steps"][0]["value"], "x_bucket;1");
    assert_eq!(told["steps"][3]["matches"], false);
    let result =
        serde_json::json!({"__name__": "x_bucket", "__tmp_bound": "1", "job": "A", "le": "1", "owner": "A"});
    assert_eq!(told["result"], result);
    for (arguments, expected) in [
        (
            &["{}"][..],
            "Error: several components have rules of relabeling: say which with `--component`, `relabel/pods` or `prometheus_remote_write`\n",
        ),
        (
            &["--component", "batch", "{}"],
            "Error: the component `batch` has no rules of relabeling\n",
        ),
        (
            &["{a}"],
            "Error: cannot read the labels `{a}`: `=` and a value in quotes are missing behind `a`\n",
        ),
    ] {
        assert_eq!(relabel(arguments), (1, String::new(), expected.to_owned()));
    }
    let (code, out, _) = relabel(&["--component", "relabel/pods", "{a=\"b\"}"]);
    assert!(
        code == 2 && out.ends_with("dropped: no metric name is left (no_metric_name)\n"),
        "{out}"
    );
}
