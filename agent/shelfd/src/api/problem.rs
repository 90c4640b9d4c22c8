//! What a caller is told when something can't be done: RFC 9457, in words, with the next step.
//!
//! Every error of the API goes through here, so that all of them look alike; the pages' script
//! shows `detail`. A problem never holds what must not be stored, such as a card number.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use shelf_ledger::{ExecuteError, ReadError};
use shelf_till::source::masked;

/// Something that can't be done, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    status: StatusCode,
    kind: &'static str,
    detail: String,
    hint: String,
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    hint: &'a str,
}

impl Problem {
    /// A problem of a kind, which is a stable word with dashes.
    pub(crate) fn new(status: StatusCode, kind: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            kind,
            // Many name the value that was wrong, and a swiped card may be the value.
            detail: masked(&detail.into()),
            hint: String::new(),
        }
    }

    /// With what to do about it.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// A request that can't be understood.
    pub(crate) fn bad(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-request", detail)
    }

    /// A value that can't be used.
    pub(crate) fn value(name: &str, why: impl std::fmt::Display) -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "bad-value",
            format!("{name}: {why}"),
        )
    }

    /// Something that isn't here.
    pub(crate) fn missing(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", detail)
    }

    /// A caller that may not do this.
    pub(crate) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// Something inside failed; it was logged where it happened.
    pub(crate) fn inside(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "failed", detail)
    }

    /// Its status code.
    #[cfg(test)]
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// What it says.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = Body {
            kind: format!("urn:shelfd:problem:{}", self.kind),
            title: self.status.canonical_reason().unwrap_or("Problem"),
            status: self.status.as_u16(),
            detail: &self.detail,
            hint: &self.hint,
        };
        let json = serde_json::to_string(&body).unwrap_or_default();
        let kind = HeaderValue::from_static("application/problem+json");
        (self.status, [(header::CONTENT_TYPE, kind)], json).into_response()
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        tracing::error!(%error, "a page could not read the ledger");
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "ledger-unreadable",
            error.to_string(),
        )
        .hint("try again; if it stays, look at the status page and the log")
    }
}

impl<E: std::error::Error + 'static> From<ExecuteError<E>> for Problem {
    fn from(error: ExecuteError<E>) -> Self {
        let detail = crate::daemon::counter::chain(&error);
        match &error {
            ExecuteError::Refused(_) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "refused", detail)
            }
            ExecuteError::TurnedAway | ExecuteError::Closed => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail).hint("try again")
            }
            ExecuteError::DiskFull { .. } => {
                Self::new(StatusCode::INSUFFICIENT_STORAGE, "disk-full", detail)
            }
            ExecuteError::Panicked { .. } | ExecuteError::CommitFailed { .. } => {
                tracing::error!(%detail, "a request was not recorded");
                Self::inside(detail)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_problem_is_json_with_a_hint() {
        let problem = Problem::value("quantity", "`x` is no number").hint("write 2 or 0.375");
        let answer = problem.into_response();
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(
            answer.headers()[header::CONTENT_TYPE],
            "application/problem+json"
        );
        let body = axum::body::to_bytes(answer.into_body(), 1_000)
            .await
            .unwrap();
        assert_eq!(
            std::str::from_utf8(&body).unwrap(),
            r#"{"type":"urn:shelfd:problem:bad-value","title":"Unprocessable Entity","status":422,"detail":"quantity: `x` is no number","hint":"write 2 or 0.375"}"#
        );
    }
}
