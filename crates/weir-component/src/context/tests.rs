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
