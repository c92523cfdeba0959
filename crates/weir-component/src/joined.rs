//! One answer of several.

use std::time::Duration;

use crate::{ConsumeError, Extent, Retry};

/// Joins the answers of steps that each got the whole batch.
///
/// If one of them may succeed later the whole is retryable, even beside one that refused for good: sending again may double what the
/// good ones have, but giving up would lose what the others lack. The longest delay counts. Refusals of parts matter only when nobody
/// refused all, and then the largest is told.
///
/// # Errors
///
/// The error that counts most, if there is one.
pub fn joined(answers: impl IntoIterator<Item = Result<(), ConsumeError>>) -> Result<(), ConsumeError> {
    let rank = |error: &ConsumeError| match (error.extent(), error.retry()) {
        (Extent::Part(_), _) => (0, Duration::ZERO, error.refused_items(u64::MAX)),
        (Extent::All, Retry::Never) => (1, Duration::ZERO, 0),
        (Extent::All, Retry::Later) => (2, Duration::ZERO, 0),
        (Extent::All, Retry::After(delay)) => (2, delay, 0),
    };
    match answers.into_iter().filter_map(Result::err).max_by_key(rank) {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Refusal;

    #[test]
    fn what_can_be_saved_counts_most() {
        let part = |items| {
            let refusal = Refusal { reason: "r", items };
            Err(ConsumeError::partial(vec![refusal], format!("part {items}")))
        };
        let later = |seconds| {
            let delay = Duration::from_secs(seconds);
            Err(ConsumeError::overloaded(format!("later {seconds}"), delay))
        };
        let never = || Err(ConsumeError::permanent("never"));
        let told =
            |answers: Vec<Result<(), ConsumeError>>| joined(answers).err().map(|error| error.to_string());
        assert_eq!(told(vec![]), None);
        assert_eq!(told(vec![Ok(()), Ok(())]), None);
        assert_eq!(told(vec![Ok(()), part(1), part(3), part(2)]).unwrap(), "part 3");
        assert_eq!(told(vec![part(1), never(), Ok(())]).unwrap(), "never");
        assert_eq!(
            told(vec![later(1), never(), later(9), part(1)]).unwrap(),
            "later 9"
        );
    }
}
