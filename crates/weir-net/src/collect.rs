//! Bodies into contiguous bytes, within a limit.

use bytes::{Bytes, BytesMut};
use http_body::Body as HttpBody;
use http_body_util::BodyExt;
use weir_component::BoxError;

/// Memory taken for a body or message before its bytes arrive is at most this, whatever it announces; more follows as they do. It
/// holds what clients send by default, and pages that are never written cost address space only.
pub(crate) const FIRST_ALLOCATION: usize = 4 << 20;

/// Why a body could not be collected.
#[derive(Debug)]
pub(crate) enum CollectError {
    /// It is longer than the limit.
    TooLarge,
    /// It failed.
    Body(BoxError),
}

/// Collects a whole body of at most `limit` bytes. A body of one frame is not copied.
pub(crate) async fn whole<B>(body: B, limit: usize, announced: Option<usize>) -> Result<Bytes, CollectError>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    match prefix(body, limit, announced).await {
        Ok((_, true)) => Err(CollectError::TooLarge),
        Ok((bytes, false)) => Ok(bytes),
        Err(error) => Err(CollectError::Body(error)),
    }
}

/// Collects at most `limit` bytes of a body; the flag says whether there were more.
pub(crate) async fn prefix<B>(
    mut body: B,
    limit: usize,
    announced: Option<usize>,
) -> Result<(Bytes, bool), BoxError>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    let mut first = Bytes::new();
    let mut joined = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(mut data) = frame.map_err(Into::into)?.into_data() else {
            continue;
        };
        let have = first.len() + joined.len();
        let more = data.len() > limit - have;
        data.truncate(limit - have);
        if have == 0 {
            first = data;
        } else {
            if have + data.len() > joined.capacity() {
                // A little on the announcement, all of it once the peer has shown that it means it.
                let announced = announced.unwrap_or(0).min(limit);
                let expected = if joined.is_empty() {
                    announced.min(FIRST_ALLOCATION)
                } else {
                    announced
                };
                joined.reserve(expected.max(have + data.len()) - joined.len());
            }
            joined.extend_from_slice(&std::mem::take(&mut first));
            joined.extend_from_slice(&data);
        }
        if more {
            return Ok((if joined.is_empty() { first } else { joined.freeze() }, true));
        }
    }
    Ok((if joined.is_empty() { first } else { joined.freeze() }, false))
}
