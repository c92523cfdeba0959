//! Graphs of fake components: how they are built, what flows through them, how they start and stop,
//! how one takes the place of another.

mod build;
mod fakes;
mod flow;
mod lifecycle;
mod service;
mod switch;
