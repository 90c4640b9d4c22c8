//! `POST /api/v1/sales`: an existing POS says what it sold.
//!
//! The answer is given after the commit. The same report again gets the first answer; another
//! content for the same receipt is a conflict that a person has to look at.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use shelf_stock::identity::Place;

use super::fields::Body;
use super::problem::Problem;
use super::{Answer, Site};
use crate::daemon::intake::{self, ApiRefusal, Taken};

/// What became of a report.
#[derive(Debug, Serialize)]
pub(super) struct Sold {
    /// `recorded`, or `evidence` where this till's stock moves by another source.
    result: &'static str,
    /// Whether this report was known already.
    again: bool,
    /// Its first document.
    document: Place,
}

/// `POST /api/v1/sales`
pub(super) async fn sale(State(web): Site, Body(body): Body) -> Answer<(StatusCode, Json<Sold>)> {
    let taken = web
        .blocking(move |shop| intake::take_api(shop, &body).map_err(refused))
        .await?;
    let Taken {
        place,
        is_again,
        counts,
        sold: _,
    } = taken;
    let status = if is_again {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    let result = if counts { "recorded" } else { "evidence" };
    Ok((
        status,
        Json(Sold {
            result,
            again: is_again,
            document: place,
        }),
    ))
}

fn refused(refusal: ApiRefusal) -> Problem {
    match refusal {
        ApiRefusal::Fault(fault) => Problem::value(&fault.place, fault.what).hint(fault.hint),
        ApiRefusal::Conflict(error) => {
            Problem::new(StatusCode::CONFLICT, "sale-conflict", error.to_string())
                .hint("it lies in the inbox; a correction needs a receipt number of its own")
        }
        ApiRefusal::Ledger(error) => Problem::from(error),
    }
}
