//! What a request says: the same fields from a form or from a JSON object.
//!
//! Pages send forms, programs send JSON; both mean the same, so both become [`Fields`]. Values
//! stay text until somebody asks for a quantity or a name, which is where errors get their place.

use std::collections::BTreeMap;
use std::str::FromStr;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use serde_json::Value;
use shelf_till::source::masked;

use super::problem::Problem;
use crate::pages::speech::Speech;
use crate::pages::texts::Language;

/// Fields whose text is kept as somebody typed it. A scanner that types puts a swiped card into whatever
/// field has the focus, so a card number in one of these keeps its last four digits.
const FREE_TEXTS: [&str; 5] = ["area", "label", "reason", "slip", "staff"];
/// The most fields that one request may have.
const FIELDS_MAX: usize = 32;

/// The body, bounded.
pub(crate) struct Body(pub(crate) Bytes);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let body = Bytes::from_request(request, state).await;
        body.map(Self).map_err(|error: BytesRejection| {
            if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
                return Problem::new(error.status(), "too-large", "the body is too large")
                    .hint("send less at once, or raise `http.request_bytes_max`");
            }
            Problem::bad("the body broke off")
        })
    }
}

/// Named texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fields(BTreeMap<String, String>);

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let kind = content_type(request.headers()).to_owned();
        let Body(body) = Body::from_request(request, state).await?;
        match kind.as_str() {
            "application/json" => Self::json(&body),
            "application/x-www-form-urlencoded" => Self::form(&body),
            _ => Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported-media-type",
                "the body is neither JSON nor a form",
            )
            .hint("send `content-type: application/json`")),
        }
    }
}

/// The media type without parameters, in lower case.
pub(crate) fn content_type(headers: &HeaderMap) -> String {
    let text = headers
        .get(header::CONTENT_TYPE)
        .and_then(|it| it.to_str().ok());
    let kind = text.and_then(|it| it.split(';').next()).unwrap_or_default();
    kind.trim().to_ascii_lowercase()
}

impl Fields {
    fn form(body: &[u8]) -> Result<Self, Problem> {
        let pairs = form_urlencoded::parse(body).take(FIELDS_MAX + 1);
        Self::bounded(
            pairs
                .map(|(key, value)| (key.into_owned(), value.into_owned()))
                .collect(),
        )
    }

    fn json(body: &[u8]) -> Result<Self, Problem> {
        let value: Value = serde_json::from_slice(body)
            .map_err(|error| Problem::bad(format!("the body is no JSON: {error}")))?;
        let Value::Object(object) = value else {
            return Err(Problem::bad("the body is no JSON object"));
        };
        let mut fields = BTreeMap::new();
        for (key, value) in object {
            let text = match value {
                Value::String(text) => text,
                Value::Number(number) => number.to_string(),
                Value::Bool(it) => it.to_string(),
                Value::Null => continue,
                Value::Array(_) | Value::Object(_) => {
                    return Err(Problem::value(&key, "must be a text or a number"));
                }
            };
            fields.insert(key, text);
        }
        Self::bounded(fields)
    }

    fn bounded(mut fields: BTreeMap<String, String>) -> Result<Self, Problem> {
        if fields.len() > FIELDS_MAX {
            return Err(Problem::bad(format!("more than {FIELDS_MAX} fields")));
        }
        for (name, value) in &mut fields {
            if FREE_TEXTS.contains(&name.as_str()) {
                *value = masked(value);
            }
        }
        Ok(Self(fields))
    }

    /// A field without the blanks and the line end that a scanner in keyboard mode adds; an empty
    /// one counts as absent.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(|it| it.trim())
            .filter(|it| !it.is_empty())
    }

    /// Fields whose names begin like this, by the rest of their names.
    pub(crate) fn under<'a>(&'a self, start: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let all = self.0.iter();
        let rest =
            all.filter_map(move |(key, value)| Some((key.strip_prefix(start)?, value.trim())));
        rest.filter(|(_, value)| !value.is_empty())
    }

    /// A field that must be there.
    pub(crate) fn needed(&self, name: &str) -> Result<&str, Problem> {
        self.text(name)
            .ok_or_else(|| Problem::value(name, "is missing"))
    }

    /// A field as a value of its type, where it is there.
    pub(crate) fn parsed<T>(&self, name: &str) -> Result<Option<T>, Problem>
    where
        T: FromStr<Err: std::fmt::Display>,
    {
        let parse = |it: &str| it.parse().map_err(|error| Problem::value(name, error));
        self.text(name).map(parse).transpose()
    }

    /// A field as a value of its type.
    pub(crate) fn parse<T>(&self, name: &str) -> Result<T, Problem>
    where
        T: FromStr<Err: std::fmt::Display>,
    {
        let text = self.needed(name)?;
        text.parse().map_err(|error| Problem::value(name, error))
    }

    /// Whether a box is ticked.
    pub(crate) fn ticked(&self, name: &str) -> bool {
        matches!(self.text(name), Some("true" | "on" | "1" | "yes"))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Speech {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let asked = form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == "lang");
        if let Some((_, tag)) = asked {
            return Ok(Self {
                language: Language::wanted(&tag),
                is_asked: true,
            });
        }
        let header = parts
            .headers
            .get(header::ACCEPT_LANGUAGE)
            .and_then(|it| it.to_str().ok());
        let language = Language::wanted(header.unwrap_or_default());
        Ok(Self {
            language,
            is_asked: false,
        })
    }
}

/// Whether the caller wants JSON rather than a page to go back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WantsPage(pub(crate) bool);

impl<S: Send + Sync> FromRequestParts<S> for WantsPage {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let accept = parts
            .headers
            .get(header::ACCEPT)
            .and_then(|it| it.to_str().ok());
        let accept = accept.unwrap_or_default();
        Ok(Self(
            accept.contains("text/html") && !accept.contains("application/json"),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_and_json_say_the_same() {
        let form = Fields::form(b"do=scan&code=4006381333931%0D%0A&quantity=2").unwrap();
        let json = br#"{"do":"scan","code":"4006381333931\r\n","quantity":2,"x":null}"#;
        let json = Fields::json(json).unwrap();
        assert_eq!(form, json);
        assert_eq!(form.needed("code").unwrap(), "4006381333931");
        let quantity: shelf_stock::quantity::Quantity = form.parse("quantity").unwrap();
        assert_eq!(quantity.to_string(), "2");
        assert!(form.parse::<shelf_stock::quantity::Quantity>("do").is_err());
        // A card swiped by a scanner that types goes into whatever field has the focus.
        let swiped =
            Fields::form(b"label=%3B4111111111111111%3D2912%3F&code=4006381333931").unwrap();
        assert_eq!(swiped.text("label"), Some(";************1111=2912?"));
        assert_eq!(swiped.text("code"), Some("4006381333931"));
        assert!(Fields::json(b"[1]").is_err());
        assert!(Fields::json(br#"{"a":{}}"#).is_err());
    }
}
