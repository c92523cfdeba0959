//! Headers with secret values, as a map or as a list.

use std::borrow::Cow;
use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde::de::{self, MapAccess, SeqAccess};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use weir_component::config::{Secret, Validate, Violations};
use weir_component::schemars::{self, JsonSchema, Schema, SchemaGenerator, json_schema};

/// Header names with values, in the order of the configuration: `{name: value}` or `[{name: ..., value: ...}]`.
///
/// A name may stand once, ignoring case. Values are secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, Secret)>);

impl Headers {
    /// Collects headers.
    pub fn new<N: Into<String>, V: Into<String>>(headers: impl IntoIterator<Item = (N, V)>) -> Self {
        Self(
            headers
                .into_iter()
                .map(|(name, value)| (name.into(), Secret::new(value)))
                .collect(),
        )
    }

    /// Returns the names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Secret)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Returns true if there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the headers in the form in which they are sent. Values are marked sensitive. Invalid headers, which
    /// [`Validate`] reports, are left out.
    pub fn to_map(&self) -> HeaderMap {
        self.0
            .iter()
            .filter_map(|(name, value)| parse(name, value).ok())
            .collect()
    }
}

impl Validate for Headers {
    fn validate(&self, found: &mut Violations) {
        for (index, (name, value)) in self.0.iter().enumerate() {
            if let Err(message) = parse(name, value) {
                found.add(name, message);
            }
            if self.0[..index]
                .iter()
                .any(|(other, _)| other.eq_ignore_ascii_case(name))
            {
                found.add(name, "duplicate header");
            }
        }
    }
}

fn parse(name: &str, value: &Secret) -> Result<(HeaderName, HeaderValue), String> {
    let name = HeaderName::try_from(name).map_err(|_| format!("`{name}` is not a header name"))?;
    if [
        header::CONTENT_LENGTH,
        header::TRANSFER_ENCODING,
        header::CONNECTION,
    ]
    .contains(&name)
    {
        return Err(format!("`{name}` belongs to the connection and cannot be set"));
    }
    let mut value = HeaderValue::try_from(value.expose())
        .map_err(|_| "value has characters that headers cannot have".to_owned())?;
    value.set_sensitive(true);
    Ok((name, value))
}

impl JsonSchema for Headers {
    fn schema_name() -> Cow<'static, str> {
        "Headers".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": ["object", "null"], "additionalProperties": Secret::json_schema(generator) },
                { "type": "array", "items": generator.subschema_for::<Pair>() },
            ],
        })
    }
}

impl Serialize for Headers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Visitor)
    }
}

struct Visitor;

/// One element of the list form.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "HeaderPair")]
struct Pair {
    /// Name of the header.
    name: String,
    /// Its value.
    value: Secret,
}

impl<'de> de::Visitor<'de> for Visitor {
    type Value = Headers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping of header names to values, or a list of `name` and `value`")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Headers, E> {
        Ok(Headers::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Headers, A::Error> {
        let mut headers = Vec::new();
        while let Some(entry) = map.next_entry()? {
            headers.push(entry);
        }
        Ok(Headers(headers))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Headers, A::Error> {
        let mut headers = Vec::new();
        while let Some(Pair { name, value }) = seq.next_element()? {
            headers.push((name, value));
        }
        Ok(Headers(headers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_in_order() {
        for yaml in [
            "{b: '1', a: '2'}",
            "[{name: b, value: '1'}, {name: a, value: '2'}]",
        ] {
            let headers: Headers = serde_yaml::from_str(yaml).unwrap();
            assert_eq!(headers, Headers::new([("b", "1"), ("a", "2")]));
            assert!(!format!("{headers:?}").contains('1'));
        }
    }

    #[test]
    fn wrong_headers_are_reported() {
        let mut found = Violations::default();
        Headers::new([
            ("a b", "1"),
            ("x", "1\n"),
            ("y", "1"),
            ("Y", "2"),
            ("content-length", "1"),
        ])
        .validate(&mut found);
        let names: Vec<_> = found
            .into_found()
            .into_iter()
            .map(|violation| violation.path.join("::"))
            .collect();
        assert_eq!(names, ["a b", "x", "Y", "content-length"]);
    }
}
