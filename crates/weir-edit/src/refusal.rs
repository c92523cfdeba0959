//! What a caller is told when its batch cannot be rewritten.

use weir_component::{Code, ConsumeError, Retry};
use weir_pdata::rewrite::RewriteError;

/// Returns the answer for a batch that could not be rewritten. It is as it was, and would be refused again.
pub fn refusal(error: RewriteError) -> ConsumeError {
    let code = match &error {
        RewriteError::TooLarge { .. } => Code::ResourceExhausted,
        RewriteError::Illegal(_) => Code::InvalidArgument,
    };
    ConsumeError::new(code, error.to_string())
        .with_retry(Retry::Never)
        .caused_by(error)
}
