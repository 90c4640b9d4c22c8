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
mod bootstrap;
mod catalogue;
mod document;
mod file;
mod health;
mod level;
mod openapi;
mod order;
mod pickup;
mod policy;
mod problem;
mod stock;
mod store;
mod watch;

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::routing::{get, post, put};
use shelf_replica::Now;
use shelf_stock::name::TenantId;

use crate::bootstrap::maker::Maker;
use crate::catalogue::import::IMPORT_BYTES_MAX;
use crate::config::Secret;
use crate::metrics::Metrics;
use crate::platform::Clock;
use crate::presence::Look;
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
    /// Makes files of stores' documents.
    pub bootstrap: Maker,
    /// Whose stores these are.
    pub tenant: TenantId,
    /// Where catalogue files are.
    pub snapshots: PathBuf,
    /// What callers must know.
    pub token: Option<Secret>,
    /// From when on a PC that isn't heard is called silent.
    pub silent_after_ms: u64,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Time.
    pub clock: Clock,
}

impl Api {
    /// A look at PCs, now.
    fn look(&self) -> Look {
        Look {
            now: self.clock.now().wall,
            silent_after_ms: self.silent_after_ms,
        }
    }
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
        .route(
            "/api/v1/stores/{store}/nodes/{node}/admit",
            post(store::admit),
        )
        .route("/api/v1/stores/{store}/stock", get(stock::page))
        .route("/api/v1/stores/{store}/stock/{item}", get(stock::one))
        .route("/api/v1/stores/{store}/documents", get(document::page))
        .route("/api/v1/stores/{store}/bootstrap", get(bootstrap::list))
        .route(
            "/api/v1/stores/{store}/bootstrap/{part}",
            get(bootstrap::part),
        )
        .route(
            "/api/v1/catalogue",
            get(catalogue::page).post(catalogue::import),
        )
        .route("/catalogue/{revision}", get(catalogue::file))
        .merge(channels())
        .fallback(problem::no_such_path)
        .method_not_allowed_fallback(problem::no_such_method)
        .layer(axum::middleware::from_fn_with_state(
            api.clone(),
            auth::check,
        ))
        .layer(DefaultBodyLimit::max(IMPORT_BYTES_MAX))
        .with_state(api)
}

/// Routes of orders and channels.
fn channels() -> Router<Api> {
    const ORDER: &str = "/api/v1/channels/{channel}/orders/{order}";
    Router::new()
        .route(
            "/api/v1/stores/{store}/policy",
            get(policy::one).put(policy::put),
        )
        .route(
            "/api/v1/stores/{store}/grantor",
            get(policy::grantor).put(policy::set_grantor),
        )
        .route("/api/v1/stores/{store}/orders", get(watch::page))
        .route("/api/v1/stores/{store}/exceptions", get(watch::exceptions))
        .route(
            "/api/v1/stores/{store}/compensations",
            get(watch::compensations),
        )
        .route("/api/v1/stores/{store}/recovery", get(watch::recovery))
        .route("/api/v1/stores/{store}/restored", post(store::restored))
        .route("/api/v1/channels/{channel}/orders", post(order::create))
        .route("/api/v1/channels/{channel}/levels", get(level::page))
        .route(
            "/api/v1/channels/{channel}/reconciled",
            post(watch::reconciled),
        )
        .route(ORDER, get(order::one))
        .route(&format!("{ORDER}/cancel"), post(order::cancel))
        .route(&format!("{ORDER}/lines"), put(order::change))
        .route(&format!("{ORDER}/payment"), put(order::pay))
        .route(&format!("{ORDER}/owner"), put(watch::assign))
        .route(
            &format!("{ORDER}/pickup-name"),
            get(pickup::one).put(pickup::put).delete(pickup::delete),
        )
}

/// The moment of a request, as machines take it.
fn machine_now(api: &Api) -> Now {
    let now = api.clock.now();
    Now {
        mono_ms: now.mono_ms,
        wall: now.wall,
    }
}

/// The body of a request, or a problem that says what is wrong with it.
fn body<T>(given: Result<axum::Json<T>, JsonRejection>) -> Result<T, Problem> {
    match given {
        Ok(axum::Json(body)) => Ok(body),
        Err(JsonRejection::MissingJsonContentType(_)) => Err(Problem::media_type(
            "the body is not declared as JSON",
            "send `Content-Type: application/json`",
        )),
        Err(rejection) => Err(Problem::unusable(
            rejection.body_text(),
            "the bodies of each path are described at /openapi.json",
        )),
    }
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
