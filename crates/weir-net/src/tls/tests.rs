mod rotation;

use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use weir_component::config::Secret;

use super::*;
use crate::testing::{Authority, violations};

/// A directory with files of an authority.
struct Files {
    directory: TempDir,
    authority: Authority,
}

impl Files {
    fn new() -> Self {
        let files = Self {
            directory: tempfile::tempdir().unwrap(),
            authority: Authority::new(),
        };
        files.write("ca.pem", &files.authority.pem);
        files.sign("server", &["localhost", "server.test"]);
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn name(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, content: &str) {
        std::fs::write(self.path(name), content).unwrap();
    }

    fn sign(&self, name: &str, names: &[&str]) {
        let (certificate, key) = self.authority.sign(names);
        self.write(&format!("{name}.pem"), &certificate);
        self.write(&format!("{name}.key"), &key);
    }

    fn identity(&self, name: &str) -> TlsFiles {
        TlsFiles {
            cert_file: self.name(&format!("{name}.pem")),
            key_file: self.name(&format!("{name}.key")),
            ..TlsFiles::default()
        }
    }

    fn server(&self) -> TlsServer {
        TlsServer {
            files: self.identity("server"),
            ..TlsServer::default()
        }
    }

    fn client(&self) -> TlsClient {
        TlsClient {
            files: TlsFiles {
                ca_file: self.name("ca.pem"),
                ..TlsFiles::default()
            },
            ..TlsClient::default()
        }
    }
}

/// What both sides see of a handshake and an exchange of one byte each way: the client's error, or the common name bytes of the
/// server's certificate and the negotiated protocol.
#[derive(Debug)]
struct Seen {
    certificate: Vec<u8>,
    protocol: Option<Vec<u8>>,
    version: rustls::ProtocolVersion,
    client_certificates: usize,
}

async fn meet(server: &ServerTls, client: &ClientTls, host: &str) -> Result<Seen, String> {
    let (near, far) = tokio::io::duplex(64 << 10);
    let serving = async {
        let mut stream = server
            .accept(far)
            .await
            .map_err(|error| format!("server: {error}"))?;
        let byte = stream
            .read_u8()
            .await
            .map_err(|error| format!("server: {error}"))?;
        stream
            .write_u8(byte)
            .await
            .map_err(|error| format!("server: {error}"))?;
        Ok(stream.get_ref().1.peer_certificates().map_or(0, <[_]>::len))
    };
    let asking = async {
        let mut stream = client
            .connect(host, near)
            .await
            .map_err(|error| error.to_string())?;
        stream.write_u8(1).await.map_err(|error| error.to_string())?;
        stream.read_u8().await.map_err(|error| error.to_string())?;
        let session = stream.get_ref().1;
        Ok(Seen {
            certificate: session.peer_certificates().unwrap()[0].to_vec(),
            protocol: session.alpn_protocol().map(<[u8]>::to_vec),
            version: session.protocol_version().unwrap(),
            client_certificates: 0,
        })
    };
    let (served, asked): (Result<usize, String>, Result<Seen, String>) = tokio::join!(serving, asking);
    asked.map(|seen| Seen {
        client_certificates: served.unwrap_or_default(),
        ..seen
    })
}

fn contains(haystack: &[u8], needle: &str) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle.as_bytes())
}

#[tokio::test]
async fn servers_are_verified_by_authority_and_name() {
    let files = Files::new();
    let server = files.server().build(&[ALPN_H2, ALPN_HTTP1]).unwrap();
    let client = files.client().build(&[ALPN_HTTP1]).unwrap();
    let seen = meet(&server, &client, "localhost").await.unwrap();
    assert_eq!(seen.protocol.as_deref(), Some(ALPN_HTTP1));
    assert_eq!(seen.version, rustls::ProtocolVersion::TLSv1_3);

    let wrong_name = meet(&server, &client, "other.test").await.unwrap_err();
    assert!(wrong_name.contains("not valid for name"), "{wrong_name}");
    let overridden = TlsClient {
        server_name_override: "server.test".into(),
        ..files.client()
    };
    meet(&server, &overridden.build(&[]).unwrap(), "other.test")
        .await
        .unwrap();

    let strangers = Authority::new();
    let wrong_authority = TlsFiles {
        ca_pem: Secret::new(strangers.pem),
        ..TlsFiles::default()
    };
    let client = TlsClient {
        files: wrong_authority,
        ..TlsClient::default()
    }
    .build(&[])
    .unwrap();
    let error = meet(&server, &client, "localhost").await.unwrap_err();
    assert!(error.contains("invalid peer certificate"), "{error}");
}

#[tokio::test]
async fn verification_can_be_skipped() {
    let files = Files::new();
    let server = files.server().build(&[]).unwrap();
    let client = TlsClient {
        insecure_skip_verify: true,
        ..TlsClient::default()
    };
    for max_version in ["1.2", "1.3"] {
        let files = TlsFiles {
            max_version: max_version.into(),
            ..TlsFiles::default()
        };
        let client = TlsClient {
            files,
            ..client.clone()
        }
        .build(&[])
        .unwrap();
        meet(&server, &client, "whatever.test").await.unwrap();
    }
}

#[tokio::test]
async fn clients_are_verified_if_an_authority_is_set() {
    let files = Files::new();
    files.sign("client", &["client.test"]);
    let server = TlsServer {
        client_ca_file: files.name("ca.pem"),
        ..files.server()
    }
    .build(&[])
    .unwrap();
    let anonymous = files.client().build(&[]).unwrap();
    let error = meet(&server, &anonymous, "localhost").await.unwrap_err();
    assert!(error.contains("CertificateRequired"), "{error}");

    let known = TlsFiles {
        ca_file: files.name("ca.pem"),
        ..files.identity("client")
    };
    let known = TlsClient {
        files: known,
        ..TlsClient::default()
    }
    .build(&[])
    .unwrap();
    assert_eq!(
        meet(&server, &known, "localhost")
            .await
            .unwrap()
            .client_certificates,
        1
    );

    let (certificate, key) = Authority::new().sign(&["client.test"]);
    let stranger = TlsFiles {
        ca_file: files.name("ca.pem"),
        cert_pem: Secret::new(certificate),
        key_pem: Secret::new(key),
        ..TlsFiles::default()
    };
    let stranger = TlsClient {
        files: stranger,
        ..TlsClient::default()
    }
    .build(&[])
    .unwrap();
    assert!(meet(&server, &stranger, "localhost").await.is_err());
}

#[tokio::test]
async fn versions_suites_and_groups_are_honoured() {
    let files = Files::new();
    let restrict = |restricted: TlsFiles| TlsServer {
        files: TlsFiles {
            cert_file: files.name("server.pem"),
            key_file: files.name("server.key"),
            ..restricted
        },
        ..TlsServer::default()
    };
    let client = files.client().build(&[]).unwrap();
    let old = restrict(TlsFiles {
        max_version: "1.2".into(),
        cipher_suites: vec!["TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256".into()],
        curve_preferences: vec!["P384".into()],
        ..TlsFiles::default()
    });
    assert!(violations(&old).is_empty());
    let seen = meet(&old.build(&[]).unwrap(), &client, "localhost")
        .await
        .unwrap();
    assert_eq!(seen.version, rustls::ProtocolVersion::TLSv1_2);

    let new = restrict(TlsFiles {
        min_version: "1.3".into(),
        ..TlsFiles::default()
    })
    .build(&[])
    .unwrap();
    let old_client = TlsFiles {
        ca_file: files.name("ca.pem"),
        max_version: "1.2".into(),
        ..TlsFiles::default()
    };
    let old_client = TlsClient {
        files: old_client,
        ..TlsClient::default()
    }
    .build(&[])
    .unwrap();
    assert!(
        meet(&new, &old_client, "localhost")
            .await
            .unwrap_err()
            .contains("ProtocolVersion")
    );
}

#[tokio::test]
async fn changed_certificates_are_used_and_damaged_ones_are_not() {
    let files = Files::new();
    let reloading = TlsFiles {
        reload_interval: Duration::from_nanos(1),
        ..files.identity("server")
    };
    let server = TlsServer {
        files: reloading,
        ..TlsServer::default()
    }
    .build(&[])
    .unwrap();
    let client = files.client().build(&[]).unwrap();
    let seen = meet(&server, &client, "localhost").await.unwrap();
    assert!(!contains(&seen.certificate, "renewed.test"));

    files.sign("server", &["renewed.test", "localhost"]);
    let seen = meet(&server, &client, "localhost").await.unwrap();
    assert!(contains(&seen.certificate, "renewed.test"));

    // Half of a rotation, then garbage, then nothing: the last good pair stays.
    let (other, _) = files.authority.sign(&["other.test", "localhost"]);
    files.write("server.pem", &other);
    assert!(contains(
        &meet(&server, &client, "localhost").await.unwrap().certificate,
        "renewed.test"
    ));
    files.write("server.key", "garbage");
    assert!(contains(
        &meet(&server, &client, "localhost").await.unwrap().certificate,
        "renewed.test"
    ));
    std::fs::remove_file(files.path("server.key")).unwrap();
    assert!(contains(
        &meet(&server, &client, "localhost").await.unwrap().certificate,
        "renewed.test"
    ));

    files.sign("server", &["again.test", "localhost"]);
    assert!(contains(
        &meet(&server, &client, "localhost").await.unwrap().certificate,
        "again.test"
    ));
}

#[tokio::test]
async fn without_an_interval_files_are_read_once() {
    let files = Files::new();
    let server = files.server().build(&[]).unwrap();
    files.sign("server", &["renewed.test", "localhost"]);
    let seen = meet(&server, &files.client().build(&[]).unwrap(), "localhost")
        .await
        .unwrap();
    assert!(!contains(&seen.certificate, "renewed.test"));
}

#[tokio::test(start_paused = true)]
async fn a_changed_client_authority_is_used_after_a_second() {
    let files = Files::new();
    let others = Authority::new();
    let (certificate, key) = others.sign(&["client.test"]);
    let client = TlsFiles {
        ca_file: files.name("ca.pem"),
        cert_pem: Secret::new(certificate),
        key_pem: Secret::new(key),
        ..TlsFiles::default()
    };
    let client = TlsClient {
        files: client,
        ..TlsClient::default()
    }
    .build(&[])
    .unwrap();
    files.write("client-ca.pem", &files.authority.pem);
    let server = TlsServer {
        client_ca_file: files.name("client-ca.pem"),
        client_ca_file_reload: true,
        ..files.server()
    };
    let server = server.build(&[]).unwrap();
    files.write("client-ca.pem", &others.pem);
    assert!(meet(&server, &client, "localhost").await.is_err());
    tokio::time::advance(Duration::from_millis(1001)).await;
    meet(&server, &client, "localhost").await.unwrap();
}

#[test]
fn file_errors_say_which_file_and_why() {
    let files = Files::new();
    let check = |change: &dyn Fn(&mut TlsFiles), expect: &str| {
        let mut server = files.server();
        change(&mut server.files);
        let error = server.build(&[]).unwrap_err();
        let mut text = error.to_string();
        if let Some(source) = std::error::Error::source(&error) {
            text += &format!(": {source}");
        }
        assert_eq!(
            text.replace(files.directory.path().to_str().unwrap(), "DIR"),
            expect
        );
    };
    let set = |name: &str| files.name(name);
    check(
        &|files| files.cert_file = set("absent.pem"),
        "cannot read cert_file `DIR/absent.pem`: No such file or directory (os error 2)",
    );
    check(
        &|files| files.key_file = set("."),
        "cannot read key_file `DIR/.`: Is a directory (os error 21)",
    );
    check(
        &|files| files.ca_file = set("absent.pem"),
        "cannot read ca_file `DIR/absent.pem`: No such file or directory (os error 2)",
    );
    files.write("empty.pem", "");
    check(
        &|files| files.cert_file = set("empty.pem"),
        "cert_file `DIR/empty.pem` holds no certificate in PEM",
    );
    check(
        &|files| files.key_file = set("server.pem"),
        "key_file `DIR/server.pem` holds no private key in PEM",
    );
    files.write(
        "encrypted.key",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
    );
    check(
        &|files| files.key_file = set("encrypted.key"),
        "key_file `DIR/encrypted.key` holds an encrypted private key, which is not supported: decrypt it first",
    );
    files.write("binary.pem", "\u{0}\u{1}");
    check(
        &|files| files.cert_file = set("binary.pem"),
        "cert_file `DIR/binary.pem` holds no certificate in PEM",
    );
    let wrap =
        |what: &str, content: &str| format!("-----BEGIN {what}-----\n{content}\n-----END {what}-----\n");
    files.write("damaged.pem", &wrap("CERTIFICATE", "!!!!"));
    check(
        &|files| files.cert_file = set("damaged.pem"),
        "cert_file `DIR/damaged.pem` is not valid PEM: base64 decode error: InvalidCharacter(33)",
    );
    files.write("cut.pem", files.authority.pem.split("-----END").next().unwrap());
    check(
        &|files| files.cert_file = set("cut.pem"),
        "cert_file `DIR/cut.pem` is not valid PEM: `-----END CERTIFICATE-----` is missing",
    );
    files.write(
        "start.pem",
        "-----BEGIN CERTIFICATE\nAAAA\n-----END CERTIFICATE-----\n",
    );
    check(
        &|files| files.cert_file = set("start.pem"),
        "cert_file `DIR/start.pem` is not valid PEM: a line with `-----BEGIN` does not end with `-----`",
    );
    files.write("nonsense.pem", &wrap("CERTIFICATE", "AAAA"));
    check(
        &|files| files.cert_file = set("nonsense.pem"),
        "cert_file `DIR/nonsense.pem` holds something else than a certificate: BadEncoding",
    );
    files.write("nonsense.key", &wrap("PRIVATE KEY", "AAAA"));
    check(
        &|files| files.key_file = set("nonsense.key"),
        "key_file `DIR/nonsense.key` holds a private key that cannot be used: failed to parse private key as RSA, ECDSA, or EdDSA",
    );
    files.sign("other", &["other.test"]);
    check(
        &|files| files.key_file = set("other.key"),
        "private key in key_file `DIR/other.key` does not belong to the certificate in cert_file `DIR/server.pem`",
    );
    check(
        &|files| files.ca_file = set("empty.pem"),
        "ca_file `DIR/empty.pem` holds no certificate in PEM",
    );
    let authorities = |name: &str| {
        let server = TlsServer {
            client_ca_file: files.name(name),
            ..files.server()
        };
        server.build(&[]).unwrap_err().to_string()
    };
    for (name, expect) in [
        ("absent.pem", "cannot read client_ca_file `DIR/absent.pem`"),
        (
            "empty.pem",
            "client_ca_file `DIR/empty.pem` holds no certificate in PEM",
        ),
        (
            "nonsense.pem",
            "client_ca_file `DIR/nonsense.pem` holds a certificate that cannot be trusted: invalid peer certificate: BadEncoding",
        ),
    ] {
        let error = authorities(name);
        assert_eq!(
            error.replace(files.directory.path().to_str().unwrap(), "DIR"),
            expect
        );
    }
}

#[tokio::test]
async fn a_certificate_out_of_its_time_is_refused_with_that_reason() {
    let files = Files::new();
    let client = files.client().build(&[]).unwrap();
    let (past, future) = (rcgen::date_time_ymd(2001, 1, 1), rcgen::date_time_ymd(3001, 1, 1));
    for (from, to, reason) in [
        (past - Duration::from_secs(1), past, "expired"),
        (future, future + Duration::from_secs(1), "not valid yet"),
    ] {
        let (certificate, key) = files.authority.sign_as(&["localhost"], |params| {
            (params.not_before, params.not_after) = (from, to);
        });
        files.write("server.pem", &certificate);
        files.write("server.key", &key);
        let server = files.server().build(&[]).unwrap();
        let error = meet(&server, &client, "localhost").await.unwrap_err();
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn wrong_sections_are_refused_by_validation() {
    let section: TlsServer = serde_yaml::from_str(
        "{cert_file: a, cert_pem: b, key_file: c, ca_file: d, ca_pem: e, min_version: '1.1', max_version: '2', \
         cipher_suites: [TLS_RSA_WITH_RC4_128_SHA], curve_preferences: [P521, P999, P256], \
         include_insecure_cipher_suites: true, tpm: {enabled: true}, client_ca_file_reload: true}",
    )
    .unwrap();
    let found = violations(&section);
    let expected = [
        ": provide either ca_file or ca_pem, not both",
        ": provide either cert_file or cert_pem, not both",
        "ca_pem: holds no certificate in PEM",
        "cert_pem: holds no certificate in PEM",
        "min_version: TLS 1.1 is not supported, the oldest version is 1.2",
        "max_version: unknown TLS version `2`, use 1.2 or 1.3",
        "cipher_suites: cipher suite `TLS_RSA_WITH_RC4_128_SHA` is unknown or not supported, use of TLS_AES_256_GCM_SHA384",
        "curve_preferences: curve P521 is not supported",
        "curve_preferences: unknown curve `P999`, use X25519MLKEM768, X25519, P256 or P384",
        "include_insecure_cipher_suites: insecure cipher suites are not supported",
        "tpm::enabled: keys in a TPM are not supported yet",
        "client_ca_file_reload: needs client_ca_file",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found}");
    }
    let order = TlsFiles {
        min_version: "1.3".into(),
        max_version: "1.2".into(),
        ..TlsFiles::default()
    };
    assert_eq!(violations(&order), ["min_version: is newer than max_version"]);
    let lonely = TlsFiles {
        key_file: "k".into(),
        ..TlsFiles::default()
    };
    assert_eq!(violations(&lonely).len(), 1);
    let name = TlsClient {
        server_name_override: "not a name".into(),
        ..TlsClient::default()
    };
    assert_eq!(violations(&name).len(), 1);
}
