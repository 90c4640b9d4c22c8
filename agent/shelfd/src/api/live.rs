//! Live pages: streams of server-sent events, each with the fragment that replaces what is shown.
//!
//! A stream belongs to one task that renders when something changed, never faster than its page
//! can take, and ends with its page. What was missed needs no catching up: each event is the whole
//! picture. The number of streams is bounded.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use maud::Markup;
use serde::Deserialize;
use shelf_ledger::tables::TableError;
use shelf_stock::fold::{FoldListing as _, FoldStore as _};
use shelf_stock::location::Location;
use shelf_stock::name::{AreaId, SessionId};
use shelf_till::basket::Read;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use tokio_stream::wrappers::{ReceiverStream, WatchStream};
use tokio_stream::{StreamExt as _, StreamMap};

use super::problem::Problem;
use super::till::{counter, quick_keys};
use super::{Answer, Site, Web};
use crate::daemon::front::LooseScan;
use crate::pages::count::{Counted, Counting, Scanned, What};
use crate::pages::speech::Speech;
use crate::pages::{count as count_page, status as status_page, till as till_page};
use crate::platform;

/// Events that wait for a slow page.
const EVENTS_MAX: usize = 1;
/// Milliseconds between two signs of life of a quiet stream.
pub(super) const HEARTBEAT_MS: u64 = 15_000;
/// Milliseconds between two pictures of the status.
const STATUS_MS_MIN: u64 = 100;
/// How often the status looks at what doesn't ring, such as devices, in milliseconds.
const STATUS_LOOK_MS: u64 = 2_000;
/// Lines of a count that the page lists.
const COUNTED_MAX: usize = 60;

pub(super) type Events = Sse<KeepAliveOf<ReceiverStream<Result<Event, Infallible>>>>;
type KeepAliveOf<S> = axum::response::sse::KeepAliveStream<S>;

/// The end of a stream that its task feeds.
pub(super) struct Feed {
    events: mpsc::Sender<Result<Event, Infallible>>,
    last: String,
    _permit: OwnedSemaphorePermit,
    stopping: watch::Receiver<bool>,
}

impl Feed {
    /// Sends a picture, unless the page shows it already. `false`: the page has gone.
    pub(super) async fn show(&mut self, markup: Markup) -> bool {
        let text = markup.into_string().replace('\r', " ");
        if text == self.last {
            return !self.events.is_closed();
        }
        self.last.clone_from(&text);
        self.events
            .send(Ok(Event::default().event("live").data(text)))
            .await
            .is_ok()
    }

    /// Nobody looks any more, or the daemon stops.
    pub(super) async fn gone(&self) {
        let mut stop = self.stopping.clone();
        tokio::select! {
            () = self.events.closed() => {}
            _ = stop.wait_for(|it| *it) => {}
        }
    }
}

pub(super) fn open(web: &Web) -> Answer<(Feed, Events)> {
    let permit = web.streams.clone().try_acquire_owned().map_err(|_| {
        let status = axum::http::StatusCode::SERVICE_UNAVAILABLE;
        Problem::new(status, "too-many-pages", "too many pages are open")
            .hint("close some; every page also works by reloading")
    })?;
    let (events, receiver) = mpsc::channel(EVENTS_MAX);
    let alive = KeepAlive::new().interval(Duration::from_millis(HEARTBEAT_MS));
    let stream = Sse::new(ReceiverStream::new(receiver)).keep_alive(alive);
    Ok((
        Feed {
            events,
            last: String::new(),
            stopping: web.shop.stopping.subscribe(),
            _permit: permit,
        },
        stream,
    ))
}

/// `GET /events/till/{name}`
pub(super) async fn till(
    State(web): Site,
    Path(name): Path<String>,
    speech: Speech,
) -> Answer<Events> {
    let counter = counter(&web.shop, &name)?;
    let (mut feed, stream) = open(&web)?;
    let around = till_page::Around {
        currency: web.shop.config.currency.clone(),
        quick_keys: quick_keys(&web).await?,
        has_scale: web.shop.devices.scales().at(counter.till()),
    };
    tokio::spawn(async move {
        let mut shown = counter.watch();
        loop {
            let now = shown.borrow_and_update().clone();
            if !feed.show(till_page::live(speech, &now, &around)).await {
                return;
            }
            tokio::select! {
                changed = shown.changed() => if changed.is_err() { return },
                () = feed.gone() => return,
            }
        }
    });
    Ok(stream)
}

/// `GET /events/status`
pub(super) async fn status(State(web): Site, speech: Speech) -> Answer<Events> {
    let (mut feed, stream) = open(&web)?;
    tokio::spawn(async move {
        let mut grown = web.shop.bell.news.subscribe();
        let mut sync = web.shop.sync.subscribe();
        let mut tills = StreamMap::new();
        for (name, counter) in &web.shop.counters {
            tills.insert(name.clone(), WatchStream::from_changes(counter.watch()));
        }
        let mut look = interval(Duration::from_millis(STATUS_LOOK_MS));
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        loop {
            let next = Instant::now() + Duration::from_millis(STATUS_MS_MIN);
            match web.board.shared(heard).await {
                Ok(status) => {
                    let wan = web.shop.wan.as_ref().map(|it| it(None));
                    if !feed.show(status_page::live(speech, &status, wan)).await {
                        return;
                    }
                }
                Err(error) => tracing::warn!(%error, "the status can't be put together"),
            }
            tokio::select! {
                _ = grown.changed() => {}
                _ = sync.changed() => {}
                Some(_) = tills.next(), if !tills.is_empty() => {}
                _ = look.tick() => {}
                () = feed.gone() => return,
            }
            heard = Instant::now();
            sleep_until(next).await;
        }
    });
    Ok(stream)
}

/// Which session and area a count page is about.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Session {
    #[serde(default)]
    session: String,
    #[serde(default)]
    area: String,
}

impl Session {
    /// As names; a day's own session and the whole shop unless said otherwise.
    pub(super) fn names(&self) -> Answer<(SessionId, AreaId)> {
        let session = match self.session.trim() {
            "" => {
                let day = jiff::Timestamp::from_millisecond(platform::wall_now().as_millis());
                let day = day.map(|it| it.to_zoned(jiff::tz::TimeZone::system()).date());
                day.map_or_else(|_| "count".into(), |it| it.to_string())
            }
            given => given.to_owned(),
        };
        let area = if self.area.trim().is_empty() {
            "shop"
        } else {
            self.area.trim()
        };
        let session = SessionId::new(session).map_err(|error| Problem::value("session", error))?;
        let area = AreaId::new(area).map_err(|error| Problem::value("area", error))?;
        Ok((session, area))
    }
}

/// `GET /events/count`
pub(super) async fn count(
    State(web): Site,
    speech: Speech,
    Query(session): Query<Session>,
) -> Answer<Events> {
    let names = session.names()?;
    let (mut feed, stream) = open(&web)?;
    let mut loose = web.shop.loose.subscribe();
    tokio::spawn(async move {
        let mut grown = web.shop.bell.news.subscribe();
        let mut scan: Option<Scanned> = None;
        loop {
            match counting(&web, &names, scan.clone()).await {
                Ok(page) => {
                    if !feed.show(count_page::live(speech, &page)).await {
                        return;
                    }
                }
                Err(problem) => tracing::warn!(detail = problem.detail(), "a count can't be read"),
            }
            tokio::select! {
                _ = grown.changed() => {}
                read = loose.recv() => match read {
                    Ok(read) => {
                        let number = scan.as_ref().map_or(1, |it| it.number + 1);
                        scan = Some(scanned(&web, &read, number).await);
                    }
                    Err(RecvError::Lagged(missed)) => {
                        tracing::warn!(missed, "a count page missed scans");
                    }
                    Err(RecvError::Closed) => return,
                },
                () = feed.gone() => return,
            }
        }
    });
    Ok(stream)
}

async fn scanned(web: &Arc<Web>, scan: &LooseScan, number: u64) -> Scanned {
    let what = match &*scan.read {
        Read::Item(it) => {
            let id = it.item.id.clone();
            let book = web
                .read(move |ledger| ledger.book(&id))
                .await
                .unwrap_or_default();
            What::Item {
                item: it.item.id.clone(),
                name: it.item.name.clone(),
                book,
            }
        }
        Read::Unknown { code } => What::Unknown {
            code: code.to_string(),
        },
        Read::Bad { reason, masked } => What::Unusable {
            reason: format!("{reason} ({masked})"),
        },
        Read::Refused { .. } => What::Unusable {
            reason: "****".into(),
        },
    };
    Scanned {
        number,
        at: scan.at,
        what,
    }
}

/// What the count page shows now.
pub(super) async fn counting(
    web: &Arc<Web>,
    (session, area): &(SessionId, AreaId),
    scan: Option<Scanned>,
) -> Answer<Counting> {
    let of = session.clone();
    let lines = web.read(move |ledger| session_lines(ledger, &of)).await?;
    let (session, area) = (session.clone(), area.clone());
    Ok(Counting {
        session,
        area,
        scan,
        lines,
        now: platform::wall_now(),
    })
}

fn session_lines(
    ledger: &shelf_ledger::Read<'_>,
    session: &SessionId,
) -> Result<Vec<Counted>, TableError> {
    let tables = ledger.tables();
    let mut rows = tables.all_counts()?;
    rows.retain(|it| it.session == *session);
    rows.sort_by_key(|it| std::cmp::Reverse((it.key, it.line)));
    rows.truncate(COUNTED_MAX);
    let mut lines = Vec::with_capacity(rows.len());
    for row in rows {
        let state = ledger.count_state(&row.item, &row.location)?;
        let accepted = state
            .accepted
            .get(&row.area)
            .is_some_and(|it| it.session == row.session);
        let steps = tables.steps(&row.item, &row.location)?;
        // What this count changed: from its own anchor on. An area counted later adds to it.
        let own = steps.iter().filter(|it| it.cut == row.key);
        let mut own = own.peekable();
        let is_doubtful = own.peek().is_some_and(|it| it.ambiguous_movements > 0);
        let has_anchor = own.peek().is_some();
        let change = own.map(|it| it.variance).sum();
        let name = ledger.item(&row.item)?.map(|it| it.name);
        lines.push(Counted {
            name: name.unwrap_or_else(|| row.item.to_string()),
            area: row.area,
            quantity: row.quantity,
            at: row.key.effective,
            variance: (has_anchor || accepted).then_some(change),
            is_doubtful: is_doubtful && row.location == Location::SalesFloor,
        });
    }
    Ok(lines)
}
