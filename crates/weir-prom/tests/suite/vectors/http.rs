use std::time::{Duration, SystemTime};

use weir_prom::Protocol;
use weir_prom::outcome::{Counts, Outcome, Reply, judge, network_failure, written};

use super::file::{Vector, each};

fn counts(v: Vector) -> Counts {
    let count = |key| u64::try_from(v.int(key)).unwrap();
    Counts {
        samples: count("samples"),
        histograms: count("histograms"),
        exemplars: count("exemplars"),
    }
}

#[test]
fn sender_decisions() {
    each("http", |v| {
        let outcome = if v.flag("network_error") {
            network_failure()
        } else {
            let reply = Reply {
                status: u16::try_from(v.int("status")).unwrap(),
                written: v
                    .at("written")
                    .value()
                    .is_mapping()
                    .then(|| counts(v.at("written"))),
                retry_after: v.has("retry_after").then(|| v.text("retry_after")),
            };
            let protocol = if v.text("message") == "v1" {
                Protocol::V1
            } else {
                Protocol::V2
            };
            judge(reply, counts(v.at("sent")), protocol, true, SystemTime::now())
        };
        let samples = |samples| Counts {
            samples,
            ..Counts::default()
        };
        let want = match v.text("want") {
            "success" => Outcome::Delivered {
                missing: Counts::default(),
            },
            "drop; 2 delivered, 1 rejected; never retry" => Outcome::Rejected {
                delivered: samples(2),
                rejected: samples(1),
            },
            text if text.starts_with("retry") => Outcome::Retry { after: None },
            text if text.contains("415") || text.contains("fall back") => Outcome::WrongProtocol,
            "drop" if v.int("status") == 413 => Outcome::TooLarge,
            other => panic!("unknown outcome {other}"),
        };
        assert_eq!(outcome, want);
    });
}

fn reply(status: u16, retry_after: Option<&str>) -> Reply<'_> {
    Reply {
        status,
        written: None,
        retry_after,
    }
}

#[test]
fn retry_after_is_read_in_both_forms() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
    let after = |text| judge(reply(503, Some(text)), Counts::default(), Protocol::V2, true, now);
    assert_eq!(
        after("7"),
        Outcome::Retry {
            after: Some(Duration::from_secs(7))
        }
    );
    assert_eq!(
        after("Sun, 06 Nov 1994 08:49:47 GMT"),
        Outcome::Retry {
            after: Some(Duration::from_secs(10))
        }
    );
    assert_eq!(after("soon"), Outcome::Retry { after: None });
}

#[test]
fn too_many_requests_is_a_setting() {
    let judge = |retry| {
        judge(
            reply(429, Some("1")),
            Counts::default(),
            Protocol::V1,
            retry,
            SystemTime::now(),
        )
    };
    assert_eq!(
        judge(true),
        Outcome::Retry {
            after: Some(Duration::from_secs(1))
        }
    );
    assert!(matches!(judge(false), Outcome::Rejected { .. }));
}

#[test]
fn a_missing_written_header_counts_as_zero_if_another_is_there() {
    let only_samples = |name: &str| (name == "x-prometheus-remote-write-samples-written").then_some(" 3 ");
    assert_eq!(
        written(only_samples),
        Some(Counts {
            samples: 3,
            ..Counts::default()
        })
    );
    assert_eq!(written(|_| None), None);
}

#[test]
fn success_with_fewer_written_reports_the_shortfall() {
    let sent = Counts {
        samples: 3,
        histograms: 1,
        exemplars: 2,
    };
    let reply = Reply {
        status: 204,
        written: Some(Counts { samples: 9, ..sent }),
        retry_after: None,
    };
    let missing = |written| {
        judge(
            Reply { written, ..reply },
            sent,
            Protocol::V2,
            true,
            SystemTime::now(),
        )
    };
    assert_eq!(
        missing(reply.written),
        Outcome::Delivered {
            missing: Counts::default()
        }
    );
    assert_eq!(
        missing(Some(Counts {
            samples: 1,
            ..Counts::default()
        })),
        Outcome::Delivered {
            missing: Counts {
                samples: 2,
                histograms: 1,
                exemplars: 2
            }
        }
    );
}
