//! RFID over the API: what is where, arrivals for trading partners, reads of handheld readers, counts.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use shelf_codecs::epc::EpcBytes;
use shelf_stock::name::SessionId;

use super::fields::{Body, Fields};
use super::problem::Problem;
use super::{Answer, Site};
use crate::daemon::rfid::{
    BatchRefusal, BatchTaken, CountPosted, CountRefusal, CountStatus, ZonesStatus,
};

/// `GET /api/v1/rfid/zones`
pub(super) async fn zones(State(web): Site) -> Answer<Json<ZonesStatus>> {
    web.blocking(|shop| Ok(Json(shop.rfid.zones()))).await
}

/// From where on.
#[derive(Debug, Deserialize)]
pub(super) struct From {
    #[serde(default)]
    after: u64,
}

/// `GET /api/v1/rfid/epcis`: arrivals as EPCIS 2.0, from an observation's number on.
pub(super) async fn epcis(State(web): Site, Query(from): Query<From>) -> Answer<impl IntoResponse> {
    let document = web
        .blocking(move |shop| Ok(shop.rfid.epcis(from.after)))
        .await?;
    Ok(([(header::CONTENT_TYPE, "application/ld+json")], document))
}

/// `POST /api/v1/rfid/reads`: a batch of a handheld reader. The same batch again gets the first answer.
pub(super) async fn reads(
    State(web): Site,
    Body(body): Body,
) -> Answer<(StatusCode, Json<BatchTaken>)> {
    let taken = web
        .blocking(move |shop| shop.rfid.take_batch(&body).map_err(refused))
        .await?;
    let status = match taken.again {
        true => StatusCode::OK,
        false => StatusCode::CREATED,
    };
    Ok((status, Json(taken)))
}

fn refused(refusal: BatchRefusal) -> Problem {
    match refusal {
        BatchRefusal::Field { name, why } => Problem::value(name, why),
        BatchRefusal::Conflict => {
            let detail = "this batch was taken before with another content";
            Problem::new(StatusCode::CONFLICT, "batch-conflict", detail)
                .hint("give every batch a number of its own")
        }
        BatchRefusal::Ledger(error) => Problem::from(error),
    }
}

/// `GET /api/v1/rfid/counts/{session}`
pub(super) async fn count(
    State(web): Site,
    Path(session): Path<String>,
) -> Answer<Json<CountStatus>> {
    let session = named(&session)?;
    let status = web
        .blocking(move |shop| Ok(shop.rfid.count_status(&session)))
        .await?;
    status
        .map(Json)
        .ok_or_else(|| Problem::missing("no count of this name is open").hint("begin one"))
}

/// `POST /api/v1/rfid/counts/{session}`: `do` is `begin` (with `zone`), `pass`, `missing` (with `epc`) or
/// `post`.
pub(super) async fn count_step(
    State(web): Site,
    Path(session): Path<String>,
    fields: Fields,
) -> Answer<Response> {
    let session = named(&session)?;
    let done = web.blocking(move |shop| {
        let rfid = &shop.rfid;
        let status = match fields.needed("do")? {
            "begin" => rfid.count_begin(&session, fields.needed("zone")?),
            "pass" => rfid.count_pass(&session),
            "missing" => {
                let epc = EpcBytes::from_hex(fields.needed("epc")?)
                    .ok_or_else(|| Problem::value("epc", "give its hexadecimal digits"))?;
                rfid.count_confirm(&session, epc)
            }
            "post" => {
                let posted: CountPosted = rfid.count_post(&session).map_err(not_counted)?;
                return Ok(Json(posted).into_response());
            }
            other => {
                let why = format!("`{other}` is none of begin, pass, missing, post");
                return Err(Problem::value("do", why));
            }
        };
        Ok(Json(status.map_err(not_counted)?).into_response())
    });
    done.await
}

fn named(session: &str) -> Answer<SessionId> {
    SessionId::new(session).map_err(|error| Problem::value("session", error))
}

fn not_counted(refusal: CountRefusal) -> Problem {
    match refusal {
        CountRefusal::Field(name, why) => Problem::value(name, why),
        CountRefusal::Table(error) => Problem::from(error),
        CountRefusal::Record(error) => Problem::from(error),
        CountRefusal::Read(error) => Problem::from(error),
    }
}
