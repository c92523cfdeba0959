//! Relabeling against Prometheus itself: random rules, random series, the same result.
//!
//! Each run has other cases. `WEIR_RELABEL_SEED` repeats a run by the seed that it printed, `WEIR_RELABEL_CASES` asks for more than
//! [`CASES`].

mod random_rules;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use weir_integration::exposition::Exposition;
use weir_integration::gateway::{Gateway, Ports, config};
use weir_integration::http::Client;
use weir_integration::otlp::{deliver, gauges, now, numbered};
use weir_integration::prometheus::{Prometheus, RECEIVING};
use weir_integration::series::Labels;
use weir_integration::wait::until;
use weir_relabel::{RuleConfig, Verdict, apply, compile};

use random_rules::{Dice, rules, series};

/// Label sets that are relabeled, unless more are asked for.
const CASES: usize = 10_000;

/// Lists of rules that a Prometheus works on at a time, and series that each of them sees.
const JOBS: usize = 250;
const SERIES: usize = 40;

/// Lists of rules that also go through the gateway: as many in processors as in exporters.
const PIPELINES: usize = 10;

/// One list of rules and what is expected of it.
struct Job {
    name: String,
    rules: Vec<Value>,
    expected: BTreeSet<Labels>,
}

fn number_of(variable: &str) -> Result<Option<u64>> {
    let text = std::env::var(variable).ok();
    text.map(|text| text.parse().with_context(|| format!("{variable} is no number")))
        .transpose()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_rules_do_what_they_do_in_prometheus() -> Result<()> {
    let seed = number_of("WEIR_RELABEL_SEED")?.unwrap_or_else(now);
    let cases = number_of("WEIR_RELABEL_CASES")?.map_or(CASES, |cases| cases as usize);
    let rounds = cases.div_ceil(JOBS * SERIES);
    println!("WEIR_RELABEL_SEED={seed} WEIR_RELABEL_CASES={cases}");
    let mut dice = Dice::new(seed);
    for round in 0..rounds {
        check(&mut dice)
            .await
            .with_context(|| format!("WEIR_RELABEL_SEED={seed}, round {round}"))?;
    }
    Ok(())
}

/// Relabels the same series by the same rules in Prometheus, in the engine, and in part through the gateway.
async fn check(dice: &mut Dice) -> Result<()> {
    let series = series(dice, SERIES);
    let page = Exposition::start(&series).await?;
    let jobs: Vec<Job> = (0..JOBS)
        .map(|index| job(&format!("j{index}"), rules(dice), &series, &page.address()))
        .collect::<Result<_>>()?;

    let store = Prometheus::start(&scraping(&jobs, &page.address())).await?;
    until("every target to be scraped", async || {
        let up = store.evaluate("up == 1").await?;
        ensure!(up == jobs.len(), "{up} of {} targets are up", jobs.len());
        Ok(())
    })
    .await?;
    until("what Prometheus makes of the rules", async || {
        compare(&jobs, "j", &store).await
    })
    .await?;

    let gateway = Gateway::start(|ports| pipelines(ports, &jobs, &store.write_url()).to_string()).await?;
    let mut scraped = series.clone();
    for labels in &mut scraped {
        labels.insert("instance".to_owned(), page.address());
    }
    deliver(&Client::default(), &gateway.http(), &gauges(&scraped, now())).await?;
    for written_by in ["p", "w"] {
        until("what the gateway makes of the rules", async || {
            compare(&jobs[..PIPELINES], written_by, &store).await
        })
        .await?;
    }
    gateway.stop().await
}

/// Prepares a list of rules: after them, a label says whose they are. What the engine makes of the series is expected of everyone.
fn job(name: &str, mut rules: Vec<Value>, series: &[Labels], instance: &str) -> Result<Job> {
    rules.push(json!({"target_label": "tag", "replacement": name}));
    let configs: Vec<RuleConfig> = serde_json::from_value(rules.clone().into())?;
    let compiled = compile(&configs).map_err(|found| anyhow::anyhow!("{rules:?}: {found:?}"))?;
    let mut expected = BTreeSet::new();
    for labels in series {
        let scraped = [("job", name), ("instance", instance)].map(|(n, v)| (n.to_owned(), v.to_owned()));
        let mut set = weir_relabel::Labels::new(labels.clone().into_iter().chain(scraped));
        if apply(&compiled, &mut set)? == Verdict::Keep {
            expected.insert(set.into_sorted().into_iter().collect());
        }
    }
    Ok(Job {
        name: name.to_owned(),
        rules,
        expected,
    })
}

/// A config of Prometheus that scrapes one page under all lists of rules. JSON is YAML.
fn scraping(jobs: &[Job], address: &str) -> String {
    let scrapes = jobs.iter().map(|job| {
        json!({
            "job_name": job.name,
            "static_configs": [{"targets": [address]}],
            "metric_relabel_configs": job.rules,
        })
    });
    json!({
        "global": {"scrape_interval": "2s", "scrape_timeout": "2s"},
        "scrape_configs": scrapes.collect::<Vec<_>>(),
    })
    .to_string()
}

/// A config of the gateway in which the first lists of rules are those of processors (`p0`, `p1`, ...) and those of exporters (`w0`, ...).
fn pipelines(ports: &Ports, jobs: &[Job], url: &str) -> Value {
    let plain = json!({
        "endpoint": url,
        "protobuf_message": "io.prometheus.write.v2.Request",
        "translation_strategy": "NoTranslation",
        "disable_scope_info": true,
    });
    let mut config: Value =
        serde_yaml::from_str(&config(ports, "prometheus_remote_write", &plain.to_string()))
            .expect("a config of ours");
    let mut pipelines = BTreeMap::new();
    for (index, job) in jobs[..PIPELINES].iter().enumerate() {
        let [processor, exporter] = ["p", "w"].map(|tag| {
            let tag = format!("{tag}{index}");
            let (rules, _tag) = job.rules.split_at(job.rules.len() - 1);
            let last = json!({"target_label": "tag", "replacement": tag});
            let all = rules.iter().chain([&last]);
            (tag.clone(), Value::from(all.map(escaped).collect::<Vec<_>>()))
        });
        let id = format!("relabel/{index}");
        config["processors"][&id] = json!({"relabel_configs": processor.1});
        // As at a scrape the label is there before the rules: what rules write takes part in `labelmap` later.
        let insert = format!("attributes/{index}");
        config["processors"][&insert] =
            json!({"actions": [{"action": "insert", "key": "job", "value": job.name}]});
        pipelines.insert(
            format!("metrics/{}", processor.0),
            json!({"receivers": ["otlp"], "processors": [insert, id], "exporters": ["prometheus_remote_write"]}),
        );
        let id = format!("prometheus_remote_write/{index}");
        config["exporters"][&id] = plain.clone();
        config["exporters"][&id]["write_relabel_configs"] = exporter.1;
        config["exporters"][&id]["external_labels"] = json!({"job": job.name});
        pipelines.insert(
            format!("metrics/{}", exporter.0),
            json!({"receivers": ["otlp"], "processors": [], "exporters": [id]}),
        );
    }
    config["service"]["pipelines"] = json!(pipelines);
    config
}

/// In a config of the gateway `$` is written twice.
fn escaped(rule: &Value) -> Value {
    match rule {
        Value::String(text) => text.replace('$', "$$").into(),
        Value::Array(list) => list.iter().map(escaped).collect(),
        Value::Object(pairs) => pairs
            .iter()
            .map(|(key, value)| (key.clone(), escaped(value)))
            .collect(),
        other => other.clone(),
    }
}

/// Holds what a store has against what is expected. `by` is what the tags of the writer begin with.
async fn compare(jobs: &[Job], by: &str, store: &Prometheus) -> Result<()> {
    let selector = format!("{{tag=~\"{by}[0-9]+\"}}");
    let mut found: BTreeMap<String, BTreeSet<Labels>> = BTreeMap::new();
    for mut labels in store.series(&selector).await?.floats.into_keys() {
        let number = labels["tag"][by.len()..].to_owned();
        labels.insert("tag".to_owned(), format!("j{number}"));
        found.entry(format!("j{number}")).or_default().insert(labels);
    }
    let nothing = BTreeSet::new();
    for job in jobs {
        let found = found.get(&job.name).unwrap_or(&nothing);
        ensure!(
            *found == job.expected,
            "{by}: {}\n only here: {:?}\n only there: {:?}",
            json!(job.rules),
            job.expected.difference(found).next(),
            found.difference(&job.expected).next(),
        );
    }
    Ok(())
}

/// Rules of an exporter see series as they would be sent, and what they leave arrives.
#[tokio::test]
async fn rules_of_the_exporter_have_the_last_word() -> Result<()> {
    const RULES: &str = r#"
external_labels: {cluster: eu}
write_relabel_configs:
  - {source_labels: [__name__, n], regex: "numbered_total;[0-4]", action: drop}
  - {source_labels: [__name__, cluster, job], separator: ":", target_label: __name__}
  - {action: labelkeep, regex: __name__|n}
"#;
    for message in ["prometheus.WriteRequest", "io.prometheus.write.v2.Request"] {
        let store = Prometheus::start(RECEIVING).await?;
        let gateway = Gateway::start(|ports| {
            let settings = format!(
                "endpoint: {}\nprotobuf_message: {message}{RULES}",
                store.write_url()
            );
            config(ports, "prometheus_remote_write", &settings)
        })
        .await?;
        deliver(&Client::default(), &gateway.http(), &numbered(0..10, now())).await?;
        let name = "numbered_total:eu:numbers";
        let expected: BTreeSet<Labels> = (5..10)
            .map(|n: u64| {
                Labels::from(
                    [("__name__", name.to_owned()), ("n", n.to_string())].map(|(k, v)| (k.to_owned(), v)),
                )
            })
            .collect();
        until("what the rules leave", async || {
            let found: BTreeSet<Labels> = store
                .series(r#"{__name__=~".+"}"#)
                .await?
                .floats
                .into_keys()
                .collect();
            ensure!(found == expected, "{message}: {found:?}");
            let dropped = gateway
                .metric("weir_component_dropped_items_total", "reason=\"relabel\"")
                .await?;
            ensure!(dropped == 5.0, "{dropped} points dropped");
            let sent = gateway.metric("otelcol_exporter_sent_metric_points", "").await?;
            ensure!(sent == 5.0, "{sent} points sent");
            Ok(())
        })
        .await?;
        gateway.stop().await?;
    }
    Ok(())
}
