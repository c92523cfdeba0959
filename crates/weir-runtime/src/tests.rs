//! Graphs of fake components: how they are built, what flows through them, how they start and stop.

mod build;
mod fakes;
mod flow;
mod lifecycle;
