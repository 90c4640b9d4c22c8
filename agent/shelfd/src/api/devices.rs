//! The devices over the API: how they are, what they sent last, what they send now, and tests that a
//! person asks for. No test here can start a payment: terminals are no devices of this layer.

use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Redirect, Response};
use shelf_devices::supervisor::CommandError;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use tokio_stream::wrappers::ReceiverStream;

use super::fields::{Fields, WantsPage};
use super::live::{self, Events, HEARTBEAT_MS};
use super::problem::Problem;
use super::{Answer, Site};
use crate::daemon::devices::{DeviceBoard, FrameJournal, Happening, Tried};
use crate::pages::devices as devices_page;
use crate::pages::speech::Speech;
use crate::platform;

/// Events that wait for a slow watcher, beside those that wait in the channel behind.
const EVENTS_MAX: usize = 16;
/// Milliseconds between two pictures of the page.
const PICTURE_MS_MIN: u64 = 250;
/// How often the page looks at what nobody told, in milliseconds.
const LOOK_MS: u64 = 2_000;

/// `GET /api/v1/devices`
pub(super) async fn list(State(web): Site) -> Answer<Json<DeviceBoard>> {
    web.blocking(|shop| Ok(Json(shop.devices.board()))).await
}

/// `GET /api/v1/devices/{name}/journal`
pub(super) async fn journal(
    State(web): Site,
    Path(name): Path<String>,
) -> Answer<Json<FrameJournal>> {
    let found = web.shop.devices.journal(&name);
    found.map(Json).ok_or_else(|| nobody(&name))
}

/// `POST /api/v1/devices/{name}/test`: `what` is `beep_good`, `beep_bad`, … Never a payment.
pub(super) async fn test(
    State(web): Site,
    Path(name): Path<String>,
    WantsPage(wants_page): WantsPage,
    speech: Speech,
    fields: Fields,
) -> Answer<Response> {
    let what = fields.needed("what")?;
    let test: Tried = what
        .parse()
        .map_err(|error| Problem::value("what", error))?;
    let row = web
        .shop
        .devices
        .rows()
        .into_iter()
        .find(|it| it.name == name);
    let row = row.ok_or_else(|| nobody(&name))?;
    if !test.fits(&row.kind) {
        return Err(Problem::value(
            "what",
            format!("a {} can't do that", row.kind),
        ));
    }
    web.shop
        .devices
        .command(&name, test.command())
        .map_err(not_passed_on)?;
    if wants_page {
        return Ok(Redirect::to(&speech.link("/devices")).into_response());
    }
    let message = speech.text(test.said());
    let answer = serde_json::json!({ "asked": test.word(), "message": message });
    Ok((StatusCode::ACCEPTED, Json(answer)).into_response())
}

/// `POST /api/v1/devices/rescan`: looks again at what is plugged in.
pub(super) async fn rescan(
    State(web): Site,
    WantsPage(wants_page): WantsPage,
    speech: Speech,
) -> Response {
    web.shop.devices.look_again();
    web.shop.ring_pages();
    if wants_page {
        return Redirect::to(&speech.link("/devices")).into_response();
    }
    let answer = serde_json::json!({ "message": speech.text("looked_again") });
    (StatusCode::ACCEPTED, Json(answer)).into_response()
}

type Lines = Sse<axum::response::sse::KeepAliveStream<ReceiverStream<Result<Event, Infallible>>>>;

/// `GET /api/v1/devices/events`: what devices say, one JSON object an event; at first how each is.
pub(super) async fn events(State(web): Site) -> Answer<Lines> {
    let permit = web.streams.clone().try_acquire_owned().map_err(|_| {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Problem::new(status, "too-many-pages", "too many pages are open").hint("close some")
    })?;
    // Listening begins before the first picture, so that nothing falls between them.
    let mut heard = web.shop.devices.watch();
    let first = web.shop.devices.standing();
    let mut stopping = web.shop.stopping.subscribe();
    let (sender, receiver) = mpsc::channel(EVENTS_MAX);
    tokio::spawn(async move {
        let _permit = permit;
        for line in first {
            if sender.send(Ok(event(&line))).await.is_err() {
                return;
            }
        }
        loop {
            let line = tokio::select! {
                line = heard.recv() => line,
                () = sender.closed() => return,
                _ = stopping.wait_for(|it| *it) => return,
            };
            let line = match line {
                Ok(line) => line,
                Err(RecvError::Lagged(missed)) => Happening::missed(missed),
                Err(RecvError::Closed) => return,
            };
            if sender.send(Ok(event(&line))).await.is_err() {
                return;
            }
        }
    });
    let alive = KeepAlive::new().interval(Duration::from_millis(HEARTBEAT_MS));
    Ok(Sse::new(ReceiverStream::new(receiver)).keep_alive(alive))
}

/// `GET /events/devices`: the page, again whenever a device came, went or spoke, and every now and then.
pub(super) async fn pictures(State(web): Site, speech: Speech) -> Answer<Events> {
    let (mut feed, stream) = live::open(&web)?;
    tokio::spawn(async move {
        let mut heard = web.shop.devices.watch();
        let mut news = web.shop.bell.news.subscribe();
        let mut look = interval(Duration::from_millis(LOOK_MS));
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let next = Instant::now() + Duration::from_millis(PICTURE_MS_MIN);
            match web.blocking(|shop| Ok(shop.devices.board())).await {
                Ok(board) => {
                    let beside = web.shop.beside.all();
                    let now = platform::wall_now();
                    let markup = devices_page::live(speech, (&board, &beside), now);
                    if !feed.show(markup).await {
                        return;
                    }
                }
                Err(problem) => tracing::warn!(detail = problem.detail(), "devices can't be read"),
            }
            tokio::select! {
                line = heard.recv() => if matches!(line, Err(RecvError::Closed)) { return },
                _ = news.changed() => {}
                _ = look.tick() => {}
                () = feed.gone() => return,
            }
            sleep_until(next).await;
        }
    });
    Ok(stream)
}

fn event(line: &Happening) -> Event {
    let json = serde_json::to_string(line).unwrap_or_default();
    Event::default().event("device").data(json)
}

fn nobody(name: &str) -> Problem {
    Problem::missing(format!("this PC has no device `{name}`"))
        .hint("`GET /api/v1/devices` lists them")
}

fn not_passed_on(error: CommandError) -> Problem {
    let detail = error.to_string();
    match error {
        CommandError::Unknown(_) => Problem::missing(detail),
        CommandError::NotReady { .. } => {
            Problem::new(StatusCode::CONFLICT, "not-ready", detail).hint("`shelfd devices doctor`")
        }
        CommandError::Behind(_) => {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail).hint("try again")
        }
    }
}
