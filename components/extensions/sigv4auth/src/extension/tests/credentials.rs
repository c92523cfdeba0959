//! Where credentials come from.

use std::fs;

use super::*;

/// Temporary credentials as container agents and instance metadata give them out.
fn served(id: &str) -> String {
    format!(
        r#"{{"Code": "Success", "AccessKeyId": "{id}", "SecretAccessKey": "secret of {id}", "Token": "session of {id}",
            "Expiration": "2999-01-01T00:00:00Z"}}"#
    )
}

/// Credentials of a role as the security token service gives them out.
fn assumed(id: &str) -> String {
    format!(
        r#"<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
            <AccessKeyId>{id}</AccessKeyId><SecretAccessKey>secret of {id}</SecretAccessKey>
            <SessionToken>session of {id}</SessionToken><Expiration>2999-01-01T00:00:00Z</Expiration>
        </Credentials></AssumeRoleResult></AssumeRoleResponse>"#
    )
}

fn refused(code: &str) -> String {
    format!("<ErrorResponse><Error><Code>{code}</Code><Message>not you</Message></Error></ErrorResponse>")
}

fn params(body: &[u8]) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(body).into_owned().collect()
}

#[tokio::test]
async fn containers_have_an_agent() {
    let token = tempfile::NamedTempFile::new().unwrap();
    fs::write(token.path(), "let me in\n").unwrap();
    let aws = Aws::start(
        |head, _| match head.headers.get("authorization").map(|value| value.as_bytes()) {
            Some(b"let me in") => (200, served("AKCON")),
            _ => (401, String::new()),
        },
    )
    .await;
    let url = format!("{}/v1/credentials", aws.url());
    let file = token.path().to_str().unwrap();
    let variables = [
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", url.as_str()),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", file),
    ];
    aws.push(APS, &variables, b"x").await.unwrap();
    let (signed, (head, _)) = aws.pushed();
    assert_eq!(signed.access_key_id, "AKCON");
    assert_eq!(head.headers["x-amz-security-token"], "session of AKCON");
    // The agent is the one that is configured: its refusal is not passed over.
    let error = aws.push(APS, &variables[..1], b"x").await.unwrap_err();
    assert!(
        error.to_string().contains(&url) && error.to_string().contains("401"),
        "{error}"
    );
    assert!(ConsumeError::from(error).is_retryable());
    aws.stop().await;
}

#[tokio::test]
async fn instances_have_metadata_in_version_2() {
    const ROLES: &str = "/latest/meta-data/iam/security-credentials/";
    let aws = Aws::start(|head, _| {
        let token = head.headers.get("x-aws-ec2-metadata-token");
        match (
            head.method.as_str(),
            head.uri.path(),
            token.map(|token| token.as_bytes()),
        ) {
            ("PUT", "/latest/api/token", None) => (200, "t0ken".to_owned()),
            ("GET", ROLES, Some(b"t0ken")) => (200, "gateway\n".to_owned()),
            ("GET", path, Some(b"t0ken")) if path == format!("{ROLES}gateway") => (200, served("AKEC2")),
            _ => (401, String::new()),
        }
    })
    .await;
    let url = aws.url();
    let variables = [("AWS_EC2_METADATA_SERVICE_ENDPOINT", url.as_str())];
    aws.push(APS, &variables, b"x").await.unwrap();
    assert_eq!(aws.pushed().0.access_key_id, "AKEC2");
    let life = &aws.arrived("/latest/api/token")[0].0.headers["x-aws-ec2-metadata-token-ttl-seconds"];
    assert_eq!(life, "300");
    aws.stop().await;
}

#[tokio::test]
async fn without_credentials_requests_may_be_tried_again() {
    let aws = Aws::start(|_, _| (404, String::new())).await;
    let error = aws
        .push(APS, &[("AWS_EC2_METADATA_DISABLED", "true")], b"x")
        .await
        .unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("no AWS credentials") && text.contains("AWS_EC2_METADATA_DISABLED"),
        "{text}"
    );
    assert!(ConsumeError::from(error).is_retryable());
    assert_eq!(aws.arrived("/push").len(), 0);
    aws.stop().await;
}

#[tokio::test]
async fn roles_are_assumed_with_signed_requests() {
    let aws = Aws::start(|_, _| (200, assumed("AKROLE"))).await;
    let url = aws.url();
    let variables = [&VARIABLES[..], &[("AWS_ENDPOINT_URL_STS", url.as_str())]].concat();
    let yaml = "{service: aps, region: eu-west-1, assume_role: {arn: 'arn:aws:iam::1:role/p/a', session_name: gateway, \
                sts_region: us-east-2, external_id: 'ex:1', session_duration: 15m}}";
    aws.push(yaml, &variables, b"x").await.unwrap();
    assert_eq!(aws.pushed().0.access_key_id, "AKROLE");
    let (head, body) = &aws.arrived("/")[0];
    let signed = verify(head, body, |id| Some(format!("secret of {id}"))).unwrap();
    assert_eq!(
        (
            signed.access_key_id.as_str(),
            signed.service.as_str(),
            signed.region.as_str()
        ),
        ("AKVAR", "sts", "us-east-2")
    );
    let expected = [
        ("Action", "AssumeRole"),
        ("DurationSeconds", "900"),
        ("ExternalId", "ex:1"),
        ("RoleArn", "arn:aws:iam::1:role/p/a"),
        ("RoleSessionName", "gateway"),
        ("Version", "2011-06-15"),
    ];
    assert_eq!(
        params(body),
        expected
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into()
    );
    aws.stop().await;
}

#[tokio::test]
async fn tokens_of_identity_providers_are_exchanged() {
    let token = tempfile::NamedTempFile::new().unwrap();
    fs::write(token.path(), "a.b.c\n").unwrap();
    let file = token.path().to_str().unwrap();
    let configured = format!(
        "{{service: aps, region: eu-west-1, assume_role: {{arn: 'arn:aws:iam::1:role/a', web_identity_token_file: '{file}'}}}}"
    );
    let by_variables = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", file),
        ("AWS_ROLE_ARN", "arn:aws:iam::1:role/a"),
        ("AWS_ROLE_SESSION_NAME", "pod"),
    ];
    for (yaml, variables) in [(configured.as_str(), &[][..]), (APS, &by_variables[..])] {
        let aws = Aws::start(|_, _| (200, assumed("AKWEB"))).await;
        let url = aws.url();
        let variables = [variables, &[("AWS_ENDPOINT_URL", url.as_str())]].concat();
        aws.push(yaml, &variables, b"x").await.unwrap();
        assert_eq!(aws.pushed().0.access_key_id, "AKWEB");
        let (head, body) = &aws.arrived("/")[0];
        assert!(head.headers.get("authorization").is_none());
        let params = params(body);
        assert_eq!(params["Action"], "AssumeRoleWithWebIdentity");
        assert_eq!(params["WebIdentityToken"], "a.b.c");
        match variables.len() {
            1 => assert!(params["RoleSessionName"].starts_with("weir-")),
            _ => assert_eq!(params["RoleSessionName"], "pod"),
        }
        aws.stop().await;
    }
}

#[tokio::test]
async fn refusals_are_final_and_throttling_is_not() {
    for (status, code, retryable) in [
        (403, "AccessDenied", false),
        (403, "SignatureDoesNotMatch", false),
        (400, "Throttling", true),
        (400, "ExpiredTokenException", true),
        (500, "InternalFailure", true),
        (403, "", true),
    ] {
        let body = if code.is_empty() {
            "<html>".to_owned()
        } else {
            refused(code)
        };
        let aws = Aws::start(move |_, _| (status, body.clone())).await;
        let url = aws.url();
        let variables = [&VARIABLES[..], &[("AWS_ENDPOINT_URL_STS", url.as_str())]].concat();
        let yaml = "{service: aps, region: eu-west-1, assume_role: {arn: 'arn:aws:iam::1:role/a'}}";
        let error = aws.push(yaml, &variables, b"x").await.unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("`arn:aws:iam::1:role/a`") && text.contains(&url) && text.contains(code),
            "{text}"
        );
        assert!(!text.contains("secret of"), "{text}");
        assert_eq!(ConsumeError::from(error).is_retryable(), retryable, "{code}");
        aws.stop().await;
    }
}

#[tokio::test]
async fn profiles_have_keys_or_lead_to_them() {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join(".aws")).unwrap();
    fs::write(
        home.path().join(".aws/credentials"),
        "[default]\naws_access_key_id = AKDEF\naws_secret_access_key = secret of AKDEF\n\
         [base]\naws_access_key_id = AKBASE\naws_secret_access_key = secret of AKBASE\n",
    )
    .unwrap();
    fs::write(
        home.path().join(".aws/config"),
        "[profile inner]\nrole_arn = arn:aws:iam::1:role/inner\nsource_profile = base\nexternal_id = ex\n\
         [profile outer]\nrole_arn = arn:aws:iam::1:role/outer\nsource_profile = inner\nregion = us-west-1\n\
         [profile env]\nrole_arn = arn:aws:iam::1:role/env\ncredential_source = Environment\n\
         [profile ring]\nrole_arn = arn:aws:iam::1:role/ring\nsource_profile = gnir\n\
         [profile gnir]\nrole_arn = arn:aws:iam::1:role/gnir\nsource_profile = ring\n\
         [profile bare]\nrole_arn = arn:aws:iam::1:role/bare\n\
         [profile sso]\nsso_session = corp\n\
         [profile process]\ncredential_process = /bin/true\n",
    )
    .unwrap();
    let home = home.path().to_str().unwrap();
    for (profile, outcome) in [
        (None, Ok("AKDEF")),
        (Some("base"), Ok("AKBASE")),
        (Some("outer"), Ok("outer")),
        (Some("ring"), Err("name each other")),
        (
            Some("bare"),
            Err("neither `source_profile` nor `credential_source`"),
        ),
        (Some("sso"), Err("`sso_session`, which is not supported")),
        (
            Some("process"),
            Err("`credential_process`, which is not supported"),
        ),
        (Some("none"), Err("no profile `none`, which AWS_PROFILE names")),
        (Some("env"), Err("`Environment`, which the profile `env` names")),
    ] {
        let aws = Aws::start(|_, body| {
            let role = params(body.as_bytes())["RoleArn"]
                .rsplit('/')
                .next()
                .unwrap()
                .to_owned();
            (200, assumed(&role))
        })
        .await;
        let url = aws.url();
        let mut variables = vec![("HOME", home), ("AWS_ENDPOINT_URL_STS", url.as_str())];
        variables.extend(profile.map(|profile| ("AWS_PROFILE", profile)));
        let sent = aws
            .push("{service: aps, region: eu-west-1}", &variables, b"x")
            .await;
        match outcome {
            Ok(id) => {
                sent.unwrap();
                assert_eq!(aws.pushed().0.access_key_id, id);
            }
            Err(text) => {
                let error = sent.unwrap_err().to_string();
                assert!(error.contains(text), "{profile:?}: {error}");
            }
        }
        if profile == Some("outer") {
            let asked: Vec<_> = aws
                .arrived("/")
                .into_iter()
                .map(|(head, body)| {
                    let signed = verify(&head, &body, |id| Some(format!("secret of {id}"))).unwrap();
                    (signed.access_key_id, params(&body).get("ExternalId").cloned())
                })
                .collect();
            assert_eq!(
                asked,
                [
                    ("AKBASE".to_owned(), Some("ex".to_owned())),
                    ("inner".to_owned(), None)
                ]
            );
        }
        aws.stop().await;
    }
}
