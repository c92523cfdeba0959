//! Leaf types of component configuration and the collection of what is wrong with it.
//!
//! These types know how one value is written in YAML (a duration, a secret, a section that can be switched off). They do not
//! know files, places or merging: that is `weir-config`.

pub mod duration;
mod named;
mod optional;
pub mod schema;
mod secret;
mod violations;

pub use named::{CheckContent, NamedExtension, NamedFile, Role, check_text};
pub use optional::{OffUnlessNamed, OffUnlessSet, OnUnlessDisabled, Optional};
pub use secret::{Secret, reveal};
pub use violations::{Validate, Violation, Violations};
