//! Configuration blocks shared by components that speak over the network, and the way to build on them.
//!
//! A component rarely uses a block as it is: it has its own defaults and its own keys *beside* those of the block, on the same
//! level of YAML. [`Keys`] and the [`keys!`](crate::keys) macro do that without buffering, so that errors keep their place.

mod authentication;
mod headers;
mod keys;
mod shared;
mod span;

pub use authentication::Authentication;
pub(crate) use authentication::{extension_id, validate_auth};
pub use headers::Headers;
pub use keys::{Keys, read_onto};
#[doc(hidden)]
pub use keys::{deserialize, serialize};
pub use shared::{Dialer, Middleware};
pub(crate) use shared::{validate_client_middlewares, validate_middlewares};
pub use span::Span;
