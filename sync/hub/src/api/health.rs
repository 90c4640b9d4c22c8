//! Liveness and Prometheus metrics.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;

/// How the hub is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Health {
    /// `ok`, or `degraded` while the broker is not connected.
    status: &'static str,
    /// Whether the hub is connected to its broker.
    broker_connected: bool,
    /// The program's version.
    version: &'static str,
}

/// Whether the hub is alive and connected.
#[utoipa::path(get, path = "/healthz", tag = "operations",
    responses((status = 200, description = "alive", body = Health)))]
pub(super) async fn healthz(State(api): State<Api>) -> Json<Health> {
    let broker_connected = api.metrics.broker_connected();
    Json(Health {
        status: if broker_connected { "ok" } else { "degraded" },
        broker_connected,
        version: env!("CARGO_PKG_VERSION"),
    })
}

/// Counters and gauges in Prometheus' text format.
#[utoipa::path(get, path = "/metrics", tag = "operations",
    responses((status = 200, description = "metrics", body = String, content_type = "text/plain")))]
pub(super) async fn metrics(State(api): State<Api>) -> impl IntoResponse {
    let text = [(
        header::CONTENT_TYPE,
        "text/plain; version=0.0.4; charset=utf-8",
    )];
    (text, api.metrics.render())
}
