//! What happens to the headers of one request.

use http::{HeaderMap, HeaderName, HeaderValue};
use weir_component::config::Secret;
use weir_component::{AuthError, Context, StartError};
use weir_net::Watched;

use crate::config::{Action, Header};

/// Does one thing to one header.
pub(crate) struct Setter {
    name: HeaderName,
    action: Action,
    source: Source,
    default: Option<Secret>,
}

/// Where a value comes from.
enum Source {
    Fixed(Secret),
    File(Watched<Secret>),
    /// Client metadata by its lower-case key.
    Metadata(String),
    /// The sender's identity.
    Identity(String),
}

impl Setter {
    /// Reads the file, if there is one. Blocks on the file system.
    pub(crate) fn open(header: &Header) -> Result<Self, StartError> {
        let name = HeaderName::try_from(&header.key)
            .map_err(|error| StartError::new("invalid header name").caused_by(error))?;
        let source = if !header.value_file.is_empty() {
            let file = Watched::file(&header.value_file, |text| Ok(Secret::new(text.trim())));
            Source::File(file.map_err(|error| {
                StartError::new(format!("no value for the header `{name}`")).caused_by(error)
            })?)
        } else if !header.from_context.is_empty() {
            Source::Metadata(header.from_context.to_ascii_lowercase())
        } else if !header.from_attribute.is_empty() {
            Source::Identity(header.from_attribute.clone())
        } else {
            Source::Fixed(header.value.clone().unwrap_or_default())
        };
        Ok(Self {
            name,
            action: header.action,
            source,
            default: header.default_value.clone(),
        })
    }

    /// Changes the header in `headers`, or leaves it alone if there is no value.
    pub(crate) async fn apply(&self, headers: &mut HeaderMap, context: &Context) -> Result<(), AuthError> {
        let present = headers.contains_key(&self.name);
        match self.action {
            Action::Delete => {
                headers.remove(&self.name);
                return Ok(());
            }
            Action::Insert if present => return Ok(()),
            Action::Update if !present => return Ok(()),
            Action::Insert | Action::Update | Action::Upsert => {}
        }
        let found = self.value(context).await?;
        let Some(text) = found.or_else(|| self.default.clone()) else {
            return Ok(());
        };
        let mut value = HeaderValue::try_from(text.expose()).map_err(|error| {
            AuthError::refused(format!("the value of `{}` does not fit into a header", self.name))
                .caused_by(error)
        })?;
        value.set_sensitive(true);
        headers.insert(&self.name, value);
        Ok(())
    }

    async fn value(&self, context: &Context) -> Result<Option<Secret>, AuthError> {
        match &self.source {
            Source::Fixed(value) => Ok(Some(value.clone())),
            Source::File(file) => Ok(Some(file.current().await.as_ref().clone())),
            Source::Metadata(key) => match context.metadata.get(key).map(Vec::as_slice) {
                None | Some([]) => Ok(None),
                Some([value]) => Ok(Some(Secret::new(value))),
                Some(_) => Err(AuthError::refused(format!(
                    "the client's metadata has several values of `{key}`"
                ))),
            },
            Source::Identity(name) => Ok(context.identity.as_ref().and_then(|identity| {
                let attribute = identity.attributes.get(name);
                let subject = (name == "subject").then_some(&identity.subject);
                attribute
                    .or(subject)
                    .filter(|value| !value.is_empty())
                    .map(Secret::new)
            })),
        }
    }
}
