//! Telemetry behind TLS and credentials: an SDK to a gateway, that gateway to the next, with the same protection on both ways.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};
use weir_integration::application::python_in;
use weir_integration::difference::expect_series;
use weir_integration::expected;
use weir_integration::gateway::{Gateway, config};
use weir_integration::process::data_folder;
use weir_integration::prometheus::{Prometheus, RECEIVING};
use weir_integration::samples::{PYTHON, PYTHON_NAMES};
use weir_integration::wait::until;

/// One way to protect a connection, as both of its ends are told.
struct Protection {
    /// Keys of a server.
    server: Value,
    /// Keys of a client.
    client: Value,
    /// Authenticators that the two name.
    extensions: Value,
    /// What the SDK finds in its environment.
    environment: Vec<(&'static str, String)>,
    /// Arguments of the application.
    arguments: Vec<&'static str>,
}

/// Writes an authority, a server certificate for 127.0.0.1 and a client certificate.
fn write_certificates(folder: &Path) -> Result<()> {
    let authority_key = KeyPair::generate()?;
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "authority");
    let authority = params.self_signed(&authority_key)?;
    fs::write(folder.join("ca.pem"), authority.pem())?;
    let issuer = Issuer::new(params, authority_key);
    for (file, name) in [("server", "127.0.0.1"), ("client", "shop")] {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new([name.to_owned()])?;
        params.distinguished_name.push(DnType::CommonName, name);
        let certificate = params.signed_by(&key, &issuer)?;
        fs::write(folder.join(format!("{file}.pem")), certificate.pem())?;
        fs::write(folder.join(format!("{file}.key")), key.serialize_pem())?;
    }
    Ok(())
}

impl Protection {
    fn tls(folder: &Path) -> Self {
        let path = |file: &str| folder.join(file).display().to_string();
        Self {
            server: json!({"tls": {"cert_file": path("server.pem"), "key_file": path("server.key")}}),
            client: json!({"tls": {"ca_file": path("ca.pem")}}),
            extensions: json!({}),
            environment: vec![("OTEL_EXPORTER_OTLP_CERTIFICATE", path("ca.pem"))],
            arguments: Vec::new(),
        }
    }

    fn mutual_tls(folder: &Path) -> Self {
        let path = |file: &str| folder.join(file).display().to_string();
        let mut both = Self::tls(folder);
        both.server["tls"]["client_ca_file"] = json!(path("ca.pem"));
        both.client["tls"]["cert_file"] = json!(path("client.pem"));
        both.client["tls"]["key_file"] = json!(path("client.key"));
        both.environment.extend([
            ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", path("client.pem")),
            ("OTEL_EXPORTER_OTLP_CLIENT_KEY", path("client.key")),
        ]);
        both
    }

    fn basic(folder: &Path) -> Self {
        let mut both = Self::tls(folder);
        both.server["auth"] = json!({"authenticator": "basicauth/server"});
        both.client["auth"] = json!({"authenticator": "basicauth/client"});
        both.extensions = json!({
            // shop:tulips
            "basicauth/server": {"htpasswd": {"inline": "shop:{SHA}bma/ArpRrfxhklqOFHyox38TDVc=\n"}},
            "basicauth/client": {"client_auth": {"username": "shop", "password": "tulips"}},
        });
        both.arguments = vec!["--header", "authorization=Basic c2hvcDp0dWxpcHM="];
        both
    }

    fn bearer(folder: &Path) -> Self {
        let mut both = Self::tls(folder);
        both.server["auth"] = json!({"authenticator": "bearertokenauth"});
        both.client["auth"] = json!({"authenticator": "bearertokenauth"});
        both.extensions = json!({"bearertokenauth": {"token": "tulips"}});
        both.arguments = vec!["--header", "authorization=Bearer tulips"];
        both
    }

    /// Adds the protection to the receivers of a config, and to its exporter if that is a client of such a receiver.
    fn of(&self, config: &str, is_client: bool) -> String {
        let mut config: Value = serde_yaml::from_str(config).expect("a config of our own");
        let protocols = &mut config["receivers"]["otlp"]["protocols"];
        extend(&mut protocols["grpc"], &self.server);
        extend(&mut protocols["http"], &self.server);
        if is_client {
            extend(&mut config["exporters"]["otlp_grpc"], &self.client);
        }
        extend(&mut config["extensions"], &self.extensions);
        let names: Vec<String> = members(&config["extensions"])
            .map(|(name, _)| name.clone())
            .collect();
        config["service"]["extensions"] = json!(names);
        // JSON is YAML.
        config.to_string()
    }
}

fn members(section: &Value) -> impl Iterator<Item = (&String, &Value)> {
    section.as_object().into_iter().flatten()
}

fn extend(section: &mut Value, more: &Value) {
    for (key, value) in members(more) {
        section[key] = value.clone();
    }
}

/// Sends what the application measures through two gateways into a store.
async fn check(protection: impl FnOnce(&Path) -> Protection) -> Result<()> {
    let folder = data_folder()?;
    write_certificates(folder.path())?;
    let protection = protection(folder.path());
    for protocol in ["grpc", "http/protobuf"] {
        check_protocol(&protection, protocol)
            .await
            .with_context(|| protocol.to_owned())?;
    }
    Ok(())
}

async fn check_protocol(protection: &Protection, protocol: &str) -> Result<()> {
    let store = Prometheus::start(RECEIVING).await?;
    let write = format!("endpoint: {}\n", store.write_url());
    let last =
        Gateway::start(|ports| protection.of(&config(ports, "prometheus_remote_write", &write), false))
            .await?;
    let next = format!(
        // One at a time: requests in flight together may overtake each other, and the store wants the samples of a series in order.
        "endpoint: 127.0.0.1:{}\nsending_queue: {{num_consumers: 1}}\n",
        last.ports.grpc
    );
    let first = Gateway::start(|ports| protection.of(&config(ports, "otlp_grpc", &next), true)).await?;

    let port = if protocol == "grpc" {
        first.ports.grpc
    } else {
        first.ports.http
    };
    let endpoint = format!("https://127.0.0.1:{port}");
    let to = ["--endpoint", &endpoint, "--protocol", protocol];
    let report = python_in(
        &protection.environment,
        &[&to[..], &protection.arguments].concat(),
    )
    .await
    .with_context(|| first.log())?;
    let expected = expected::series(&report, PYTHON_NAMES).without_target_info();
    until("every sample to arrive", async || {
        expect_series(&expected, &store.series(PYTHON).await?.without_target_info())
    })
    .await
    .with_context(|| format!("{}\n{}", first.log(), last.log()))?;

    if !protection.arguments.is_empty() {
        let wrong = ["--header", "authorization=Basic c2hvcDpyb3Nlcw=="];
        let refused = python_in(&protection.environment, &[&to[..], &wrong].concat()).await;
        ensure!(refused.is_err(), "wrong credentials were let in");
        ensure!(first.metric("weir_server_auth_refused_total", "").await? > 0.0);
    }
    first.stop().await?;
    last.stop().await
}

#[tokio::test]
async fn tls() -> Result<()> {
    check(Protection::tls).await
}

#[tokio::test]
async fn mutual_tls() -> Result<()> {
    check(Protection::mutual_tls).await
}

#[tokio::test]
async fn basic_auth() -> Result<()> {
    check(Protection::basic).await
}

#[tokio::test]
async fn bearer_tokens() -> Result<()> {
    check(Protection::bearer).await
}
