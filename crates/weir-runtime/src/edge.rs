//! The edge between two steps.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tower::Service;
use weir_component::{Batch, ConsumeError, Consumer, EdgeBooks};

/// Joins two steps and counts what passes: offered, accepted, refused, given up.
#[derive(Debug, Clone)]
pub struct Edge {
    books: EdgeBooks,
    target: Consumer,
}

impl Edge {
    /// Makes an edge to a step.
    pub const fn new(books: EdgeBooks, target: Consumer) -> Self {
        Self { books, target }
    }
}

impl Service<Batch> for Edge {
    type Response = ();
    type Error = ConsumeError;
    type Future = Pin<Box<dyn Future<Output = Result<(), ConsumeError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ConsumeError>> {
        self.target.poll_ready(cx)
    }

    fn call(&mut self, batch: Batch) -> Self::Future {
        let offer = self.books.offer(batch.items() as u64);
        let answer = self.target.call(batch);
        Box::pin(async move {
            let answer = answer.await;
            offer.decide(&answer);
            answer
        })
    }
}
