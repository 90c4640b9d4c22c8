//! The HTTP side: JSON under `/api/v1`, the catalogue's files, health, metrics and OpenAPI.
//!
//! Handlers read through read-only connections ([`crate::readers`]) and change things only by
//! asking the worker, so that no request can hold up or corrupt the ingest. Field names are
//! stable snake_case; quantities are integers in thousandths, money in minor units, times in
//! milliseconds since 1970. Every error is an RFC 9457 problem with a hint ([`problem`]). Without
//! a token only loopback clients that ask for a loopback host are served.
#![allow(
    unused_qualifications,
    reason = "utoipa's `path` macro expands its `params` to qualified names"
)]

mod auth;
mod catalogue;
mod document;
mod health;
mod openapi;
mod problem;
mod stock;
mod store;

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::extract::rejection::QueryRejection;
use axum::routing::get;

use crate::catalogue::import::IMPORT_BYTES_MAX;
use crate::config::Secret;
use crate::metrics::Metrics;
use crate::platform::Clock;
use crate::publisher::Publisher;
use crate::readers::Readers;
use crate::worker::WorkerHandle;

pub use openapi::document as openapi_document;
use problem::Problem;

/// Rows of one page unless the caller asks for fewer.
pub const PAGE_ROWS_MAX: usize = 1000;
/// Rows of a page where the caller doesn't say.
const PAGE_ROWS_DEFAULT: usize = 100;

/// What every handler can reach.
#[derive(Clone, Debug)]
pub struct Api(Arc<Parts>);

/// What the API is made of.
#[derive(Debug)]
pub struct Parts {
    /// Read-only connections.
    pub readers: Readers,
    /// The one that writes.
    pub worker: WorkerHandle,
    /// Makes catalogue files.
    pub publisher: Publisher,
    /// Where catalogue files are.
    pub snapshots: PathBuf,
    /// What callers must know.
    pub token: Option<Secret>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Time.
    pub clock: Clock,
}

impl std::ops::Deref for Api {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// All routes.
pub fn router(parts: Parts) -> Router {
    let api = Api(Arc::new(parts));
    Router::new()
        .route("/healthz", get(health::healthz))
        .route("/metrics", get(health::metrics))
        .route("/openapi.json", get(openapi::served))
        .route("/api/v1/stores", get(store::stores))
        .route("/api/v1/stores/{store}/nodes", get(store::nodes))
        .route("/api/v1/stores/{store}/stock", get(stock::page))
        .route("/api/v1/stores/{store}/stock/{item}", get(stock::one))
        .route("/api/v1/stores/{store}/documents", get(document::page))
        .route(
            "/api/v1/catalogue",
            get(catalogue::page).post(catalogue::import),
        )
        .route("/catalogue/{revision}", get(catalogue::file))
        .fallback(problem::no_such_path)
        .method_not_allowed_fallback(problem::no_such_method)
        .layer(axum::middleware::from_fn_with_state(
            api.clone(),
            auth::check,
        ))
        .layer(DefaultBodyLimit::max(IMPORT_BYTES_MAX))
        .with_state(api)
}

/// The query of a request, or a problem that says what is wrong with it.
fn query<T>(given: Result<axum::extract::Query<T>, QueryRejection>) -> Result<T, Problem> {
    match given {
        Ok(axum::extract::Query(query)) => Ok(query),
        Err(rejection) => Err(Problem::bad_request(
            rejection.body_text(),
            "the parameters of each path are listed at /openapi.json",
        )),
    }
}

/// How many rows a page has.
fn page_rows(limit: Option<usize>) -> usize {
    limit.unwrap_or(PAGE_ROWS_DEFAULT).clamp(1, PAGE_ROWS_MAX)
}
