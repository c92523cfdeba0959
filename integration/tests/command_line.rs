//! The program as its users start it: arguments, exit codes, and what it says.

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use weir_integration::gateway::{Ports, config, expect_status, run, write_config};
use weir_integration::installed::workspace;
use weir_integration::process::data_folder;

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of a test is text")
}

#[tokio::test]
async fn a_valid_config_is_accepted_in_silence() -> Result<()> {
    let folder = data_folder()?;
    let good = config(
        &Ports::free()?,
        "prometheus_remote_write",
        "endpoint: http://127.0.0.1:9/api/v1/write\n",
    );
    let path = write_config(folder.path(), &good)?;
    let output = run(&["validate", "--config", text(&path)]).await?;
    let said = expect_status(&output, 0)?;
    ensure!(output.stdout.is_empty() && said.is_empty(), "it said {output:?}");
    Ok(())
}

#[tokio::test]
async fn every_mistake_is_reported_at_once_with_its_place() -> Result<()> {
    let folder = data_folder()?;
    let bad = config(
        &Ports::free()?,
        "prometheus_remote_write",
        "endpoint: http://localhost/\ntimeuot: 3s\n",
    )
    .replace("check_interval: 1s", "check_interval: soon");
    let path = write_config(folder.path(), &bad)?;
    for arguments in [
        ["validate", "--config", text(&path)].as_slice(),
        &["--config", text(&path)],
    ] {
        let said = expect_status(&run(arguments).await?, 1)?;
        for expected in ["timeuot", "timeout", "check_interval", "config.yaml:"] {
            ensure!(said.contains(expected), "`{expected}` is missing in: {said}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn mistakes_in_arguments_end_with_1() -> Result<()> {
    for arguments in [
        [].as_slice(),
        &["--no-such-flag"],
        &["validate"],
        &["--config", "/no/such/file.yaml"],
    ] {
        let said = expect_status(&run(arguments).await?, 1).with_context(|| format!("{arguments:?}"))?;
        ensure!(!said.is_empty(), "{arguments:?} ended in silence");
    }
    Ok(())
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() -> Result<()> {
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let port = taken.local_addr()?.port();
    let folder = data_folder()?;
    let ports = Ports {
        grpc: port,
        ..Ports::free()?
    };
    let path = write_config(folder.path(), &config(&ports, "debug", "verbosity: basic\n"))?;
    let said = expect_status(&run(&["--config", text(&path)]).await?, 1)?;
    ensure!(
        said.contains(&port.to_string()),
        "port {port} is missing in: {said}"
    );
    Ok(())
}

#[tokio::test]
async fn version_and_components_are_told() -> Result<()> {
    let output = run(&["--version"]).await?;
    expect_status(&output, 0)?;
    let version = String::from_utf8(output.stdout)?;
    ensure!(version.starts_with("weir version "), "{version}");

    let output = run(&["components"]).await?;
    expect_status(&output, 0)?;
    let listed: serde_yaml::Value = serde_yaml::from_slice(&output.stdout)?;
    let names = |kind: &str| -> Vec<String> {
        let entries = listed[kind].as_sequence().cloned().unwrap_or_default();
        entries
            .iter()
            .filter_map(|entry| Some(entry["name"].as_str()?.to_owned()))
            .collect()
    };
    for (kind, name) in [
        ("receivers", "otlp"),
        ("processors", "batch"),
        ("processors", "memory_limiter"),
        ("exporters", "debug"),
        ("exporters", "nop"),
        ("exporters", "prometheus_remote_write"),
        ("extensions", "health_check"),
    ] {
        let names = names(kind);
        ensure!(
            names.iter().any(|found| found == name),
            "no {name} in the {kind}: {names:?}"
        );
        ensure!(names.is_sorted(), "the {kind} are in no order: {names:?}");
    }
    Ok(())
}

/// The README's first command: a gateway, a sender and a store in one process.
#[tokio::test]
async fn the_demo_finds_every_item() -> Result<()> {
    expect_status(&run(&["demo", "--rounds", "5", "--interval", "50ms"]).await?, 0).map(drop)
}

#[tokio::test]
async fn every_example_config_is_valid() -> Result<()> {
    let mut checked = 0;
    for entry in fs::read_dir(workspace().join("configs"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            let output = run(&["validate", "--config", text(&path)]).await?;
            expect_status(&output, 0).with_context(|| path.display().to_string())?;
            checked += 1;
        }
    }
    ensure!(checked > 0, "there are no example configs");
    Ok(())
}
