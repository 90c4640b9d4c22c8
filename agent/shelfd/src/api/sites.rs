//! The pages as a browser asks for them, whole, and the files that they load.

use std::sync::LazyLock;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use maud::html;
use serde::Deserialize;
use shelf_stock::name::TillId;

use super::explain::explained;
use super::fields::{Fields, WantsPage};
use super::live::{Session, counting};
use super::live_orders::Chosen;
use super::problem::Problem;
use super::till::{counter, quick_keys};
use super::{Answer, Site, Web};
use crate::pages::count::page_of;
use crate::pages::layout::{Frame, Place, page};
use crate::pages::speech::Speech;
use crate::pages::status::Found;
use crate::pages::{
    ASSETS, Asset, count as count_page, devices as devices_page, explain as explain_page,
    orders as orders_page, status as status_page, till as till_page,
};
use crate::platform;

/// Rows of the stock search.
const FOUND_MAX: usize = 30;

/// What the status page may be asked to look for.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    q: String,
}

pub(super) fn tills(web: &Web) -> Vec<TillId> {
    web.shop.counters.keys().cloned().collect()
}

/// `GET /`
pub(super) async fn status(
    State(web): Site,
    speech: Speech,
    Query(asked): Query<Asked>,
) -> Answer<Html<String>> {
    let status = web.board.shared(tokio::time::Instant::now()).await?;
    let text = asked.q.clone();
    let found = web
        .read(move |ledger| {
            let row = |it: shelf_ledger::Stock| {
                let on_hand = it.book;
                it.catalogue.map(|item| Found { item, on_hand })
            };
            let rows = ledger.stock_search(&text, FOUND_MAX)?;
            Ok(rows.into_iter().filter_map(row).collect::<Vec<Found>>())
        })
        .await?;
    let wan = web.shop.wan.as_ref().map(|it| it(None));
    let live = status_page::live(speech, &status, wan);
    let rest = status_page::stock(speech, &asked.q, &found, &status.currency);
    let frame = Frame {
        speech,
        place: Place::Status,
        title: &status.pc_name,
        events: "/events/status",
        tills: &tills(&web),
    };
    Ok(Html(page(frame, &live, &rest).into_string()))
}

/// `GET /till/{name}`
pub(super) async fn till(
    State(web): Site,
    speech: Speech,
    Path(name): Path<String>,
) -> Answer<Html<String>> {
    let counter = counter(&web.shop, &name)?;
    let around = till_page::Around {
        currency: web.shop.config.currency.clone(),
        quick_keys: quick_keys(&web).await?,
        has_scale: web.shop.devices.scales().at(counter.till()),
    };
    let live = till_page::live(speech, &counter.view(), &around);
    let frame = Frame {
        speech,
        place: Place::Till,
        title: counter.till().as_str(),
        events: &format!("/events/till/{}", counter.till()),
        tills: &tills(&web),
    };
    Ok(Html(page(frame, &live, &html! {}).into_string()))
}

/// `GET /count`
pub(super) async fn count(
    State(web): Site,
    speech: Speech,
    Query(session): Query<Session>,
) -> Answer<Html<String>> {
    let shown = counting(&web, &session.names()?, None).await?;
    let live = count_page::live(speech, &shown);
    let frame = Frame {
        speech,
        place: Place::Count,
        title: speech.text("count"),
        events: &page_of("/events/count", &shown.session, &shown.area),
        tills: &tills(&web),
    };
    Ok(Html(
        page(frame, &live, &count_page::rest(speech, &shown)).into_string(),
    ))
}

/// `GET /orders`
pub(super) async fn orders(
    State(web): Site,
    speech: Speech,
    Query(chosen): Query<Chosen>,
) -> Answer<Html<String>> {
    let shown = super::orders::page(&web, &chosen.order, None).await?;
    let live = orders_page::live(speech, &shown);
    let events = match &shown.selected {
        Some(it) => orders_page::address("/events/orders", &it.order.id),
        None => "/events/orders".into(),
    };
    let frame = Frame {
        speech,
        place: Place::Orders,
        title: speech.text("orders"),
        events: &events,
        tills: &tills(&web),
    };
    Ok(Html(page(frame, &live, &html! {}).into_string()))
}

/// `GET /devices`
pub(super) async fn devices(State(web): Site, speech: Speech) -> Answer<Html<String>> {
    let board = web.blocking(|shop| Ok(shop.devices.board())).await?;
    let beside = web.shop.beside.all();
    let live = devices_page::live(speech, (&board, &beside), platform::wall_now());
    let frame = Frame {
        speech,
        place: Place::Devices,
        title: speech.text("devices"),
        events: "/events/devices",
        tills: &tills(&web),
    };
    Ok(Html(
        page(frame, &live, &devices_page::rest(speech)).into_string(),
    ))
}

/// `GET /stock/{item}`
pub(super) async fn stock(
    State(web): Site,
    speech: Speech,
    Path(id): Path<String>,
) -> Answer<Html<String>> {
    let language = speech.language;
    let found = web
        .blocking(move |shop| explained(shop, &id, language))
        .await?;
    let frame = Frame {
        speech,
        place: Place::Stock,
        title: speech.text("explain_title"),
        events: "",
        tills: &tills(&web),
    };
    let content = explain_page::content(speech, &found);
    Ok(Html(page(frame, &content, &html! {}).into_string()))
}

/// Content hashes, so that a browser keeps the files until the program changes.
static TAGS: LazyLock<[String; ASSETS.len()]> = LazyLock::new(|| {
    ASSETS.map(|it| {
        let hash = shelf_till::source::hash(it.content.as_bytes()).to_string();
        format!("\"{}\"", hash.chars().take(16).collect::<String>())
    })
});

/// `GET /static/{file}`
pub(super) async fn asset(Path(file): Path<String>, headers: HeaderMap) -> Answer<Response> {
    let found = ASSETS
        .iter()
        .zip(TAGS.iter())
        .find(|(it, _)| it.name == file);
    let Some((Asset { kind, content, .. }, tag)) = found else {
        return Err(Problem::missing("there is no such file"));
    };
    let known = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|it| it.to_str().ok());
    let always = [
        (header::ETAG, tag.as_str()),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    if known == Some(tag.as_str()) {
        return Ok((StatusCode::NOT_MODIFIED, always).into_response());
    }
    Ok((always, [(header::CONTENT_TYPE, *kind)], *content).into_response())
}

/// `POST /demo/wan`: cuts and restores the demo's connection to the hub.
pub(super) async fn wan(
    State(web): Site,
    WantsPage(wants_page): WantsPage,
    speech: Speech,
    fields: Fields,
) -> Answer<Response> {
    let wan = web.shop.wan.clone();
    let wan = wan.ok_or_else(|| Problem::missing("only the demo has a connection to cut"))?;
    let up = fields.parse::<bool>("up")?;
    let up = wan(Some(up));
    web.shop.ring();
    if wants_page {
        return Ok(Redirect::to(&speech.link("/")).into_response());
    }
    Ok(Json(serde_json::json!({ "up": up })).into_response())
}
