use super::*;
use crate::Refusal;

/// Records one answer to 10 items; returns what is accepted, refused and failed.
fn counts(answer: &Result<(), ConsumeError>) -> [f64; 3] {
    let metrics = Metrics::default();
    let receiver = ReceiverMetrics::new(&metrics, &"otlp/a".parse().unwrap(), "grpc");
    receiver.record(Signal::Traces, 10, answer);
    let text = metrics.render();
    ["accepted", "refused", "failed"].map(|what| {
        let name = format!("otelcol_receiver_{what}_spans");
        let line = text
            .lines()
            .find(|line| line.starts_with(&name))
            .unwrap_or_else(|| panic!("no {name} in\n{text}"));
        assert!(
            line.contains(r#"receiver="otlp/a""#) && line.contains(r#"transport="grpc""#),
            "{line}"
        );
        line.rsplit(' ').next().unwrap().parse().unwrap()
    })
}

#[test]
fn items_are_counted_by_the_answer() {
    assert_eq!(counts(&Ok(())), [10.0, 0.0, 0.0]);
    assert_eq!(counts(&Err(ConsumeError::unavailable("later"))), [0.0, 10.0, 0.0]);
    assert_eq!(counts(&Err(ConsumeError::malformed("bad"))), [0.0, 10.0, 0.0]);
    assert_eq!(
        counts(&Err(ConsumeError::shutting_down())),
        [0.0, 10.0, 0.0],
        "it will come again"
    );
    assert_eq!(
        counts(&Err(ConsumeError::permanent("a fault of ours"))),
        [0.0, 0.0, 10.0]
    );
    let partial = ConsumeError::partial(
        vec![Refusal {
            reason: "r",
            items: 3,
        }],
        "three",
    );
    assert_eq!(counts(&Err(partial)), [7.0, 3.0, 0.0]);
}
