//! `/api/v1/compare`: how the last comparison of balances with the hub went, and one now.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use super::fields::{Fields, WantsPage};
use super::problem::Problem;
use super::{Answer, Site};
use crate::daemon::compare::{self, CompareStatus};
use crate::pages::speech::Speech;

/// `GET /api/v1/compare`
pub(super) async fn last(State(web): Site) -> Json<CompareStatus> {
    Json(web.shop.compare.status())
}

/// `POST /api/v1/compare`: asks for a comparison; with `repair` folds this PC's documents again
/// first, during which nothing is recorded.
pub(super) async fn now(
    State(web): Site,
    WantsPage(wants_page): WantsPage,
    speech: Speech,
    fields: Fields,
) -> Answer<Response> {
    if web.shop.config.hub.broker.is_none() {
        let detail = "this PC works alone: there is no hub to compare with";
        return Err(Problem::new(StatusCode::CONFLICT, "alone", detail).hint("set `hub.broker`"));
    }
    let status = match fields.text("repair") {
        Some("true") => {
            let folded = |shop: &crate::daemon::shop::Shop| {
                compare::repair(shop);
                Ok(shop.compare.status())
            };
            web.blocking(folded).await?
        }
        _ => web.shop.compare.ask(),
    };
    web.shop.ring_pages();
    Ok(if wants_page {
        Redirect::to(&speech.link("/")).into_response()
    } else {
        (StatusCode::ACCEPTED, Json(status)).into_response()
    })
}
