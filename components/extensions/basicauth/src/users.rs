//! A list of users, and the memory of checks that succeeded.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use weir_component::{AuthError, BoxError};

use crate::htpasswd::{self, Stored};

/// How long a password that was right is known to be: a check by bcrypt takes tens of milliseconds of a core.
const REMEMBERED: Duration = Duration::from_secs(5 * 60);

/// How long a request may wait for its turn to be checked.
const PATIENCE: Duration = Duration::from_secs(5);

/// Users by name. When the list changes, all that is remembered goes with the old one.
#[derive(Debug)]
pub(crate) struct Users {
    by_name: HashMap<String, Arc<User>>,
    /// Stands in for users that do not exist, so that the time of an answer does not tell who does. None in an empty list.
    decoy: Option<Arc<User>>,
    /// Random, and known to this list only.
    key: hmac::Key,
}

#[derive(Debug)]
struct User {
    stored: Stored,
    /// At most one per user, so this is bounded by the list.
    proof: Mutex<Option<Proof>>,
}

/// A password that was right.
#[derive(Debug)]
struct Proof {
    /// Keyed hash of the password.
    tag: hmac::Tag,
    until: Instant,
}

/// Turns to check passwords: half of the cores, so that guessing cannot take them all.
#[derive(Debug, Clone)]
pub(crate) struct Turns(Arc<Semaphore>);

impl Default for Turns {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self(Arc::new(Semaphore::new((cores / 2).max(1))))
    }
}

impl Users {
    /// Reads users.
    ///
    /// # Errors
    ///
    /// A line is no user, or there is no randomness for the key.
    pub(crate) fn parse(text: &str) -> Result<Self, BoxError> {
        let by_name: HashMap<String, Arc<User>> = htpasswd::parse(text)?
            .into_iter()
            .map(|(name, stored)| {
                let proof = Mutex::default();
                (name, Arc::new(User { stored, proof }))
            })
            .collect();
        let weak = by_name.values().filter(|user| user.stored.is_weak()).count();
        if weak > 0 {
            tracing::warn!(
                users = weak,
                "passwords are stored in plain text or as SHA-1, use bcrypt: `htpasswd -B`"
            );
        }
        let slowest = by_name.values().find(|user| !user.stored.is_weak());
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new())
            .map_err(|_| "the system has no randomness")?;
        Ok(Self {
            decoy: slowest.or_else(|| by_name.values().next()).cloned(),
            by_name,
            key,
        })
    }

    /// Checks a password.
    ///
    /// # Errors
    ///
    /// There is no such user, or the password is another, which errors do not tell apart; or no turn came within 5 s.
    pub(crate) async fn check(&self, name: &str, password: String, turns: &Turns) -> Result<(), AuthError> {
        let wrong = || AuthError::refused("no such user, or a wrong password");
        let known = self.by_name.get(name);
        let user = known.or(self.decoy.as_ref()).ok_or_else(wrong)?;
        let tag = hmac::sign(&self.key, password.as_bytes());
        let remembered = || known.is_some_and(|user| user.remembers(&tag));
        if remembered() {
            return Ok(());
        }
        let waiting = tokio::time::timeout(PATIENCE, Arc::clone(&turns.0).acquire_owned());
        let Ok(Ok(turn)) = waiting.await else {
            return Err(AuthError::unavailable("too many passwords to check"));
        };
        // Requests of one client that came together wait together; the first is checked for all.
        if remembered() {
            return Ok(());
        }
        let checked = Arc::clone(user);
        let checking = tokio::task::spawn_blocking(move || {
            let matches = checked.stored.matches(&password);
            // The turn ends with the work, even if nobody waits for it any more.
            drop(turn);
            matches
        });
        match checking.await {
            Ok(true) if known.is_some() => {
                user.remember(tag);
                Ok(())
            }
            Ok(_) => Err(wrong()),
            Err(error) => Err(AuthError::unavailable("a check did not finish").caused_by(error)),
        }
    }
}

impl User {
    fn remembers(&self, tag: &hmac::Tag) -> bool {
        let proof = self.proof.lock().unwrap_or_else(PoisonError::into_inner);
        proof.as_ref().is_some_and(|proof| {
            proof.until > Instant::now() && proof.tag.as_ref().ct_eq(tag.as_ref()).into()
        })
    }

    fn remember(&self, tag: hmac::Tag) {
        let until = Instant::now() + REMEMBERED;
        *self.proof.lock().unwrap_or_else(PoisonError::into_inner) = Some(Proof { tag, until });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users() -> Users {
        let hash = bcrypt::hash("secret", 4).unwrap();
        Users::parse(&format!("ann:{hash}")).unwrap()
    }

    #[tokio::test]
    async fn a_right_password_is_remembered_and_a_wrong_one_is_not() {
        let (users, turns) = (users(), Turns::default());
        let check =
            async |name: &str, password: &str| users.check(name, password.to_owned(), &turns).await.is_ok();
        let remembers = || users.by_name["ann"].proof.lock().unwrap().is_some();
        assert!(!check("ann", "Secret").await && !remembers());
        assert!(
            !check("eve", "secret").await && !remembers(),
            "the decoy's password is nobody's"
        );
        assert!(check("ann", "secret").await && remembers());
        // Nothing is left to check with: what is remembered needs no turn.
        let none = Turns(Arc::new(Semaphore::new(0)));
        assert!(users.check("ann", "secret".to_owned(), &none).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_remembered_ends_and_turns_are_not_waited_for_for_ever() {
        let (users, none) = (users(), Turns(Arc::new(Semaphore::new(0))));
        let tag = hmac::sign(&users.key, b"secret");
        users.by_name["ann"].remember(tag);
        assert!(users.check("ann", "secret".to_owned(), &none).await.is_ok());
        tokio::time::advance(REMEMBERED).await;
        let error = users.check("ann", "secret".to_owned(), &none).await.unwrap_err();
        assert!(error.is_retryable());
    }

    #[tokio::test]
    async fn an_empty_list_lets_nobody_in() {
        let users = Users::parse("# nobody").unwrap();
        assert!(
            users
                .check("ann", String::new(), &Turns::default())
                .await
                .is_err()
        );
    }
}
