use super::*;

#[tokio::test]
async fn the_first_failure_counts() {
    let failures = Failures::default();
    let mut waiting = Box::pin(failures.reported());
    let (first, second) = ("a".parse().unwrap(), "b".parse().unwrap());
    tokio::select! {
        biased;
        report = &mut waiting => panic!("{report}"),
        () = async {} => {}
    }
    failures.clone().report(&first, "gone");
    failures.report(&second, "gone too");
    assert_eq!(waiting.await, "a: gone");
    assert_eq!(failures.reported().await, "a: gone", "a report stays");
}

#[test]
fn user_agents_have_no_spaces() {
    let info = BuildInfo {
        description: "My  Own Weir".to_owned(),
        version: "1.2".to_owned(),
        ..BuildInfo::default()
    };
    assert_eq!(info.user_agent(), "my-own-weir/1.2");
}

#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct NoOptions {}

impl crate::Validate for NoOptions {}

/// An extension that authenticates nobody.
struct Other;

impl crate::Component for Other {}

impl Extension for Other {
    type Config = NoOptions;

    fn build(_: &Self::Config, _: &BuildContext) -> Result<Self, crate::BuildError> {
        Ok(Self)
    }
}

#[test]
fn an_authenticator_that_is_none_is_named() {
    let id: ComponentId = "other/1".parse().unwrap();
    let none = Host::default().server_auth(&id).err().unwrap().to_string();
    assert!(none.contains("`other/1` is not running"), "{none}");
    let host = Host::new(BTreeMap::from([(
        id.clone(),
        Arc::new(Other) as Arc<dyn Extension>,
    )]));
    let server = host.server_auth(&id).err().unwrap().to_string();
    assert!(
        server.contains("`other/1`") && server.contains("for a server"),
        "{server}"
    );
    let client = host.client_auth(&id).err().unwrap().to_string();
    assert!(client.contains("for a client"), "{client}");
}
