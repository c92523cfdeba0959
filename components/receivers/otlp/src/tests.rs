//! The receiver over loopback: real requests of both protocols against a sink.

mod admission;
mod config;
mod grpc;
mod http;
mod life;
mod running;
