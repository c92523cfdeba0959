//! A small HTTP client for tests.

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::wait::DEADLINE;

/// A client with connections of its own.
#[derive(Debug, Clone)]
pub struct Client {
    pool: Pool<HttpConnector, Full<Bytes>>,
}

/// What a server answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Status.
    pub status: StatusCode,
    /// Whole body.
    pub body: Bytes,
}

impl Answer {
    /// The body as text, invalid bytes replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Default for Client {
    fn default() -> Self {
        Self {
            pool: Pool::builder(TokioExecutor::new()).build_http(),
        }
    }
}

impl Client {
    /// Sends a request and reads the whole answer, whatever its status.
    ///
    /// # Errors
    ///
    /// No answer arrives, or not within [`DEADLINE`].
    pub async fn send(
        &self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<Answer> {
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.into()))?;
        let exchange = async {
            let response = self.pool.request(request).await?;
            let status = response.status();
            let body = response.into_body().collect().await?.to_bytes();
            anyhow::Ok(Answer { status, body })
        };
        timeout(DEADLINE, exchange)
            .await
            .context("no answer in time")?
            .with_context(|| format!("asking {url}"))
    }

    /// Reads a page.
    ///
    /// # Errors
    ///
    /// As [`Client::send`], or the status is not a success.
    pub async fn get(&self, url: &str) -> Result<String> {
        let answer = self.send(Method::GET, url, &[], Bytes::new()).await?;
        if !answer.status.is_success() {
            bail!("{url} answered {}: {}", answer.status, answer.text());
        }
        Ok(answer.text())
    }

    /// Reads a page with parameters, as JSON.
    ///
    /// # Errors
    ///
    /// As [`Client::get`], or the page is not JSON of that shape.
    pub async fn get_json<T: DeserializeOwned>(&self, url: &str, parameters: &[(&str, &str)]) -> Result<T> {
        let text = self.get(&with_parameters(url, parameters)).await?;
        serde_json::from_str(&text).with_context(|| format!("{url} answered {text}"))
    }
}

/// A URL with parameters appended.
#[must_use]
pub fn with_parameters(url: &str, parameters: &[(&str, &str)]) -> String {
    let pairs = parameters
        .iter()
        .map(|(name, value)| (percent_encoded(name), percent_encoded(value)));
    let query: Vec<String> = pairs.map(|(name, value)| format!("{name}={value}")).collect();
    format!("{url}?{}", query.join("&"))
}

fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}
