//! Under a paused clock: sources that answer when a test tells them.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{Instant, advance};
use weir_component::{AuthError, async_trait};
use weir_telemetry::Metrics;

use super::{FETCH_TIME, Lease, RenewalMetrics, Renewed, Source};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

/// Counts fetches; each waits for a permit, and fails while `down`.
#[derive(Clone)]
struct Issuer(Arc<Inner>);

struct Inner {
    fetches: AtomicUsize,
    permits: Semaphore,
    error: Mutex<Option<AuthError>>,
}

#[async_trait]
impl Source<usize> for Issuer {
    async fn fetch(&self) -> Result<Lease<usize>, AuthError> {
        let number = self.0.fetches.fetch_add(1, SeqCst) + 1;
        self.0.permits.acquire().await.unwrap().forget();
        match &*self.0.error.lock().unwrap() {
            None => Ok(Lease::expiring(number, HOUR, HOUR / 12)),
            Some(error) => Err(error.clone()),
        }
    }
}

impl Issuer {
    fn new(permits: usize) -> (Self, Renewed<usize>, Metrics) {
        let issuer = Self(Arc::new(Inner {
            fetches: AtomicUsize::new(0),
            permits: Semaphore::new(permits),
            error: Mutex::new(None),
        }));
        let metrics = Metrics::default();
        let own = RenewalMetrics::new(&metrics, &"oauth2client/a".parse().unwrap(), "token");
        (issuer.clone(), Renewed::new(issuer, own), metrics)
    }

    fn fetches(&self) -> usize {
        self.0.fetches.load(SeqCst)
    }

    fn fail(&self, error: Option<AuthError>) {
        *self.0.error.lock().unwrap() = error;
    }
}

/// Lets the fetch under way end.
async fn settle() {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn one_fetch_serves_all_who_wait_and_survives_those_who_give_up() {
    let (issuer, token, _) = Issuer::new(0);
    // The one who begins gives up.
    tokio::select! {
        biased;
        _ = token.current() => panic!("there is no token yet"),
        () = settle() => assert_eq!(issuer.fetches(), 1),
    }
    let answer = async {
        settle().await;
        issuer.0.permits.add_permits(1);
    };
    let (a, b, ()) = tokio::join!(token.current(), token.current(), answer);
    assert_eq!((*a.unwrap(), *b.unwrap(), issuer.fetches()), (1, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_value_is_renewed_ahead_of_its_expiry_while_it_is_used() {
    let (issuer, token, metrics) = Issuer::new(1);
    assert_eq!(*token.current().await.unwrap(), 1);
    advance(HOUR - HOUR / 12 - SECOND).await;
    assert_eq!((*token.current().await.unwrap(), issuer.fetches()), (1, 1));
    advance(SECOND).await;
    // Nobody waits: the old one is still good, and the issuer does not answer.
    for _ in 0..3 {
        assert_eq!(*token.current().await.unwrap(), 1);
        settle().await;
    }
    assert_eq!(issuer.fetches(), 2);
    issuer.0.permits.add_permits(1);
    settle().await;
    assert_eq!((*token.current().await.unwrap(), issuer.fetches()), (2, 2));
    let text = metrics.render();
    let labels = r#"extension="oauth2client/a",source="token""#;
    assert!(
        text.contains(&format!(
            r#"weir_auth_renewals_total{{{labels},outcome="success"}} 2"#
        )),
        "{text}"
    );
    assert!(
        text.contains(&format!("weir_auth_expiry_timestamp_seconds{{{labels}}} 1")),
        "{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn short_values_are_not_fetched_by_every_request() {
    let lease = Lease::expiring((), SECOND * 60, HOUR);
    assert_eq!(lease.renew_after, Some(SECOND * 30));
}

#[tokio::test(start_paused = true)]
async fn a_failed_renewal_leaves_the_value_until_it_expires() {
    let (issuer, token, metrics) = Issuer::new(Semaphore::MAX_PERMITS);
    token.current().await.unwrap();
    issuer.fail(Some(AuthError::unavailable("the issuer is down")));
    advance(HOUR - SECOND).await;
    assert_eq!(*token.current().await.unwrap(), 1);
    settle().await;
    assert_eq!((*token.current().await.unwrap(), issuer.fetches()), (1, 2));
    advance(SECOND).await;
    let error = token.current().await.unwrap_err();
    assert!(
        error.is_retryable() && error.to_string().contains("is down"),
        "{error}"
    );
    assert_eq!(issuer.fetches(), 3);
    assert!(metrics.render().contains(r#"outcome="failure"} 2"#));
    issuer.fail(None);
    assert!(token.current().await.is_err(), "it is too early");
    advance(SECOND * 2).await;
    assert_eq!(*token.current().await.unwrap(), 4);
}

#[tokio::test(start_paused = true)]
async fn failures_are_apart_by_more_and_more() {
    let (issuer, token, _) = Issuer::new(Semaphore::MAX_PERMITS);
    issuer.fail(Some(AuthError::refused("an unknown client")));
    let start = Instant::now();
    let mut begun = Vec::new();
    while start.elapsed() < Duration::from_secs(300) {
        let before = issuer.fetches();
        assert!(!token.current().await.unwrap_err().is_retryable());
        if issuer.fetches() > before {
            begun.push(start.elapsed().as_secs());
        }
        advance(SECOND).await;
    }
    assert_eq!(begun, [0, 1, 3, 7, 15, 31, 63, 123, 183, 243]);
}

#[tokio::test(start_paused = true)]
async fn fetches_on_demand_are_limited_to_one_per_period() {
    let (issuer, keys, _) = Issuer::new(Semaphore::MAX_PERMITS);
    assert_eq!(*keys.no_older_than(SECOND * 30).await.unwrap(), 1);
    assert_eq!(*keys.no_older_than(SECOND * 30).await.unwrap(), 1);
    advance(SECOND * 30).await;
    assert_eq!(*keys.no_older_than(SECOND * 30).await.unwrap(), 2);
    issuer.fail(Some(AuthError::unavailable("down")));
    advance(SECOND * 30).await;
    for _ in 0..3 {
        assert_eq!(*keys.no_older_than(SECOND * 30).await.unwrap(), 2);
    }
    assert_eq!(issuer.fetches(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_fetch_ends_by_itself_and_when_it_is_closed() {
    let (issuer, token, _) = Issuer::new(0);
    let error = token.current().await.unwrap_err();
    assert_eq!(error.to_string(), format!("no answer within {FETCH_TIME:?}"));
    advance(SECOND).await;
    token.prepare();
    settle().await;
    assert_eq!(issuer.fetches(), 2);
    let before = Instant::now();
    token.close((Instant::now() + HOUR).into_std()).await;
    assert_eq!(before, Instant::now());
    assert!(token.current().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_panics_is_a_failure() {
    struct Broken;

    #[async_trait]
    impl Source<()> for Broken {
        async fn fetch(&self) -> Result<Lease<()>, AuthError> {
            panic!("a bug");
        }
    }

    let metrics = RenewalMetrics::new(&Metrics::default(), &"oidc".parse().unwrap(), "keys");
    assert!(Renewed::new(Broken, metrics).current().await.is_err());
}
