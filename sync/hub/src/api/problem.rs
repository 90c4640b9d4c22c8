//! Errors as RFC 9457 problems: what happened, and what to do about it.

use axum::Json;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::readers::ReadError;
use crate::worker::WorkerError;

/// The body of every error answer (`application/problem+json`).
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Problem {
    /// Names the kind of problem; stable.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The kind in words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What happened this time.
    detail: String,
    /// What to do.
    hint: String,
}

impl Problem {
    fn new(
        status: StatusCode,
        (kind, title): (&'static str, &'static str),
        detail: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            title,
            status: status.as_u16(),
            detail: detail.into(),
            hint: hint.into(),
        }
    }

    /// 400: the request makes no sense.
    pub(super) fn bad_request(detail: impl Into<String>, hint: impl Into<String>) -> Self {
        let kind = (
            "urn:shelf:problem:bad-request",
            "The request can't be understood",
        );
        Self::new(StatusCode::BAD_REQUEST, kind, detail, hint)
    }

    /// 401: no token or the wrong one.
    pub(super) fn unauthorised(detail: impl Into<String>, hint: impl Into<String>) -> Self {
        let kind = ("urn:shelf:problem:unauthorised", "A valid token is needed");
        Self::new(StatusCode::UNAUTHORIZED, kind, detail, hint)
    }

    /// 403: this caller may not ask that way.
    pub(super) fn forbidden(detail: impl Into<String>, hint: impl Into<String>) -> Self {
        let kind = ("urn:shelf:problem:forbidden", "Not from here");
        Self::new(StatusCode::FORBIDDEN, kind, detail, hint)
    }

    /// 404: there is no such thing.
    pub(super) fn not_found(detail: impl Into<String>, hint: impl Into<String>) -> Self {
        let kind = ("urn:shelf:problem:not-found", "There is no such thing");
        Self::new(StatusCode::NOT_FOUND, kind, detail, hint)
    }

    /// 415: another kind of content is needed.
    pub(super) fn media_type(detail: impl Into<String>, hint: impl Into<String>) -> Self {
        let kind = (
            "urn:shelf:problem:media-type",
            "The content type doesn't fit",
        );
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, kind, detail, hint)
    }

    /// 413: too large.
    pub(super) fn too_large(detail: impl Into<String>, hint: impl Into<String>) -> Self {
        let kind = ("urn:shelf:problem:too-large", "The request is too large");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, kind, detail, hint)
    }

    /// 409: it contradicts what is there.
    pub(super) fn conflict(detail: impl Into<String>, hint: impl Into<String>) -> Self {
        let kind = ("urn:shelf:problem:conflict", "It contradicts what is there");
        Self::new(StatusCode::CONFLICT, kind, detail, hint)
    }

    /// 409: not so much can be had.
    pub(super) fn refused(detail: impl Into<String>, hint: impl Into<String>) -> Self {
        let kind = ("urn:shelf:problem:refused", "Not so much can be had");
        Self::new(StatusCode::CONFLICT, kind, detail, hint)
    }

    /// 416: beyond the end.
    pub(super) fn range(detail: impl Into<String>) -> Self {
        let kind = ("urn:shelf:problem:range", "The range is beyond the end");
        let hint = "what you have is the whole file, or of another revision: compare its hash";
        Self::new(StatusCode::RANGE_NOT_SATISFIABLE, kind, detail, hint)
    }

    /// 422: the content as a whole can't be used.
    pub(super) fn unusable(detail: impl Into<String>, hint: impl Into<String>) -> Self {
        let kind = ("urn:shelf:problem:unusable", "The content can't be used");
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, kind, detail, hint)
    }

    /// 503: not now.
    pub(super) fn unavailable(detail: impl Into<String>, hint: impl Into<String>) -> Self {
        let kind = ("urn:shelf:problem:unavailable", "The hub can't do that now");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, kind, detail, hint)
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        tracing::error!(error = &error as &dyn std::error::Error, "a read failed");
        Self::unavailable(
            error.to_string(),
            "try again; if it stays, look at the hub's log",
        )
    }
}

impl From<WorkerError> for Problem {
    fn from(error: WorkerError) -> Self {
        Self::unavailable(error.to_string(), "try again in a moment")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status);
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self)).into_response();
        // `Json` brings its own content type; the problem's one must win.
        let value = header::HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, value);
        response
    }
}

/// Answers paths that don't exist.
pub(super) async fn no_such_path(uri: Uri) -> Problem {
    Problem::not_found(
        format!("there is nothing at `{}`", uri.path()),
        "the paths are listed at /openapi.json",
    )
}

/// Answers methods that a path doesn't have.
pub(super) async fn no_such_method(uri: Uri) -> Problem {
    let kind = ("urn:shelf:problem:method", "The path has no such method");
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        kind,
        format!("`{}` can't be asked that way", uri.path()),
        "the methods of each path are listed at /openapi.json",
    )
}
