//! The shared files: `~/.aws/credentials` and `~/.aws/config`.
//!
//! Spec: AWS SDKs and Tools Reference Guide, "Shared config and credentials files".

use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::path::PathBuf;

use weir_component::AuthError;
use weir_component::config::Secret;

use super::Credentials;
use crate::environment::Environment;

/// Largest file that is read: 1 MiB.
const MAX_BYTES: u64 = 1 << 20;

/// Settings of a profile by name.
pub(super) type Settings = BTreeMap<String, String>;

/// The profiles of both files.
#[derive(Default)]
pub(super) struct Profiles(BTreeMap<String, Settings>);

/// How profiles are headed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `[profile name]`, but `[default]`.
    Config,
    /// `[name]`.
    Credentials,
}

impl Profiles {
    /// Reads the files that the environment names, or the usual ones. A file that does not exist is empty.
    ///
    /// # Errors
    ///
    /// A file exists and cannot be read.
    pub(super) async fn read(environment: &Environment) -> Result<Self, AuthError> {
        let files = [
            (Kind::Config, environment.path("AWS_CONFIG_FILE", ".aws/config")),
            (
                Kind::Credentials,
                environment.path("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials"),
            ),
        ];
        let reading = tokio::task::spawn_blocking(move || {
            let mut profiles = Self::default();
            for (kind, path) in files {
                if let Some(path) = path {
                    profiles.merge(&read(&path)?, kind);
                }
            }
            Ok(profiles)
        });
        reading
            .await
            .unwrap_or_else(|error| Err(AuthError::unavailable("cannot read profiles").caused_by(error)))
    }

    /// Returns the settings of a profile.
    pub(super) fn get(&self, name: &str) -> Option<&Settings> {
        self.0.get(name)
    }

    /// Adds the profiles of a file; its settings replace those that are there.
    fn merge(&mut self, text: &str, kind: Kind) {
        let mut current: Option<&mut Settings> = None;
        for line in text.lines() {
            // Indented lines belong to the setting above; none of those are needed here.
            if line.starts_with([' ', '\t', '#', ';']) {
                continue;
            }
            if let Some(heading) = line.strip_prefix('[').and_then(|line| line.split(']').next()) {
                let name = match (kind, heading.trim().split_once(char::is_whitespace)) {
                    (Kind::Config, Some(("profile", name))) => Some(name.trim()),
                    (Kind::Config, None) if heading.trim() == "default" => Some("default"),
                    (Kind::Credentials, _) => Some(heading.trim()),
                    (Kind::Config, _) => None,
                };
                current = name.map(|name| self.0.entry(name.to_owned()).or_default());
            } else if let (Some(settings), Some((key, value))) =
                (current.as_deref_mut(), line.split_once('='))
            {
                // A remark begins behind a blank.
                let value = [" #", " ;", "\t#", "\t;"]
                    .iter()
                    .fold(value, |value, mark| value.split(mark).next().unwrap_or(value));
                settings.insert(key.trim().to_lowercase(), value.trim().to_owned());
            }
        }
    }
}

fn read(path: &PathBuf) -> Result<String, AuthError> {
    let mut text = String::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(MAX_BYTES).read_to_string(&mut text));
    match read {
        Ok(_) => Ok(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => {
            Err(AuthError::unavailable(format!("cannot read `{}`", path.display())).caused_by(error))
        }
    }
}

/// Returns the value of a setting, if it has one.
pub(super) fn setting<'a>(settings: &'a Settings, name: &str) -> Option<&'a str> {
    settings
        .get(name)
        .map(String::as_str)
        .filter(|value| !value.is_empty())
}

/// Returns the credentials that stand in a profile, if any do.
pub(super) fn static_credentials(settings: &Settings) -> Option<Credentials> {
    Some(Credentials {
        access_key_id: setting(settings, "aws_access_key_id")?.to_owned(),
        secret_access_key: Secret::new(setting(settings, "aws_secret_access_key")?),
        session_token: setting(settings, "aws_session_token").map(Secret::new),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_files_make_one_set_of_profiles() {
        let mut profiles = Profiles::default();
        profiles.merge(
            "# remark\n[default]\nregion = eu-west-1 # here\nAWS_Access_Key_Id=config\n[profile a b]\nregion=r\ns3 =\n  region = nested\n\
             [other]\nregion=lost\n[sso-session x]\nregion=lost\n",
            Kind::Config,
        );
        profiles.merge(
            "[default]\naws_access_key_id = id\naws_secret_access_key = se=cr#et\n[other]\naws_session_token=t\n",
            Kind::Credentials,
        );
        let default = profiles.get("default").unwrap();
        assert_eq!(setting(default, "region"), Some("eu-west-1"));
        let credentials = static_credentials(default).unwrap();
        assert_eq!(
            (
                credentials.access_key_id.as_str(),
                credentials.secret_access_key.expose()
            ),
            ("id", "se=cr#et")
        );
        assert_eq!(setting(profiles.get("a b").unwrap(), "region"), Some("r"));
        assert_eq!(setting(profiles.get("other").unwrap(), "region"), None);
        assert!(profiles.get("x").is_none() && static_credentials(profiles.get("other").unwrap()).is_none());
    }
}
