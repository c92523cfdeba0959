//! Secrets are seen nowhere: a configuration in which every secret of every component is a text of its own, and everything that the
//! binary says about it, at rest, at work, and where it is wrong.

use std::fs;
use std::io::BufRead;
use std::process::Command;

use serde_json::Value;
use weir_config::schema::Schemas;
use weir_config::{Report, Sources, System};

use crate::weir::{Weir, endpoint, get, send_point};

const TEMPLATE: &str = include_str!("canary/config.yaml");

/// A configuration and the texts that must not be seen.
struct Scene {
    yaml: String,
    canaries: Vec<String>,
}

impl Scene {
    fn new() -> Self {
        let key = rcgen::KeyPair::generate().expect("a key");
        let certificate = rcgen::CertificateParams::new(["localhost".to_owned()])
            .and_then(|params| params.self_signed(&key))
            .expect("a certificate")
            .pem();
        let key = key.serialize_pem();
        // What is not between the marks of PEM is passed over.
        let secret_line = key.lines().nth(1).expect("PEM").to_owned();
        let mut scene = Self {
            yaml: String::new(),
            canaries: vec![secret_line],
        };
        let mut rest = TEMPLATE;
        let marks = ["CANARY", "CERT", "KEY"];
        // The first line speaks about the marks.
        let start = rest.find('\n').expect("lines");
        scene.yaml.push_str(&rest[..start]);
        rest = &rest[start..];
        while let Some((at, mark)) = marks
            .iter()
            .filter_map(|mark| Some((rest.find(mark)?, *mark)))
            .min()
        {
            let canary = format!("hunter{:03}canary", scene.canaries.len());
            let text = match mark {
                "CANARY" => canary.clone(),
                "CERT" => format!("{:?}", format!("{canary}\n{certificate}")),
                _ => format!("{:?}", format!("{canary}\n{key}")),
            };
            scene.canaries.push(canary);
            scene.yaml.push_str(&rest[..at]);
            scene.yaml.push_str(&text);
            rest = &rest[at + mark.len()..];
        }
        scene.yaml.push_str(rest);
        scene
    }

    /// Returns the configuration without a component whose key, which must be one of RSA, cannot be what it is here.
    fn runnable(&self) -> String {
        let (before, assertion) = self
            .yaml
            .split_once("  oauth2client/assertion:")
            .expect("it is there");
        let (_, after) = assertion.split_once("  health_check:").expect("it is there");
        format!("{before}  health_check:{after}")
    }

    /// Returns the lines that show a secret.
    fn seen<'a>(&self, text: &'a str) -> Vec<&'a str> {
        let shows = |line: &&str| self.canaries.iter().any(|canary| line.contains(canary));
        text.lines().filter(shows).collect()
    }

    /// Fails if a text shows a secret.
    #[track_caller]
    fn assert_unseen(&self, what: &str, text: &str) {
        let seen = self.seen(text);
        assert!(seen.is_empty(), "{what} shows secrets:\n{}", seen.join("\n"));
    }
}

/// Adds the keys below a schema that are secret, as `a::b`, `[]` for the items of a list and `*` for any key.
fn secret_keys(schemas: &Schemas, schema: &Value, at: &str, found: &mut Vec<String>) {
    let schema = schemas.resolve(schema);
    if schema["format"] == "password" {
        found.push(at.to_owned());
    }
    for (key, property) in schema["properties"].as_object().into_iter().flatten() {
        secret_keys(schemas, property, &format!("{at}::{key}"), found);
    }
    for (keyword, step) in [("additionalProperties", "*"), ("items", "[]")] {
        if schema[keyword].is_object() {
            secret_keys(schemas, &schema[keyword], &format!("{at}::{step}"), found);
        }
    }
    for keyword in ["anyOf", "oneOf", "allOf"] {
        for alternative in schema[keyword].as_array().into_iter().flatten() {
            secret_keys(schemas, alternative, at, found);
        }
    }
}

/// Returns true if a value has something at a path.
fn is_set(value: &Value, path: &[&str]) -> bool {
    let Some((step, rest)) = path.split_first() else {
        return !value.is_null();
    };
    match (*step, value) {
        ("[]", Value::Array(items)) => items.iter().any(|item| is_set(item, rest)),
        ("*", Value::Object(map)) => map.values().any(|value| is_set(value, rest)),
        (key, Value::Object(map)) => map.get(key).is_some_and(|value| is_set(value, rest)),
        _ => false,
    }
}

#[test]
fn every_secret_of_every_component_is_in_the_scene() {
    let scene: Value = serde_yaml::from_str(&Scene::new().yaml).expect("YAML");
    let schemas = Schemas::of(&weir::components());
    let mut missing = Vec::new();
    for described in schemas.components() {
        let (kind, meta) = (described.factory.kind(), described.factory.meta());
        let mut found = Vec::new();
        secret_keys(&schemas, &described.options, "", &mut found);
        let instances: Vec<&Value> = scene[kind.section()]
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(id, _)| id.split('/').next() == Some(meta.name))
            .map(|(_, options)| options)
            .collect();
        // Keys in a TPM are refused whatever they say.
        for path in found.iter().filter(|path| !path.contains("::tpm::")) {
            let steps: Vec<&str> = path.split("::").skip(1).collect();
            if !instances.iter().any(|options| is_set(options, &steps)) {
                missing.push(format!("{}{path}", meta.name));
            }
        }
        // What reports hide goes by names.
        for path in &found {
            let hidden = path.split("::").any(weir_config::looks_secret);
            assert!(hidden, "{}{path} does not look secret to reports", meta.name);
        }
    }
    missing.sort();
    missing.dedup();
    assert!(missing.is_empty(), "add to canary/config.yaml: {missing:#?}");
}

/// Reads a configuration and returns all that is said about it.
fn reports(yaml: &str) -> String {
    let sources = Sources {
        configs: vec![format!("yaml:{yaml}")],
        ..Sources::default()
    };
    let told = |report: &Report| {
        let json = serde_json::to_string_pretty(report).expect("JSON");
        format!("{report}\n{json}")
    };
    let read = weir_config::load(&sources, &System)
        .and_then(|document| weir_config::read(&document, &weir::components()));
    match read {
        Ok((_, report)) | Err(report) => told(&report),
    }
}

#[test]
fn mistakes_at_and_beside_secrets_show_none() {
    let scene = Scene::new();
    let (mut mistakes, mut shown) = (0, Vec::new());
    let lines: Vec<&str> = scene.yaml.lines().collect();
    let mut check = |what: &str, number: usize, line: String| {
        let broken = [&lines[..number], &[line.as_str()], &lines[number + 1..]]
            .concat()
            .join("\n");
        let told = reports(&broken);
        mistakes += usize::from(told.contains("error"));
        let seen = scene.seen(&told).into_iter().take(1);
        shown.extend(seen.map(|seen| format!("{what} in line {}: {seen}", number + 1)));
    };
    for (number, line) in lines.iter().enumerate() {
        let near = lines[number..lines.len().min(number + 2)].concat();
        if !scene.canaries.iter().any(|canary| near.contains(canary)) {
            continue;
        }
        let indent = &line[..line.len() - line.trim_start().len()];
        check("a tab", number, format!("\t{line}"));
        check("no space", number, line.replace(": ", ":"));
        check("no colon", number, line.replacen(':', "", 1));
        check("an open quote", number, line.replacen(": ", ": \"", 1));
        check("an open bracket", number, line.replacen(": ", ": [", 1));
        check(
            "a mapping in place of a text",
            number,
            line.replacen(": ", ": {a: ", 1) + "}",
        );
        check(
            "a list in place of a text",
            number,
            line.replacen(": ", ": [", 1) + "]",
        );
        check("an unknown key", number, line.replacen(": ", "x: ", 1));
        check(
            "a letter too many",
            number,
            format!("{indent}{}", line.trim_start().replacen('o', "oo", 1)),
        );
        check("a key twice", number, format!("{line}\n{line}"));
        check("one more", number, format!("{line}\n{indent}nonsense: 1"));
        check("one less", number, indent.to_owned());
        check("deeper", number, format!("{indent}  {}", line.trim_start()));
        check(
            "a reference",
            number,
            line.replacen(": ", ": ${env:NO_SUCH_VARIABLE}", 1),
        );
    }
    assert!(shown.is_empty(), "{}", shown.join("\n"));
    assert!(mistakes > 500, "only {mistakes} of the changes are mistakes");
}

#[test]
fn a_mistake_in_one_long_line_shows_no_secret() {
    let scene = Scene::new();
    let mut value: Value = serde_yaml::from_str(&scene.yaml).expect("YAML");
    for (section, id) in [
        ("receivers", "otlp/tls"),
        ("exporters", "otlp_http"),
        ("extensions", "basicauth"),
    ] {
        value[section][id]["nonsense"] = Value::from(1);
    }
    let told = reports(&value.to_string());
    assert!(told.contains("unknown key `nonsense`"), "{told}");
    scene.assert_unseen("the report", &told);
}

/// Runs a subcommand and returns its output and whether it succeeded.
fn run(arguments: &[&str]) -> (String, bool) {
    let output = Command::new(env!("CARGO_BIN_EXE_weir"))
        .args(arguments)
        .output()
        .expect("ran");
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).expect("UTF-8"));
    (text.concat(), output.status.success())
}

#[test]
fn subcommands_show_no_secret() {
    let scene = Scene::new();
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("weir.yaml");
    fs::write(&path, scene.runnable()).expect("written");
    let path = path.to_str().expect("UTF-8");
    for arguments in [
        &["validate"] as &[&str],
        &["print-config"],
        &["print-config", "--origin"],
        &["print-config", "--format", "json"],
        &["print-config", "--format", "json", "--origin"],
    ] {
        let (told, good) = run(&[arguments, &["--config", path]].concat());
        assert!(good, "{told}");
        scene.assert_unseen(&arguments.join(" "), &told);
    }
    // Keys that cannot be used show when the graph is built.
    for (right, wrong) in [("BEGIN PRIVATE", "BEGIN PUBLIC"), ("BEGIN CERT", "BEGIN NO CERT")] {
        fs::write(path, scene.runnable().replace(right, wrong)).expect("written");
        let (told, good) = run(&["validate", "--config", path]);
        assert!(!good, "{told}");
        scene.assert_unseen(wrong, &told);
    }
}

/// Reads log lines up to one that contains `part` into `log`, and returns that one.
fn wait_for(weir: &mut Weir, log: &mut String, part: &str) -> String {
    loop {
        let start = log.len();
        assert_ne!(
            weir.log.read_line(log).expect("log"),
            0,
            "`{part}` did not come: {log}"
        );
        if log[start..].contains(part) {
            return log[start..].to_owned();
        }
    }
}

#[test]
fn a_gateway_at_work_shows_no_secret() {
    let scene = Scene::new();
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("weir.yaml");
    fs::write(&path, scene.runnable()).expect("written");
    let out = folder.path().join("out");
    let mut weir = Weir::start_into(
        &["--config", path.to_str().expect("UTF-8")],
        fs::File::create(&out).expect("created"),
    );
    let mut log = String::new();
    let [mut metrics, mut health, mut zpages, mut otlp] = [const { String::new() }; 4];
    loop {
        let line = wait_for(&mut weir, &mut log, "");
        for (part, address) in [
            ("serving own metrics", &mut metrics),
            ("serving health checks", &mut health),
            ("serving zpages", &mut zpages),
            ("serving OTLP/HTTP", &mut otlp),
        ] {
            if line.contains(part) && address.is_empty() {
                *address = endpoint(&line).to_owned();
            }
        }
        if line.contains("Everything is ready.") {
            break;
        }
    }
    let body = |answer: String| answer.split_once("\r\n\r\n").expect("an answer").1.to_owned();
    // Some exporters have no queue: their attempts have failed when the answer is there.
    for _ in 0..3 {
        let answer = send_point(&otlp).expect("answered");
        assert!(answer.starts_with("HTTP/1.1 5"), "{answer}");
        scene.assert_unseen("an answer", &body(answer));
    }
    let look = || {
        let pages = ["", "servicez", "pipelinez", "extensionz", "featurez", "tracez"]
            .iter()
            .flat_map(|page| ["", "?format=json"].map(|format| (&zpages, format!("/debug/{page}{format}"))));
        let status = ["/status", "/status?verbose", "/config"].map(|path| (&health, path.to_owned()));
        for (address, path) in pages.chain(status).chain([(&metrics, "/metrics".to_owned())]) {
            let answer = get(address, &path);
            assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
            scene.assert_unseen(&path, &body(answer));
        }
    };
    look();
    // A configuration that is wrong at a secret, then one that is good again.
    fs::write(&path, scene.runnable().replace("password: ", "pasword: ")).expect("written");
    weir.signal("HUP");
    wait_for(&mut weir, &mut log, "unknown key `pasword`");
    fs::write(&path, scene.runnable().replace("basicauth/server, ", "")).expect("written");
    weir.signal("HUP");
    wait_for(&mut weir, &mut log, "Configuration reloaded.");
    weir.signal("TERM");
    wait_for(&mut weir, &mut log, "Starting shutdown...");
    // What cannot be delivered is waited for no longer.
    weir.signal("TERM");
    let (rest, _) = weir.end();
    log.push_str(&rest);
    assert!(log.contains("\tdebug\t"), "{log}");
    scene.assert_unseen("the log", &log);
    scene.assert_unseen("standard output", &fs::read_to_string(out).expect("read"));
}
