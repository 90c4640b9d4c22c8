//! RFID over the API and on its page: what is where, arrivals for trading partners, reads of handheld readers, counts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use maud::html;
use serde::Deserialize;
use serde_json::{Value, json};
use shelf_codecs::epc::EpcBytes;
use shelf_ledger::tables::TableError;
use shelf_stock::name::{Code, SessionId};
use shelf_stock::time::Timestamp;
use tokio::time::{MissedTickBehavior, interval};

use super::fields::{Body, Fields, WantsPage};
use super::live::{self, Events};
use super::problem::Problem;
use super::{Answer, Site, Web, sites};
use crate::daemon::rfid::{
    BatchRefusal, BatchTaken, CountPosted, CountRefusal, CountStatus, ZonesStatus,
};
use crate::daemon::shop::Shop;
use crate::pages::layout::{self, Frame, Place};
use crate::pages::rfid::{self as rfid_page, Rfid};
use crate::pages::speech::Speech;
use crate::platform;

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

/// How often the page looks at what doesn't ring, such as things that come and go, in milliseconds.
const LOOK_MS: u64 = 1_000;

/// `GET /rfid`
pub(super) async fn page(State(web): Site, speech: Speech) -> Answer<Html<String>> {
    let live = rfid_page::live(speech, &shown(&web).await?);
    let frame = Frame {
        speech,
        place: Place::Rfid,
        title: speech.text("zones"),
        events: "/events/rfid",
        tills: &sites::tills(&web),
    };
    Ok(Html(layout::page(frame, &live, &html! {}).into_string()))
}

/// `GET /events/rfid`: the page, again when a count changed and every second.
pub(super) async fn pictures(State(web): Site, speech: Speech) -> Answer<Events> {
    let (mut feed, stream) = live::open(&web)?;
    tokio::spawn(async move {
        let mut news = web.shop.bell.news.subscribe();
        let mut look = interval(Duration::from_millis(LOOK_MS));
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            match shown(&web).await {
                Ok(picture) => {
                    if !feed.show(rfid_page::live(speech, &picture)).await {
                        return;
                    }
                }
                Err(problem) => tracing::warn!(detail = problem.detail(), "zones can't be read"),
            }
            tokio::select! {
                _ = news.changed() => {}
                _ = look.tick() => {}
                () = feed.gone() => return,
            }
        }
    });
    Ok(stream)
}

/// What the page shows now.
async fn shown(web: &Arc<Web>) -> Answer<Rfid> {
    web.blocking(|shop| {
        let mut counts = shop.rfid.counts();
        for it in &mut counts {
            it.articles = rfid_page::listed(std::mem::take(&mut it.articles));
        }
        let listed = counts.iter().flat_map(|it| &it.articles);
        let codes: Vec<Code> = listed.filter_map(|it| Code::new(&it.gtin).ok()).collect();
        let names = shop.readers.with(|ledger| {
            let mut names = BTreeMap::new();
            for code in codes {
                let item = ledger.item_by_code(&code)?;
                names.extend(item.map(|it| (code.to_string(), it.name)));
            }
            Ok::<_, TableError>(names)
        })?;
        let now = platform::wall_now();
        Ok(Rfid {
            zones: shop.rfid.zones().zones,
            counts,
            names,
            next: moment_of(now),
            now,
        })
    })
    .await
}

/// A moment as part of a name: `2026-11-22-1430`.
fn moment_of(now: Timestamp) -> String {
    let zoned = jiff::Timestamp::from_millisecond(now.as_millis())
        .map(|it| it.to_zoned(jiff::tz::TimeZone::system()));
    zoned.map_or_else(
        |_| now.as_millis().to_string(),
        |it| it.strftime("%Y-%m-%d-%H%M").to_string(),
    )
}

/// `GET /api/v1/rfid/counts`: the counts that are open.
pub(super) async fn counts(State(web): Site) -> Answer<Json<Value>> {
    let counts = web.blocking(|shop| Ok(shop.rfid.counts())).await?;
    Ok(Json(json!({ "counts": counts })))
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
    WantsPage(wants_page): WantsPage,
    speech: Speech,
    fields: Fields,
) -> Answer<Response> {
    let session = named(&session)?;
    let answer = web.blocking(move |shop| take_step(shop, &session, &fields, speech));
    let answer = answer.await?;
    web.shop.ring_pages();
    Ok(match wants_page {
        true => Redirect::to(&speech.link("/rfid")).into_response(),
        false => Json(answer).into_response(),
    })
}

fn take_step(shop: &Shop, session: &SessionId, fields: &Fields, speech: Speech) -> Answer<Value> {
    let rfid = &shop.rfid;
    let status = match fields.needed("do")? {
        "begin" => rfid.count_begin(session, fields.needed("zone")?),
        "pass" => rfid.count_pass(session),
        "missing" => {
            let epc = EpcBytes::from_hex(fields.needed("epc")?)
                .ok_or_else(|| Problem::value("epc", "give its hexadecimal digits"))?;
            rfid.count_confirm(session, epc)
        }
        "post" => {
            let posted = rfid.count_post(session).map_err(not_counted)?;
            return Ok(with_words(&posted, speech));
        }
        other => {
            let why = format!("`{other}` is none of begin, pass, missing, post");
            return Err(Problem::value("do", why));
        }
    };
    Ok(json!(status.map_err(not_counted)?))
}

/// What posting did, also in words.
fn with_words(posted: &CountPosted, speech: Speech) -> Value {
    let lengths = [
        &posted.posted.len(),
        &posted.held_back.len(),
        &posted.unknown.len(),
    ];
    let gaps = lengths.map(|it| it as &dyn std::fmt::Display);
    let mut answer = json!(posted);
    answer["message"] = speech.language.fill("rfid_posted", &gaps).into();
    answer
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
