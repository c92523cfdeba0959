//! Delivery without a queue: the caller waits for the verdict.

use std::task::{Context, Poll};

use tower::Service;
use weir_component::{Batch, ConsumeError, Consumer};

use crate::Answer;
use crate::settle::Settlement;

/// Passes batches on and settles the answers. A batch that is refused as a whole stays with the caller and is not booked.
#[derive(Debug, Clone)]
pub(crate) struct Direct {
    pub(crate) deliver: Consumer,
    pub(crate) settlement: Settlement,
}

impl Service<Batch> for Direct {
    type Response = ();
    type Error = ConsumeError;
    type Future = Answer<()>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ConsumeError>> {
        self.deliver.poll_ready(cx)
    }

    fn call(&mut self, batch: Batch) -> Answer<()> {
        let items = batch.items() as u64;
        let under_way = self.settlement.metrics.in_flight();
        let (call, settlement) = (self.deliver.call(batch), self.settlement.clone());
        Box::pin(async move {
            let answer = call.await;
            let answer = settlement.of_call(items, answer);
            drop(under_way);
            answer
        })
    }
}
