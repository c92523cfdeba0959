use std::error::Error;

use super::*;

#[test]
fn constructors_answer_the_three_questions() {
    let second = Duration::from_secs(1);
    for (error, code, fault, retry) in [
        (
            ConsumeError::malformed("m"),
            Code::InvalidArgument,
            Fault::Caller,
            Retry::Never,
        ),
        (
            ConsumeError::permanent("m"),
            Code::Internal,
            Fault::Weir,
            Retry::Never,
        ),
        (
            ConsumeError::unavailable("m"),
            Code::Unavailable,
            Fault::Downstream,
            Retry::Later,
        ),
        (
            ConsumeError::overloaded("m", second),
            Code::Unavailable,
            Fault::Weir,
            Retry::After(second),
        ),
        (
            ConsumeError::shutting_down(),
            Code::Unavailable,
            Fault::Weir,
            Retry::Later,
        ),
        (
            ConsumeError::partial(Vec::new(), "m"),
            Code::InvalidArgument,
            Fault::Caller,
            Retry::Never,
        ),
    ] {
        assert_eq!(
            (error.code(), error.fault(), error.retry()),
            (code, fault, retry),
            "{error:?}"
        );
        assert_eq!(error.is_retryable(), retry != Retry::Never);
    }
}

#[test]
fn refused_items_never_exceed_the_batch() {
    let refusal = |items| Refusal { reason: "r", items };
    let partial = ConsumeError::partial(vec![refusal(2), refusal(3)], "m");
    assert_eq!((partial.refused_items(10), partial.refused_items(4)), (5, 4));
    assert_eq!(ConsumeError::permanent("m").refused_items(10), 10);
}

#[test]
fn a_change_does_not_reach_clones() {
    let error = ConsumeError::unavailable("m");
    let changed = error
        .clone()
        .with_retry(Retry::Never)
        .of(Fault::Caller)
        .caused_by(std::fmt::Error);
    assert_eq!((error.retry(), error.fault()), (Retry::Later, Fault::Downstream));
    assert_eq!((changed.retry(), changed.fault()), (Retry::Never, Fault::Caller));
    assert!(error.source().is_none() && changed.source().is_some());
    assert_eq!(changed.to_string(), "m", "the cause is not part of the message");
}

#[test]
fn what_a_step_refused_is_added_to_the_next_answer() {
    let one = |reason, items| vec![Refusal { reason, items }];
    let of = |answer, refusals| ConsumeError::with_refusals(answer, "deltas refused", refusals);
    assert!(of(Ok(()), Vec::new()).is_ok());
    let own = of(Ok(()), one("old", 2)).unwrap_err();
    assert_eq!(own.to_string(), "deltas refused: 2 old");
    assert_eq!(own.refused_items(10), 2);
    let both = of(Err(ConsumeError::partial(one("new", 1), "next")), one("old", 2)).unwrap_err();
    assert_eq!(both.to_string(), "deltas refused: 2 old; next");
    assert_eq!(
        both.extent(),
        &Extent::Part([one("new", 1), one("old", 2)].concat())
    );
    let whole = of(Err(ConsumeError::shutting_down()), one("old", 2)).unwrap_err();
    assert_eq!(
        (whole.is_partial(), whole.is_retryable()),
        (false, true),
        "the caller keeps it all"
    );
}
