//! `docker-compose.yml` and everything under `deploy/`: consistent as text, and working without containers.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value as Json;
use serde_yaml::Value as Yaml;
use tokio::process::Command;
use weir_integration::gateway::{Gateway, expect_status, run};
use weir_integration::installed::{installed, workspace};
use weir_integration::process::{Server, data_folder};
use weir_integration::prometheus::Prometheus;
use weir_integration::sink::Sink;
use weir_integration::wait::until;

fn read(path: &str) -> Result<String> {
    fs::read_to_string(workspace().join(path)).with_context(|| format!("cannot read {path}"))
}

fn yaml(path: &str) -> Result<Yaml> {
    serde_yaml::from_str(&read(path)?).with_context(|| format!("{path} is no YAML"))
}

/// Services of the compose file: name and definition.
fn services() -> Result<Vec<(String, Yaml)>> {
    let compose = yaml("docker-compose.yml")?;
    let services = compose["services"].as_mapping().context("no services")?;
    let named = services
        .iter()
        .map(|(name, service)| (string(name), service.clone()));
    Ok(named.collect())
}

fn service(name: &str) -> Result<Yaml> {
    let found = services()?.into_iter().find(|(found, _)| found == name);
    Ok(found.with_context(|| format!("no service {name}"))?.1)
}

fn string(value: &Yaml) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn strings(value: &Yaml) -> Vec<String> {
    value
        .as_sequence()
        .map(|items| items.iter().map(string).collect())
        .unwrap_or_default()
}

/// Bind mounts of a service: path in the repository, path in the container.
fn mounts(service: &Yaml) -> Vec<(PathBuf, String)> {
    let mounts = strings(&service["volumes"]).into_iter();
    let binds = mounts.filter_map(|mount| {
        let mut parts = mount.split(':');
        let (here, there) = (parts.next()?.strip_prefix("./")?, parts.next()?);
        Some((workspace().join(here), there.to_owned()))
    });
    binds.collect()
}

/// Container ports that a service publishes.
fn published(service: &Yaml) -> BTreeSet<u16> {
    let ports = strings(&service["ports"]).into_iter();
    ports
        .filter_map(|port| port.rsplit(':').next()?.parse().ok())
        .collect()
}

/// Host and port of a URL, or of an address without scheme.
fn authority(url: &str) -> Option<(String, u16)> {
    let rest = url.split_once("://").map_or(url, |(_scheme, rest)| rest);
    let (host, port) = rest.split('/').next()?.split_once(':')?;
    Some((host.to_owned(), port.parse().ok()?))
}

/// Demands that an address names a service, and a port that this service publishes.
fn expect_address(url: &str) -> Result<()> {
    let (host, port) = authority(url).with_context(|| format!("{url} has no host and port"))?;
    let ports = published(&service(&host)?);
    ensure!(ports.contains(&port), "{url}: {host} publishes {ports:?}");
    Ok(())
}

#[test]
fn everything_that_the_compose_file_refers_to_exists() -> Result<()> {
    let services = services()?;
    let names: BTreeSet<&str> = services.iter().map(|(name, _)| name.as_str()).collect();
    for (name, service) in &services {
        for (path, _) in mounts(service) {
            ensure!(
                path.exists(),
                "{name} mounts {}, which does not exist",
                path.display()
            );
        }
        for needed in strings(&service["depends_on"]) {
            ensure!(
                names.contains(needed.as_str()),
                "{name} depends on {needed}, which is no service"
            );
        }
        let image = string(&service["image"]);
        let build = &service["build"];
        if image.is_empty() {
            let context = workspace().join(string(&build["context"]));
            let file = build["dockerfile"].as_str().unwrap_or("Dockerfile");
            ensure!(
                context.join(file).is_file(),
                "{name} is built from {file}, which does not exist"
            );
        } else {
            let tag = image.split_once(':').map(|(_, tag)| tag).unwrap_or_default();
            ensure!(
                tag.contains(|c: char| c.is_ascii_digit()),
                "{name}: {image} names no version"
            );
        }
    }
    Ok(())
}

#[test]
fn the_gateway_listens_where_the_compose_file_says() -> Result<()> {
    let config = yaml("deploy/weir/config.yaml")?;
    let protocols = &config["receivers"]["otlp"]["protocols"];
    let reader = &config["service"]["telemetry"]["metrics"]["readers"][0]["pull"]["exporter"]["prometheus"];
    let mut listens: BTreeSet<u16> = BTreeSet::new();
    for endpoint in [
        &protocols["grpc"]["endpoint"],
        &protocols["http"]["endpoint"],
        &config["extensions"]["health_check"]["endpoint"],
    ] {
        let (host, port) = authority(&string(endpoint)).context("an endpoint")?;
        ensure!(
            host == "0.0.0.0",
            "{host} cannot be reached from another container"
        );
        listens.insert(port);
    }
    ensure!(
        string(&reader["host"]) == "0.0.0.0",
        "own metrics cannot be reached from another container"
    );
    listens.insert(u16::try_from(reader["port"].as_u64().context("a port")?)?);
    let published = published(&service("weir")?);
    ensure!(
        listens == published,
        "listens on {listens:?}, publishes {published:?}"
    );

    let exposed = read("deploy/Dockerfile")?;
    let exposed = exposed
        .lines()
        .find_map(|line| line.strip_prefix("EXPOSE "))
        .context("no EXPOSE")?;
    let exposed: BTreeSet<u16> = exposed.split(' ').filter_map(|port| port.parse().ok()).collect();
    ensure!(
        listens == exposed,
        "listens on {listens:?}, the image exposes {exposed:?}"
    );
    Ok(())
}

#[test]
fn services_find_each_other() -> Result<()> {
    let config = yaml("deploy/weir/config.yaml")?;
    for (_name, exporter) in config["exporters"].as_mapping().context("no exporters")? {
        expect_address(&string(&exporter["endpoint"]))?;
    }
    let scrape = yaml("deploy/prometheus/prometheus.yml")?;
    for target in strings(&scrape["scrape_configs"][0]["static_configs"][0]["targets"]) {
        expect_address(&target)?;
    }
    let sources = yaml("deploy/grafana/provisioning/datasources/stores.yaml")?;
    for source in sources["datasources"].as_sequence().context("no data sources")? {
        expect_address(&string(&source["url"]))?;
    }
    expect_address(&string(
        &service("sample-app")?["environment"]["OTEL_EXPORTER_OTLP_ENDPOINT"],
    ))?;
    let mimir = yaml("deploy/mimir/mimir.yaml")?;
    let port = mimir["server"]["http_listen_port"].as_u64().context("no port")?;
    expect_address(&format!("mimir:{port}"))
}

#[tokio::test]
async fn the_mounted_config_is_valid() -> Result<()> {
    let (path, inside) = mounts(&service("weir")?)
        .into_iter()
        .next()
        .context("no mounted config")?;
    ensure!(
        strings(&service("weir")?["command"]).contains(&inside),
        "{inside} is mounted but not used"
    );
    let path = path.to_str().context("a path of a test is text")?;
    expect_status(&run(&["validate", "--config", path]).await?, 0).map(drop)
}

/// The sample application uses versions that the suite tests.
#[test]
fn the_sample_application_pins_the_tested_versions() -> Result<()> {
    let tested = read("integration/apps/python/requirements.txt")?;
    for line in read("deploy/sample-app/requirements.txt")?.lines() {
        ensure!(
            tested.lines().any(|pinned| pinned == line),
            "{line} is not what the suite tests"
        );
    }
    Ok(())
}

/// Dashboards by file name.
fn dashboards() -> Result<Vec<(String, Json)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(workspace().join("deploy/grafana/dashboards"))? {
        let path = entry?.path();
        let name = path
            .file_name()
            .context("a file has a name")?
            .to_string_lossy()
            .into_owned();
        let board = serde_json::from_str(&fs::read_to_string(&path)?).with_context(|| name.clone())?;
        found.push((name, board));
    }
    ensure!(!found.is_empty(), "there are no dashboards");
    Ok(found)
}

/// Every query of a dashboard: title of its panel, data source, expression.
fn queries(board: &Json) -> Vec<(String, String, String)> {
    let panels = board["panels"].as_array().into_iter().flatten();
    let targets = panels.flat_map(|panel| {
        panel["targets"]
            .as_array()
            .into_iter()
            .flatten()
            .map(move |target| (panel, target))
    });
    let field = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    targets
        .map(|(panel, target)| {
            (
                field(&panel["title"]),
                field(&target["datasource"]["uid"]),
                field(&target["expr"]),
            )
        })
        .collect()
}

#[test]
fn dashboards_use_provisioned_data_sources() -> Result<()> {
    let sources = yaml("deploy/grafana/provisioning/datasources/stores.yaml")?;
    let sources = sources["datasources"].as_sequence().context("no data sources")?;
    let mut known: BTreeSet<String> = sources.iter().map(|source| string(&source["uid"])).collect();
    // The variable by which a viewer chooses one of them.
    known.insert("${store}".into());
    let mut boards = BTreeSet::new();
    for (file, board) in dashboards()? {
        let uid = board["uid"]
            .as_str()
            .context("a dashboard without uid")?
            .to_owned();
        ensure!(
            boards.insert(uid.clone()),
            "{file}: {uid} is taken by another dashboard"
        );
        for (title, source, _) in queries(&board) {
            ensure!(
                known.contains(&source),
                "{file}, {title}: no data source {source}"
            );
        }
    }
    Ok(())
}

#[test]
fn grafana_finds_its_dashboards() -> Result<()> {
    let grafana = service("grafana")?;
    let mounts = mounts(&grafana);
    let provider = yaml("deploy/grafana/provisioning/dashboards/files.yaml")?;
    let folder = string(&provider["providers"][0]["options"]["path"]);
    let (here, _) = mounts
        .iter()
        .find(|(_, there)| *there == folder)
        .context("the folder is not mounted")?;
    let home = string(&grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]);
    let home = Path::new(&home)
        .strip_prefix(&folder)
        .context("the home dashboard lies elsewhere")?;
    ensure!(here.join(home).is_file(), "there is no {}", home.display());
    ensure!(
        mounts
            .iter()
            .any(|(_, there)| there == "/etc/grafana/provisioning"),
        "nothing is provisioned"
    );
    Ok(())
}

/// The whole of it as processes of this machine, shortened in time: every query of every dashboard shows data.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_panel_shows_data() -> Result<()> {
    let mimir = Sink::accepting().await?;
    let scrape = read("deploy/prometheus/prometheus.yml")?;
    let replace = |text: &str, old: &str, new: &str| {
        assert!(text.contains(old), "`{old}` is not in the config any more");
        text.replace(old, new)
    };
    // The port under which the gateway shows its metrics is known only when it runs, so Prometheus learns it later.
    let mut prometheus = Prometheus::start(&replace(&scrape, "weir:8888", "127.0.0.1:1")).await?;
    let gateway = Gateway::start(|ports| {
        let text = read("deploy/weir/config.yaml").expect("the config can be read");
        let text = replace(&text, "0.0.0.0:4317", &format!("127.0.0.1:{}", ports.grpc));
        let text = replace(&text, "0.0.0.0:4318", &format!("127.0.0.1:{}", ports.http));
        let text = replace(&text, "0.0.0.0:13133", &format!("127.0.0.1:{}", ports.health));
        let text = replace(&text, "port: 8888", &format!("port: {}", ports.metrics));
        let text = replace(
            &text,
            "http://prometheus:9090/api/v1/write",
            &prometheus.write_url(),
        );
        replace(&text, "http://mimir:9009/api/v1/push", &mimir.write_url())
    })
    .await?;
    let own = format!("127.0.0.1:{}", gateway.ports.metrics);
    let scrape = replace(
        &replace(&scrape, "weir:8888", &own),
        "scrape_interval: 15s",
        "scrape_interval: 200ms",
    );
    prometheus.configure(&scrape).await?;

    let folder = data_folder()?;
    let mut application = Server::start(
        "sample-app",
        Command::new(installed("python/bin/python")?)
            .arg(workspace().join("deploy/sample-app/app.py"))
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", gateway.grpc())
            .env("OTEL_METRIC_EXPORT_INTERVAL", "200"),
        folder.path(),
    )?;

    for (file, board) in dashboards()? {
        for (title, _source, expression) in queries(&board) {
            let expression = expression.replace("$__rate_interval", "1m");
            until("data in every panel", async || {
                let series = prometheus.evaluate(&expression).await?;
                ensure!(series > 0, "{file}, {title}: nothing for {expression}");
                Ok(())
            })
            .await
            .with_context(|| gateway.log())?;
        }
    }
    ensure!(
        !mimir.accepted_samples().is_empty(),
        "nothing reached the second store"
    );
    ensure!(
        mimir
            .received()
            .iter()
            .all(|request| request.headers.get("x-scope-orgid").is_some_and(|t| t == "demo")),
        "a request to the second store names no tenant"
    );
    let status = application.terminate().await?;
    ensure!(
        status.success(),
        "the application ended with {status}\n{}",
        application.log_end()
    );
    gateway.stop().await
}

/// Docker's own opinion, where Docker with its compose plugin is installed.
#[tokio::test]
async fn docker_accepts_the_compose_file() -> Result<()> {
    let docker = |arguments: &[&str]| {
        let mut command = Command::new("docker");
        command
            .arg("compose")
            .args(arguments)
            .current_dir(workspace())
            .kill_on_drop(true);
        command
    };
    let present = docker(&["version"])
        .output()
        .await
        .is_ok_and(|output| output.status.success());
    if !present {
        eprintln!("docker compose is not installed: its opinion was not asked");
        return Ok(());
    }
    expect_status(&docker(&["config", "--quiet"]).output().await?, 0).map(drop)
}
