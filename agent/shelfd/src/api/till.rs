//! A till's buttons and fields as inputs of its machine.
//!
//! The page and programs use the same words. What the machine refuses it says in its view, which
//! the answer carries with the refusal in words; what can't even be asked is a problem.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Serialize;
use shelf_stock::item::Item;
use shelf_stock::money::Money;
use shelf_stock::name::{ItemId, Reason, TenderRef, TillId};
use shelf_till::basket::{
    BasketId, IntentId, LineNo, Mode, Notice, Origin, Outcome, PayWith, PriceTarget, TillInput,
    TillView, What,
};

use super::fields::{Fields, WantsPage};
use super::problem::Problem;
use super::{Answer, Site, Web, lookups};
use crate::daemon::beside::{Beside, Errand as BesideErrand, ErrandError, run_errand};
use crate::daemon::counter::{Counter, Shown, chain};
use crate::daemon::shop::Shop;
use crate::daemon::terminal::{Errand, TerminalStanding};
use crate::pages::speech::Speech;
use crate::pages::texts::Language;
use crate::platform;

/// A till as programs see it.
#[derive(Debug, Serialize)]
pub(super) struct TillAnswer {
    revision: u64,
    /// Why the last act changed nothing, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) message: Option<String>,
    /// How the payment terminal is, if the till has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    terminal: Option<TerminalStanding>,
    #[serde(flatten)]
    view: TillView,
}

/// The till of a path that sells on our page.
pub(super) fn counter(shop: &Shop, name: &str) -> Answer<Arc<Counter>> {
    let nowhere = || Problem::missing(format!("this PC has no till `{name}`"));
    let name = TillId::new(name).map_err(|_| nowhere())?;
    match shop.counters.get(&name) {
        Some(counter) => Ok(counter.clone()),
        None if shop.till(&name).is_some() => Err(Problem::missing(format!(
            "till `{name}` sells by another system"
        ))
        .hint("set its `sales_source` to `basket` to sell here")),
        None => Err(nowhere()),
    }
}

/// `GET /api/v1/tills/{name}`
pub(super) async fn view(State(web): Site, Path(name): Path<String>) -> Answer<Json<TillAnswer>> {
    let shown = counter(&web.shop, &name)?.view();
    Ok(Json(answer(&shown, None)))
}

/// `GET /api/v1/tills/{name}/beside`
pub(super) async fn beside(State(web): Site, Path(name): Path<String>) -> Answer<Json<Beside>> {
    Ok(Json(web.shop.beside.of(&beside_till(&web.shop, &name)?)))
}

/// `POST /api/v1/tills/{name}/beside`: `do` is `print`, `show`, or `open_drawer` with
/// `confirm=yes`. None of it can start a payment.
pub(super) async fn try_beside(
    State(web): Site,
    Path(name): Path<String>,
    WantsPage(wants_page): WantsPage,
    speech: Speech,
    fields: Fields,
) -> Answer<Response> {
    let till = beside_till(&web.shop, &name)?;
    let errand = BesideErrand::from_word(fields.needed("do")?);
    let errand = errand.ok_or_else(|| {
        let words = BesideErrand::WORDS.map(|it| it.0).join(", ");
        Problem::value("do", format!("must be one of {words}"))
    })?;
    if errand == BesideErrand::OpenDrawer && fields.text("confirm") != Some("yes") {
        return Err(Problem::value("confirm", speech.text("drawer_unconfirmed")));
    }
    let done = run_errand(&web.shop, &till, errand).await;
    web.shop.ring_pages();
    done.map_err(|error| not_done(&error, speech))?;
    if wants_page {
        return Ok(Redirect::to(&speech.link("/devices")).into_response());
    }
    let mut answer = serde_json::json!(web.shop.beside.of(&till));
    answer["message"] = speech.text(errand.done()).into();
    Ok(Json(answer).into_response())
}

fn not_done(error: &ErrandError, speech: Speech) -> Problem {
    let conflict = axum::http::StatusCode::CONFLICT;
    match error {
        ErrandError::Nothing => Problem::missing(error.to_string())
            .hint("set `till.printer` or `till.display` in the configuration"),
        ErrandError::Selling => Problem::new(conflict, "selling", speech.text("beside_selling")),
        ErrandError::Record(_) => Problem::inside(error.to_string()),
        ErrandError::Device(_) => Problem::new(conflict, "not-ready", error.to_string()),
    }
}

/// Any till of this PC, whatever system sells at it.
fn beside_till(shop: &Shop, name: &str) -> Answer<TillId> {
    let till = TillId::new(name).ok().filter(|it| shop.till(it).is_some());
    till.ok_or_else(|| Problem::missing(format!("this PC has no till `{name}`")))
}

/// `POST /api/v1/tills/{name}`
pub(super) async fn act_of_program(
    State(web): Site,
    Path(name): Path<String>,
    speech: Speech,
    fields: Fields,
) -> Answer<Json<TillAnswer>> {
    act(&web, &name, speech.language, fields).await.map(Json)
}

/// `POST /till/{name}/act`
pub(super) async fn act_of_page(
    State(web): Site,
    Path(name): Path<String>,
    WantsPage(wants_page): WantsPage,
    speech: Speech,
    fields: Fields,
) -> Answer<Response> {
    let done = act(&web, &name, speech.language, fields).await?;
    if wants_page {
        return Ok(Redirect::to(&speech.link(&format!("/till/{name}"))).into_response());
    }
    Ok(Json(done).into_response())
}

async fn act(web: &Arc<Web>, name: &str, language: Language, fields: Fields) -> Answer<TillAnswer> {
    let counter = counter(&web.shop, name)?;
    if fields.needed("do")? == "terminal" {
        return web
            .blocking(move |_| {
                errand(&counter, &counter.view(), &fields)?;
                Ok(answer(&counter.view(), None))
            })
            .await;
    }
    let input = move |shop: &Shop| input(shop, &fields);
    input_of(web, counter, language, input).await
}

/// Gives a till an input, and says what it shows then.
pub(super) async fn apply(
    web: &Arc<Web>,
    counter: Arc<Counter>,
    language: Language,
    input: TillInput,
) -> Answer<TillAnswer> {
    input_of(web, counter, language, |_| Ok(input)).await
}

async fn input_of(
    web: &Arc<Web>,
    counter: Arc<Counter>,
    language: Language,
    input: impl FnOnce(&Shop) -> Answer<TillInput> + Send + 'static,
) -> Answer<TillAnswer> {
    web.blocking(move |shop| {
        let before = counter.view();
        let input = input(shop)?;
        let shown = counter.input(input).map_err(|error| {
            tracing::error!(%error, "a till can't go on");
            Problem::inside(chain(&error))
        })?;
        if before.view.last_sale != shown.view.last_sale {
            shop.ring();
        }
        let refused = refusal(&before, &shown, language);
        Ok(answer(&shown, refused))
    })
    .await
}

/// Something that the terminal is asked for and that moves no money. The answer is the till as it was:
/// what comes of it is in `terminal` when it has come.
fn errand(counter: &Counter, shown: &Shown, fields: &Fields) -> Answer<()> {
    let word = fields.needed("errand")?;
    let errand = Errand::from_word(word).ok_or_else(|| {
        let words = Errand::WORDS.map(|it| it.0).join(", ");
        Problem::value("errand", format!("must be one of {words}"))
    })?;
    let Some(terminal) = &shown.terminal else {
        return Err(Problem::missing("this till has no payment terminal")
            .hint("set `till.terminal` in the configuration"));
    };
    if terminal.busy || !counter.errand(errand) {
        let status = axum::http::StatusCode::CONFLICT;
        return Err(
            Problem::new(status, "busy", "the terminal is busy").hint("wait until it has finished")
        );
    }
    Ok(())
}

fn answer(shown: &Shown, message: Option<String>) -> TillAnswer {
    TillAnswer {
        revision: shown.revision,
        message,
        terminal: shown.terminal.clone(),
        view: shown.view.clone(),
    }
}

/// The machine's refusal of this act in words: the newest notice, if this act made it.
fn refusal(before: &Shown, after: &Shown, language: Language) -> Option<String> {
    if after.view.notices == before.view.notices {
        return None;
    }
    match after.view.notices.last()? {
        Notice::Refused { why } => {
            let why = language.text(crate::pages::till::refusal(*why));
            Some(language.fill("notice_refusal", &[&why]))
        }
        _ => None,
    }
}

fn input(shop: &Shop, fields: &Fields) -> Answer<TillInput> {
    let deed = fields.needed("do")?;
    Ok(match deed {
        "scan" => {
            let read = lookups::typed(shop, fields.needed("code")?)?;
            read_now(read, Origin::Typed)
        }
        "pick" => {
            let read = lookups::picked(shop, &fields.parse::<ItemId>("item")?)?;
            read_now(read, Origin::Picked)
        }
        "price" | "open" => keyed_price(deed, fields)?,
        "quantity" => {
            let quantity = fields.parse("quantity")?;
            TillInput::Quantity {
                line: line(fields)?,
                quantity,
            }
        }
        "mode" => TillInput::SetMode(mode(fields.needed("mode")?)?),
        "undo" => TillInput::Undo,
        "void_line" => match line(fields)? {
            Some(line) => TillInput::VoidLine(line),
            None => return Err(Problem::value("line", "is missing")),
        },
        "void_basket" => TillInput::VoidBasket,
        "park" => TillInput::Park,
        "resume" => TillInput::Resume(fields.parse::<BasketId>("basket")?),
        "acknowledge" => TillInput::Acknowledge,
        "record_again" => TillInput::RetryCommit(What::Sale(fields.parse::<BasketId>("basket")?)),
        "pay_card" => {
            let amount = fields.parsed::<Money>("amount")?;
            TillInput::Pay(PayWith::Card { amount })
        }
        "pay_cash" => {
            let given = fields.parsed::<Money>("given")?;
            TillInput::Pay(PayWith::Cash { given })
        }
        "cancel" => TillInput::CancelPayment(fields.parse::<IntentId>("intent")?),
        "reverse" => TillInput::ReversePayment(fields.parse::<IntentId>("intent")?),
        "ask" => TillInput::AskAgain(fields.parse::<IntentId>("intent")?),
        "settle" => settle(fields)?,
        other => return Err(Problem::value("do", format!("a till can't `{other}`"))),
    })
}

fn read_now(read: shelf_till::basket::Read, origin: Origin) -> TillInput {
    TillInput::Read {
        read,
        origin,
        read_at: platform::wall_now(),
    }
}

fn line(fields: &Fields) -> Answer<Option<LineNo>> {
    Ok(fields.parsed::<u32>("line")?.map(LineNo))
}

fn mode(word: &str) -> Answer<Mode> {
    match word {
        "sell" => Ok(Mode::Sell),
        "return" => Ok(Mode::Return),
        "price_check" => Ok(Mode::PriceCheck),
        _ => Err(Problem::value(
            "mode",
            "must be sell, return or price_check",
        )),
    }
}

fn keyed_price(deed: &str, fields: &Fields) -> Answer<TillInput> {
    let price = fields.parse::<Money>("price")?;
    let reason = fields.parsed::<Reason>("reason")?;
    let target = match (deed, line(fields)?) {
        ("open", _) => {
            let label = fields
                .text("label")
                .unwrap_or("…")
                .chars()
                .take(80)
                .collect();
            PriceTarget::Open { label }
        }
        (_, Some(line)) => PriceTarget::Line(line),
        (_, None) => PriceTarget::Last,
    };
    Ok(TillInput::KeyedPrice {
        target,
        price,
        reason,
    })
}

fn settle(fields: &Fields) -> Answer<TillInput> {
    let outcome = match fields.needed("outcome")? {
        "paid" => {
            let slip = fields.text("slip").map(TenderRef::new).transpose();
            Outcome::Approved {
                slip: slip.map_err(|error| Problem::value("slip", error))?,
            }
        }
        "not_charged" => Outcome::NotCharged,
        _ => return Err(Problem::value("outcome", "must be paid or not_charged")),
    };
    let intent = fields.parse::<IntentId>("intent")?;
    Ok(TillInput::Settle {
        intent,
        outcome,
        staff: fields.parsed("staff")?,
    })
}

/// Goods without barcode, for the till's keys.
#[expect(
    clippy::redundant_closure_for_method_calls,
    reason = "the method's path is not general enough in its lifetimes"
)]
pub(super) async fn quick_keys(web: &Arc<Web>) -> Answer<Vec<Item>> {
    web.read(|ledger| ledger.quick_keys()).await
}
