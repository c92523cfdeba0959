//! The built binary at work: what it logs, how it answers signals, what it tells those who started it.

mod canary;
mod reload;
mod run;
mod systemd;
mod weir;
