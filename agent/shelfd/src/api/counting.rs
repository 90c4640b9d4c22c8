//! Counts, corrections and bindings: what a person says about stock, as documents.
//!
//! A count is an assertion at the moment of its scan; closing it for the item makes it the book.
//! Trading never stops for it. A correction says how much and why, and moves goods between the
//! floor and loss. Everything is recorded or refused in words; nothing is guessed.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Serialize;
use shelf_ledger::{RecordError, Tx};
use shelf_stock::document::{CountLine, CountScope, Draft, Kind, Line, Subject};
use shelf_stock::identity::Place;
use shelf_stock::item::{Item, ItemKind};
use shelf_stock::location::Location;
use shelf_stock::name::{AreaId, Code, Reason, SessionId};
use shelf_stock::quantity::Quantity;
use shelf_stock::time::Timestamp;

use super::fields::{Fields, WantsPage};
use super::problem::Problem;
use super::{Answer, Site, lookups};
use crate::daemon::resolve::normal_code;
use crate::pages::count::page_of;
use crate::pages::speech::Speech;
use crate::pages::texts::Language;
use crate::platform;

/// Codes that one answer names.
const CODES_MAX: usize = 500;
/// How far ahead of our clock a scan may claim to be.
const AHEAD_MS_MAX: i64 = 60_000;

/// Something was recorded.
#[derive(Debug, Serialize)]
pub(super) struct Saved {
    message: String,
    document: Place,
    item: Item,
    /// What the book says now.
    on_hand: Quantity,
}

/// `POST /api/v1/counts`
pub(super) async fn count(
    State(web): Site,
    WantsPage(wants_page): WantsPage,
    speech: Speech,
    fields: Fields,
) -> Answer<Response> {
    let session = fields.parse::<SessionId>("session")?;
    let area = fields.parse::<AreaId>("area")?;
    let back = speech.link(&page_of("/count", &session, &area));
    let saved = web.blocking(move |shop| {
        let item = lookups::item(shop, &fields)?;
        let drafts = count_drafts(&item, session, area, &fields)?;
        save(shop, item, drafts, speech.language)
    });
    let saved = saved.await?;
    Ok(if wants_page {
        Redirect::to(&back).into_response()
    } else {
        Json(saved).into_response()
    })
}

fn count_drafts(
    item: &Item,
    session: SessionId,
    area: AreaId,
    fields: &Fields,
) -> Answer<Vec<Draft>> {
    let quantity = fields.parse::<Quantity>("quantity")?;
    let location = fields
        .parsed::<Location>("location")?
        .unwrap_or(Location::SalesFloor);
    let line = CountLine {
        item: item.id.clone(),
        location: location.clone(),
        quantity,
        effective: effective(fields)?,
    };
    let kind = Kind::Count {
        session: session.clone(),
        area,
        counted: vec![line],
    };
    let mut drafts = vec![Draft::new(kind)];
    if fields.ticked("done") {
        let scope = CountScope::Listed(vec![item.id.clone()]);
        drafts.push(Draft::new(Kind::CountClose {
            session,
            location,
            scope,
        }));
    }
    Ok(drafts)
}

/// When it was scanned; now, unless the caller knows better.
fn effective(fields: &Fields) -> Answer<Timestamp> {
    let now = platform::wall_now();
    let Some(millis) = fields.parsed::<i64>("when")? else {
        return Ok(now);
    };
    let when = Timestamp::from_millis(millis);
    if when.millis_since(now) > AHEAD_MS_MAX {
        return Err(Problem::value("when", "is in the future").hint("set the clock"));
    }
    Ok(when)
}

/// `POST /api/v1/adjustments`
pub(super) async fn adjust(
    State(web): Site,
    WantsPage(wants_page): WantsPage,
    speech: Speech,
    fields: Fields,
) -> Answer<Response> {
    let saved = web.blocking(move |shop| {
        let item = lookups::item(shop, &fields)?;
        let draft = adjustment(&item, &fields)?;
        save(shop, item, vec![draft], speech.language)
    });
    let saved = saved.await?;
    let back = speech.link("/count");
    Ok(if wants_page {
        Redirect::to(&back).into_response()
    } else {
        Json(saved).into_response()
    })
}

fn adjustment(item: &Item, fields: &Fields) -> Answer<Draft> {
    let change = fields.needed("quantity")?;
    let change: Quantity = change
        .strip_prefix('+')
        .unwrap_or(change)
        .parse()
        .map_err(|error| Problem::value("quantity", error))?;
    let place = fields
        .parsed::<Location>("location")?
        .unwrap_or(Location::SalesFloor);
    if !place.is_countable() {
        return Err(Problem::value("location", "is no place inside the store"));
    }
    let is_more = change > Quantity::ZERO;
    let quantity = if is_more { change } else { change.negated() };
    if !quantity.fits_a_line() {
        return Err(Problem::value(
            "quantity",
            "must not be zero, and not above a million",
        ));
    }
    let (from, to) = if is_more {
        (Location::Loss, place)
    } else {
        (place, Location::Loss)
    };
    let composed = !matches!(item.kind, ItemKind::Standard | ItemKind::Weighed);
    let reason = fields.parse::<Reason>("reason")?;
    let mut draft = Draft::new(Kind::Adjustment { reason });
    draft.lines = vec![Line {
        subject: Subject::Item(item.id.clone()),
        quantity,
        from,
        to,
        effective: effective(fields)?,
        unit_price: None,
        amount: None,
        parts: if composed {
            item.explode(quantity)
        } else {
            Vec::new()
        },
        code: None,
        reason: None,
    }];
    Ok(draft)
}

/// `POST /api/v1/bind`
pub(super) async fn bind(
    State(web): Site,
    WantsPage(wants_page): WantsPage,
    speech: Speech,
    fields: Fields,
) -> Answer<Response> {
    let saved = web.blocking(move |shop| {
        let text = fields.needed("code")?;
        let code = normal_code(text).ok_or_else(|| Problem::value("code", "is no code"))?;
        let to = fields.needed("item")?;
        let id = to.parse().map_err(|error| Problem::value("item", error))?;
        let found = shop.readers.with(|ledger| ledger.item(&id))?;
        let item = match found {
            Some(item) => item,
            None => match lookups::typed(shop, to)? {
                shelf_till::basket::Read::Item(read) => read.item,
                _ => return Err(Problem::value("item", "the catalogue has no such item")),
            },
        };
        let factor = fields
            .parsed::<Quantity>("factor")?
            .unwrap_or(Quantity::ONE);
        if !factor.fits_a_line() {
            return Err(Problem::value("factor", "must be above zero"));
        }
        let draft = Draft::new(Kind::Bind {
            code: code.clone(),
            parts: item.explode(factor),
        });
        let saved = save(shop, item.clone(), vec![draft], speech.language)?;
        if factor == Quantity::ONE {
            teach(shop, item, code)?;
        }
        Ok(saved)
    });
    let saved = saved.await?;
    let back = speech.link("/count");
    Ok(if wants_page {
        Redirect::to(&back).into_response()
    } else {
        Json(saved).into_response()
    })
}

/// The next scan of the code finds the item at once. The hub's catalogue may say otherwise later.
fn teach(shop: &crate::daemon::shop::Shop, mut item: Item, code: Code) -> Answer<()> {
    if item.codes.contains(&code) {
        return Ok(());
    }
    item.codes.push(code);
    let put = move |tx: &mut Tx<'_>| tx.catalogue_put(std::slice::from_ref(&item));
    Ok(shop.writer.execute_blocking("catalogue", put).wait()?)
}

fn save(
    shop: &crate::daemon::shop::Shop,
    item: Item,
    drafts: Vec<Draft>,
    language: Language,
) -> Answer<Saved> {
    let id = item.id.clone();
    let job = move |tx: &mut Tx<'_>| {
        let mut first = None;
        for draft in &drafts {
            first.get_or_insert(tx.record(draft)?.place());
        }
        Ok::<_, RecordError>((first, tx.book(&id)?))
    };
    let (first, on_hand) = shop.writer.execute_blocking("count", job).wait()?;
    shop.ring();
    let document = first.ok_or_else(|| Problem::inside("nothing was recorded"))?;
    Ok(Saved {
        message: language.text("saved").into(),
        document,
        item,
        on_hand,
    })
}

#[derive(Debug, Serialize)]
pub(super) struct Unknown {
    codes: Vec<UnknownRow>,
}

#[derive(Debug, Serialize)]
struct UnknownRow {
    code: Code,
    lines: u64,
}

/// `GET /api/v1/unknown`
pub(super) async fn unknown(State(web): Site) -> Answer<Json<Unknown>> {
    let codes = web.read(|ledger| ledger.unknown_codes(CODES_MAX)).await?;
    let row = |it: shelf_ledger::UnknownCode| UnknownRow {
        code: it.code,
        lines: it.lines,
    };
    Ok(Json(Unknown {
        codes: codes.into_iter().map(row).collect(),
    }))
}
