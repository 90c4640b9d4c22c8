//! Why an order was not placed or changed, and what could be had instead.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use shelf_replica::orders::{Decision, Lack, Refusal};
use shelf_stock::name::{ChannelId, StoreId};
use utoipa::ToSchema;

use super::super::Problem;
use super::STORES_NAMED_MAX;
use super::rows::LackRow;
use crate::orders::Outcome;
use crate::readers::ReadError;
use crate::worker::WorkerError;

const CHANGE_HINT: &str = "order what is possible, elsewhere or later; nothing was reserved";

/// A refusal with what could be had.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Refused {
    #[serde(flatten)]
    problem: Problem,
    /// Items that are lacking, and how many there are.
    lacking: Vec<LackRow>,
    /// Other stores that could do the whole order now.
    stores: Vec<String>,
}

/// Why an order was not placed or changed.
#[derive(Debug)]
pub(in crate::api) enum OrderError {
    Problem(Problem),
    Refused(Box<Refused>),
}

impl From<Problem> for OrderError {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<ReadError> for OrderError {
    fn from(error: ReadError) -> Self {
        Self::Problem(error.into())
    }
}

impl From<WorkerError> for OrderError {
    fn from(error: WorkerError) -> Self {
        Self::Problem(error.into())
    }
}

impl IntoResponse for OrderError {
    fn into_response(self) -> Response {
        match self {
            Self::Problem(problem) => problem.into_response(),
            Self::Refused(refused) => {
                let mut response = (StatusCode::CONFLICT, Json(refused)).into_response();
                let value = header::HeaderValue::from_static("application/problem+json");
                response.headers_mut().insert(header::CONTENT_TYPE, value);
                response
            }
        }
    }
}

pub(super) fn refused(
    lacking: &[Lack],
    stores: &[(StoreId, Vec<Lack>)],
    tried: &[StoreId],
) -> OrderError {
    let able = stores
        .iter()
        .filter(|(name, lack)| lack.is_empty() && !tried.contains(name));
    let words: Vec<String> = lacking
        .iter()
        .map(|it| {
            let (possible, wanted) = (it.possible.as_thousandths(), it.wanted.as_thousandths());
            format!(
                "of `{}` {possible} of {wanted} thousandths can be had",
                it.item
            )
        })
        .collect();
    OrderError::Refused(Box::new(Refused {
        problem: Problem::refused(words.join("; "), CHANGE_HINT),
        lacking: lacking.iter().map(LackRow::of).collect(),
        stores: able
            .take(STORES_NAMED_MAX)
            .map(|(name, _)| name.to_string())
            .collect(),
    }))
}

pub(super) fn no_channel(channel: &ChannelId, store: &str) -> Problem {
    Problem::not_found(
        format!("the policy of {store} doesn't name the channel `{channel}`"),
        "set it: PUT /api/v1/stores/{store}/policy",
    )
}

/// Every outcome that is no order.
pub(super) fn problem_of(outcome: Outcome, store: &StoreId) -> Problem {
    match outcome {
        Outcome::NoOrder => Problem::not_found(
            "there is no such order of this channel",
            "orders are named by their channel's own number",
        ),
        Outcome::NoStore => Problem::not_found(
            format!("no PC of a store `{store}` was ever heard"),
            "the known stores are listed at /api/v1/stores",
        ),
        Outcome::NoChannel => Problem::not_found(
            format!("the policy of `{store}` doesn't name this channel"),
            "set it: PUT /api/v1/stores/{store}/policy",
        ),
        Outcome::NotExternal => Problem::unusable(
            "only an external marketplace can have sold already",
            "leave `sold_already` out, or make the channel `external` in the store's policy",
        ),
        Outcome::Dead => Problem::conflict(
            "this number was cancelled before its order came",
            "place it under another number if it is still wanted",
        ),
        Outcome::Decided(store, Decision::Refused(Refusal::Conflict(order))) => Problem::conflict(
            format!(
                "the number is that of another order at `{store}`, or it is {} and can't change",
                order.state.word()
            ),
            "GET the order; use another number for another order",
        ),
        Outcome::Decided(_, Decision::Refused(Refusal::Recovering)) => Problem::unavailable(
            "the hub was restored from a backup and doesn't know yet what was promised",
            "GET /api/v1/stores/{store}/recovery says what is missing",
        ),
        Outcome::Decided(_, Decision::Refused(Refusal::TooMany)) => Problem::unavailable(
            "the store has too many open orders, or the order too many lines",
            "try another store",
        ),
        _ => Problem::unavailable("the hub answered something else", "report this"),
    }
}
