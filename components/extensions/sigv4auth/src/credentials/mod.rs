//! Credentials and where they come from.
//!
//! ```text
//! assume_role ── web identity token ──────────────────────────┐
//!      └──────── signed by what follows ──> STS <─────────────┤
//! variables > web identity of the environment ────────────────┘
//!           > profile in the shared files > container > instance metadata
//! ```
//!
//! The first that is configured is used, and if it fails that is the error: falling through to another identity would hide mistakes.

mod chain;
mod container;
mod instance;
mod profile;
mod served;
mod sts;

use weir_component::config::Secret;

pub(crate) use chain::{Chain, Clients};

/// What requests are signed with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Credentials {
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: Secret,
    /// Only temporary credentials have one.
    pub(crate) session_token: Option<Secret>,
}
