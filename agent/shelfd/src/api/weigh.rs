//! Weighing at a till: the scale is asked, and its weight becomes the row's quantity.
//!
//! The weight is the scale's, in grams as it shows them; a refusal is told in the scale's words and in the
//! reader's language. Goods that still lie there from the row before are not sold twice by a page that asks
//! by itself: then a person has to press the button.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Serialize;
use shelf_codecs::scale::{Basis, Refusal, Weight};
use shelf_devices::weighing::{Changed, NoWeight};
use shelf_stock::money::Money;
use shelf_stock::quantity::{Quantity, Unit};
use shelf_till::basket::{BasketId, LineNo, TillInput};

use super::fields::{Fields, WantsPage};
use super::problem::Problem;
use super::till::{TillAnswer, apply, counter};
use super::{Answer, Site, Web};
use crate::daemon::counter::Counter;
use crate::daemon::scales::WeighError;
use crate::pages::speech::Speech;
use crate::pages::texts::Language;

/// A weight as programs see it.
#[derive(Debug, Serialize)]
pub(super) struct Weighed {
    /// In the scale's unit, as it shows it.
    weight: String,
    /// `kg`, `g`, `lb` or `oz`.
    unit: &'static str,
    /// `gross`, `net` or `not_told`.
    basis: &'static str,
    /// Whole grams, where the scale weighs in metric units.
    #[serde(skip_serializing_if = "Option::is_none")]
    grams: Option<i64>,
    /// Whether something else may lie there than at the weighing before.
    changed: bool,
    /// The till, if a row was to take the weight.
    #[serde(skip_serializing_if = "Option::is_none")]
    till: Option<TillAnswer>,
    /// What a page tells.
    message: String,
}

/// `POST /api/v1/tills/{name}/weigh`
pub(super) async fn of_program(
    State(web): Site,
    Path(name): Path<String>,
    speech: Speech,
    fields: Fields,
) -> Answer<Json<Weighed>> {
    weigh(&web, &name, speech.language, &fields).await.map(Json)
}

/// `POST /till/{name}/weigh`
pub(super) async fn of_page(
    State(web): Site,
    Path(name): Path<String>,
    WantsPage(wants_page): WantsPage,
    speech: Speech,
    fields: Fields,
) -> Answer<Response> {
    let done = weigh(&web, &name, speech.language, &fields).await?;
    if wants_page {
        return Ok(Redirect::to(&speech.link(&format!("/till/{name}"))).into_response());
    }
    Ok(Json(done).into_response())
}

/// The row that is to take the weight, as it was when the scale was asked.
struct Taker {
    basket: BasketId,
    line: LineNo,
    unit_price_minor: Option<u32>,
}

async fn weigh(web: &Arc<Web>, name: &str, language: Language, fields: &Fields) -> Answer<Weighed> {
    let counter = counter(&web.shop, name)?;
    let taker = match fields.parsed::<u32>("line")? {
        Some(line) => Some(taker(&counter, LineNo(line))?),
        None => None,
    };
    let price = taker.as_ref().and_then(|it| it.unit_price_minor);
    let scales = web.shop.devices.scales();
    let weighing = scales.weigh(counter.till(), price).await;
    let weighing = weighing.map_err(|error| not_weighed(&error, language))?;
    let weight = weighing
        .outcome
        .map_err(|why| no_weight(language.text(words(why))))?;
    let changed = changed(weighing.changed, weight, &counter);
    if fields.ticked("auto") && !changed {
        return Err(no_weight(language.text("weigh_unchanged")));
    }
    let shown = format!("{} {}", figures(weight), weight.unit.sign());
    let till = match taker {
        Some(taker) => {
            let grams = weight.grams();
            let grams = grams.ok_or_else(|| no_weight(language.fill("weigh_unit", &[&shown])))?;
            let input = TillInput::Weighed {
                basket: taker.basket,
                line: taker.line,
                quantity: Quantity::thousandths(grams),
            };
            Some(apply(web, counter, language, input).await?)
        }
        None => None,
    };
    let refused = till.as_ref().and_then(|it| it.message.clone());
    Ok(Weighed {
        weight: figures(weight),
        unit: weight.unit.sign(),
        basis: match weight.basis {
            Basis::Gross => "gross",
            Basis::Net => "net",
            Basis::NotTold => "not_told",
        },
        grams: weight.grams(),
        changed,
        till,
        message: refused.unwrap_or_else(|| language.fill("weighed", &[&shown])),
    })
}

fn taker(counter: &Counter, line: LineNo) -> Answer<Taker> {
    let shown = counter.view();
    let basket = shown.view.basket.as_ref();
    let row = basket.and_then(|it| it.lines.iter().find(|row| row.no == line && !row.voided));
    let (Some(basket), Some(row)) = (basket, row) else {
        return Err(Problem::value("line", "the open basket has no such row"));
    };
    if row.unit != Unit::Kilogram {
        return Err(Problem::value("line", "this row is not sold by weight"));
    }
    let minor = row.unit_price.map(Money::as_minor);
    Ok(Taker {
        basket: basket.id,
        line,
        unit_price_minor: minor.and_then(|it| u32::try_from(it).ok()),
    })
}

/// Whether other goods may lie there. A scale that was gone, or was asked before this PC was started anew,
/// does not know; the row that was weighed last does.
fn changed(told: Changed, weight: Weight, counter: &Counter) -> bool {
    match told {
        Changed::Yes => true,
        Changed::No => false,
        Changed::Unknown => {
            let shown = counter.view();
            let rows = shown.view.basket.iter().flat_map(|it| &it.lines);
            let mut weighed =
                rows.filter(|it| it.measured && it.unit == Unit::Kilogram && !it.voided);
            let last = weighed.next_back().map(|it| it.quantity);
            last.is_none() || last != weight.grams().map(Quantity::thousandths)
        }
    }
}

/// Thousandths with the point where the scale has it.
fn figures(weight: Weight) -> String {
    let (whole, part) = (weight.thousandths / 1000, weight.thousandths % 1000);
    format!("{whole}.{part:03}")
}

fn no_weight(words: impl Into<String>) -> Problem {
    Problem::new(StatusCode::CONFLICT, "no-weight", words)
}

fn not_weighed(error: &WeighError, language: Language) -> Problem {
    let words = match error {
        WeighError::None(_) => "weigh_no_scale",
        WeighError::NotNow(_) => "weigh_not_there",
        WeighError::NoOutcome => "weigh_no_answer",
    };
    no_weight(language.text(words)).hint(match error {
        WeighError::NotNow(error) => error.to_string(),
        _ => String::new(),
    })
}

/// The text of why a scale gave no weight.
fn words(why: NoWeight) -> &'static str {
    match why {
        NoWeight::NoAnswer => "weigh_no_answer",
        NoWeight::Disconnected => "weigh_disconnected",
        NoWeight::Busy => "weigh_busy",
        NoWeight::Refused(refusal) => match refusal {
            Refusal::Motion => "weigh_motion",
            Refusal::Over => "weigh_over",
            Refusal::Under => "weigh_under",
            Refusal::Negative => "weigh_negative",
            Refusal::Zero => "weigh_empty",
            Refusal::Tare => "weigh_tare",
            Refusal::NoNewWeight => "weigh_no_new",
            Refusal::NotZeroed => "weigh_not_zeroed",
            Refusal::PriceMissing => "weigh_price",
            Refusal::NotReady => "weigh_not_ready",
            Refusal::Calibration => "weigh_calibration",
            Refusal::BadCommand => "weigh_command",
            Refusal::DeviceFault => "weigh_fault",
        },
    }
}
