//! The edge between two steps.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tower::Service;
use weir_component::{Batch, ConsumeError, Consumer, EdgeBooks, HandOver, Offer};

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
    type Future = Crossing;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ConsumeError>> {
        self.target.poll_ready(cx)
    }

    fn call(&mut self, batch: Batch) -> Crossing {
        Crossing {
            offer: Some(self.books.offer(batch.items() as u64)),
            answer: self.target.call(batch),
        }
    }
}

/// A batch on its way over an edge.
pub struct Crossing {
    /// None once it is decided. Dropped before, the items count as given up.
    offer: Option<Offer>,
    answer: HandOver,
}

impl Future for Crossing {
    type Output = Result<(), ConsumeError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = ready!(self.answer.as_mut().poll(cx));
        if let Some(offer) = self.offer.take() {
            offer.decide(&answer);
        }
        Poll::Ready(answer)
    }
}
