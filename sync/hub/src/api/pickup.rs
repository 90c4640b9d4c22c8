//! Who collects an order: an erasable row beside it, never part of it.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Api, Problem, body, order};
use crate::orders::names::{self, NAME_BYTES_MAX};
use crate::orders::{Command, Outcome};

/// A name.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct PickupName {
    /// At most 200 bytes.
    name: String,
}

/// Who collects an order.
#[utoipa::path(get, path = "/api/v1/channels/{channel}/orders/{order}/pickup-name", tag = "orders",
    params(
        ("channel" = String, Path, description = "the channel's name"),
        ("order" = String, Path, description = "the channel's number of the order"),
    ),
    responses(
        (status = 200, description = "the name", body = PickupName),
        (status = 404, description = "no such order, or no name of it", body = Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn one(
    State(api): State<Api>,
    Path((channel, number)): Path<(String, String)>,
) -> Result<Json<PickupName>, Problem> {
    let (_, id) = order::placed(&api, &channel, &number).await?;
    let name = api
        .readers
        .query(move |view| names::find(view, &id))
        .await?;
    let name = name.ok_or_else(|| {
        Problem::not_found(
            "nobody's name is kept for this order",
            "names are deleted seven days after an order's end",
        )
    })?;
    Ok(Json(PickupName { name }))
}

/// Keeps who collects an order until seven days after its end.
#[utoipa::path(put, path = "/api/v1/channels/{channel}/orders/{order}/pickup-name", tag = "orders",
    params(
        ("channel" = String, Path, description = "the channel's name"),
        ("order" = String, Path, description = "the channel's number of the order"),
    ),
    request_body = PickupName,
    responses(
        (status = 204, description = "it is kept"),
        (status = 404, description = "no such order", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "not a name", body = Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn put(
    State(api): State<Api>,
    Path((channel, number)): Path<(String, String)>,
    given: Result<Json<PickupName>, JsonRejection>,
) -> Result<StatusCode, Problem> {
    let name = body(given)?.name;
    if name.is_empty() || name.len() > NAME_BYTES_MAX || name.chars().any(char::is_control) {
        return Err(Problem::unusable(
            format!("the name has {} bytes or control characters", name.len()),
            format!("send 1 to {NAME_BYTES_MAX} bytes"),
        ));
    }
    keep(&api, (&channel, &number), Some(name)).await
}

/// Forgets who collects an order, at once.
#[utoipa::path(delete, path = "/api/v1/channels/{channel}/orders/{order}/pickup-name",
    tag = "orders",
    params(
        ("channel" = String, Path, description = "the channel's name"),
        ("order" = String, Path, description = "the channel's number of the order"),
    ),
    responses(
        (status = 204, description = "it is forgotten"),
        (status = 404, description = "no such order", body = Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn delete(
    State(api): State<Api>,
    Path((channel, number)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    keep(&api, (&channel, &number), None).await
}

async fn keep(
    api: &Api,
    (channel, number): (&str, &str),
    name: Option<String>,
) -> Result<StatusCode, Problem> {
    let (store, order) = order::placed(api, channel, number).await?;
    match api
        .worker
        .command(Some(&store), Command::Name { order, name })
        .await?
    {
        Outcome::Done => Ok(StatusCode::NO_CONTENT),
        _ => Err(Problem::not_found("the order is gone", "ask for it again")),
    }
}
