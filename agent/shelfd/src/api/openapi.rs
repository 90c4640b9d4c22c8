//! `GET /openapi.json`: the description of this API, written by hand and compared with the routes
//! by a test.

use axum::http::header;
use axum::response::IntoResponse;

/// The description.
pub(super) const FILE: &str = include_str!("../../openapi.json");

/// `GET /openapi.json`
pub(super) async fn file() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], FILE)
}
