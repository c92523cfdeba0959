//! What configuration reads from outside: the environment and the files of this process, and the web.
//!
//! An `http` or `https` URI is fetched with GET. The answer must have status 200 and come within [`TIMEOUT`], redirections
//! included; proxies are those of the environment. `https` trusts the certificates of the system and nothing else, as there is no
//! configuration yet that could name others.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use weir_component::{BoxError, Context, Host};
use weir_config::{Environment, System};
use weir_net::client::{
    Client, ClientError, HttpClient, Outgoing, ProxyEnvironment, Reply, SendError, Target, TargetError,
};

/// Time for one URI, from the name to the last byte. The Collector waits without end.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Redirections that are followed, as in the Collector.
const MAX_REDIRECTIONS: usize = 10;

const USER_AGENT: &str = concat!("weir/", env!("CARGO_PKG_VERSION"));

/// The world outside, for one reading of a configuration.
#[derive(Debug, Default)]
pub(crate) struct Outside {
    /// What was fetched, so that a URI that is named twice is one request and one answer. Bounded by the reading, which gives up
    /// at 32 MiB.
    fetched: Mutex<BTreeMap<String, Vec<u8>>>,
}

impl Environment for Outside {
    fn variable(&self, name: &str) -> Option<OsString> {
        System.variable(name)
    }

    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        System.read(path, limit)
    }

    fn fetch(&self, uri: &str, limit: u64) -> Result<Vec<u8>, BoxError> {
        let mut fetched = self.fetched.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(content) = fetched.get(uri) {
            return Ok(content.clone());
        }
        let content = fetch_blocking(uri, limit)?;
        fetched.insert(uri.to_owned(), content.clone());
        Ok(content)
    }
}

/// Why there is nothing at a URI.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    /// Without the text, which may hold credentials.
    #[error("not a URL such as `https://host:port/path`")]
    Target,
    #[error("cannot set up a client")]
    Client(#[from] ClientError),
    #[error(transparent)]
    Send(#[from] SendError),
    #[error("no answer within {} s", TIMEOUT.as_secs())]
    Timeout,
    #[error("the answer has status {0} instead of 200")]
    Status(StatusCode),
    #[error("more than {MAX_REDIRECTIONS} redirections")]
    Redirections,
    #[error("redirected from `https` to `http`")]
    Downgrade,
    #[error("more than {} MiB", .0 >> 20)]
    TooLarge(u64),
    #[error("cannot start a runtime")]
    Runtime(#[from] io::Error),
    #[error("the request panicked")]
    Panicked,
}

impl From<TargetError> for FetchError {
    fn from(_: TargetError) -> Self {
        Self::Target
    }
}

/// Fetches on a thread and a runtime of its own: the caller may be a task of another runtime, or have none.
fn fetch_blocking(uri: &str, limit: u64) -> Result<Vec<u8>, FetchError> {
    let work = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            tokio::time::timeout(TIMEOUT, fetch(uri, limit))
                .await
                .unwrap_or(Err(FetchError::Timeout))
        })
    };
    thread::scope(|scope| scope.spawn(work).join().unwrap_or(Err(FetchError::Panicked)))
}

async fn fetch(uri: &str, limit: u64) -> Result<Vec<u8>, FetchError> {
    let settings = HttpClient {
        disable_keep_alives: true,
        ..HttpClient::default()
    };
    let client = settings.build(&Host::default(), &ProxyEnvironment::of_process(), USER_AGENT)?;
    let mut target = Target::parse(uri)?;
    for _ in 0..=MAX_REDIRECTIONS {
        let reply = get(&client, &target, limit).await?;
        let next = reply.headers.get(header::LOCATION);
        match next.and_then(|location| location.to_str().ok()) {
            Some(location) if is_redirection(reply.status) => {
                let next = target.redirected(location)?;
                if target.uri().scheme_str() == Some("https") && next.uri().scheme_str() != Some("https") {
                    return Err(FetchError::Downgrade);
                }
                target = next;
            }
            _ if reply.status != StatusCode::OK => return Err(FetchError::Status(reply.status)),
            _ if reply.truncated => return Err(FetchError::TooLarge(limit)),
            _ => return Ok(reply.body.to_vec()),
        }
    }
    Err(FetchError::Redirections)
}

async fn get(client: &Client, target: &Target, limit: u64) -> Result<Reply, SendError> {
    let request = Outgoing {
        method: Method::GET,
        target,
        headers: HeaderMap::new(),
        body: Bytes::new(),
        context: Context::default(),
        max_reply_bytes: usize::try_from(limit).unwrap_or(usize::MAX),
    };
    client.send(request).await
}

fn is_redirection(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::SEE_OTHER
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT
    )
}
