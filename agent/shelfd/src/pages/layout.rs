//! What every page has: head, navigation, the banner for a lost daemon.
//!
//! Pages are whole without scripts; the one script keeps them live and sends forms without
//! reloading. Nothing comes from another host.

use maud::{DOCTYPE, Markup, html};
use shelf_stock::name::TillId;
use shelf_stock::time::Timestamp;

use super::speech::Speech;

/// Where in the navigation a page stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The status page.
    Status,
    /// A till.
    Till,
    /// The count page.
    Count,
    /// The orders.
    Orders,
    /// The devices.
    Devices,
    /// RFID zones and their counts.
    Rfid,
    /// An item's page.
    Stock,
}

/// What stands around a page's content.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame<'a> {
    /// Its language.
    pub(crate) speech: Speech,
    /// Where it stands.
    pub(crate) place: Place,
    /// What it is called.
    pub(crate) title: &'a str,
    /// The address of its live updates; empty: it has none.
    pub(crate) events: &'a str,
    /// The tills of this PC, for the navigation.
    pub(crate) tills: &'a [TillId],
}

/// A whole page: `live` is what updates replace, `rest` what they leave alone.
pub(crate) fn page(frame: Frame<'_>, live: &Markup, rest: &Markup) -> Markup {
    let Frame {
        speech,
        place,
        title,
        events,
        tills,
    } = frame;
    let current = |it| (it == place).then_some("page");
    let till = |it: &TillId| (place == Place::Till && title == it.as_str()).then_some("page");
    html! {
        (DOCTYPE)
        html lang=(speech.language.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · shelfd" }
                link rel="stylesheet" href="/static/style.css";
                link rel="icon" href="/static/icon.svg" type="image/svg+xml";
                script src="/static/live.js" defer {}
            }
            body {
                a.skip href="#content" { (speech.text("skip")) }
                header.bar {
                    a.brand href=(speech.link("/")) {
                        img src="/static/icon.svg" alt="" width="28" height="28"; "shelfd"
                    }
                    nav aria-label=(speech.text("navigation")) {
                        a href=(speech.link("/")) aria-current=[current(Place::Status)] {
                            (speech.text("status"))
                        }
                        @for name in tills {
                            a href=(speech.link(&format!("/till/{name}"))) aria-current=[till(name)]
                                { (name) }
                        }
                        a href=(speech.link("/orders")) aria-current=[current(Place::Orders)] {
                            (speech.text("orders"))
                        }
                        a href=(speech.link("/count")) aria-current=[current(Place::Count)] {
                            (speech.text("count"))
                        }
                        a href=(speech.link("/devices")) aria-current=[current(Place::Devices)] {
                            (speech.text("devices"))
                        }
                    }
                }
                p #lost.lost role="alert" hidden { (speech.text("connection_lost")) }
                main #content data-events=[(!events.is_empty()).then(|| speech.link(events))] {
                    // The status page's verdict is its heading.
                    @if place != Place::Status { h1.hidden { (title) } }
                    div #live { (live) }
                    (rest)
                }
                p #said.said role="status" aria-live="polite" hidden {}
            }
        }
    }
}

/// A time of today as hours and minutes, of another day with its date; in this PC's time zone.
pub(crate) fn moment(at: Timestamp, now: Timestamp) -> String {
    let zoned = |it: Timestamp| {
        jiff::Timestamp::from_millisecond(it.as_millis())
            .map(|it| it.to_zoned(jiff::tz::TimeZone::system()))
    };
    match (zoned(at), zoned(now)) {
        (Ok(at), Ok(now)) if at.date() == now.date() => at.strftime("%H:%M").to_string(),
        (Ok(at), _) => at.strftime("%Y-%m-%d %H:%M").to_string(),
        (Err(_), _) => at.as_millis().to_string(),
    }
}
