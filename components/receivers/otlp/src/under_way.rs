//! Hand-overs that reach their end whether or not somebody waits for it.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::FutureExt;
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;
use weir_component::ConsumeError;

type Verdict = Result<(), ConsumeError>;

/// A hand-over, run by whoever waits for it. Dropped before its end, it goes on in a task of its own.
///
/// So a request costs no task beside its own, and a client that goes away does not tear its batch apart.
pub(crate) struct UnderWay {
    /// None once it has ended. Tracked from its beginning.
    work: Option<Pin<Box<dyn Future<Output = Verdict> + Send>>>,
    runtime: Handle,
}

impl UnderWay {
    /// Begins to hand over. Must be called within a tokio runtime, in which it then goes on.
    pub(crate) fn begin(work: impl Future<Output = Verdict> + Send + 'static, tasks: &TaskTracker) -> Self {
        // As if it were a task: what a step shares is behind locks that are taken over from whoever panicked.
        let work = AssertUnwindSafe(work)
            .catch_unwind()
            .map(|ended| ended.unwrap_or_else(|_| Err(ConsumeError::permanent("a pipeline failed"))));
        Self {
            work: Some(Box::pin(tasks.track_future(work))),
            runtime: Handle::current(),
        }
    }
}

impl Future for UnderWay {
    type Output = Verdict;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Verdict> {
        let work = self.work.as_mut().expect("is not polled after its end");
        let verdict = ready!(work.as_mut().poll(cx));
        self.work = None;
        Poll::Ready(verdict)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if let Some(work) = self.work.take() {
            // Not detached: it is tracked since it began.
            drop(self.runtime.spawn(work));
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn what_nobody_waits_for_goes_on() {
        let tasks = TaskTracker::new();
        let ((go, gone), (done, ended)) = (oneshot::channel::<()>(), oneshot::channel());
        let mut work = UnderWay::begin(
            async move {
                gone.await.unwrap();
                done.send(()).unwrap();
                Ok(())
            },
            &tasks,
        );
        assert!(futures_util::poll!(&mut work).is_pending());
        drop(work);
        assert_eq!(tasks.len(), 1, "shutdown waits for it");
        go.send(()).unwrap();
        ended.await.unwrap();
        tasks.close();
        tasks.wait().await;
    }

    #[tokio::test]
    async fn a_panic_is_an_answer() {
        let tasks = TaskTracker::new();
        let verdict = UnderWay::begin(async { panic!("a step") }, &tasks).await;
        assert_eq!(verdict.unwrap_err().to_string(), "a pipeline failed");
        assert!(tasks.is_empty());
    }
}
