//! Orders as people and programs work on them: what is open, and each step as a document.
//!
//! Handlers translate; the rules stand in `daemon::order_steps`, the reading in `daemon::orders`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Serialize;
use shelf_ledger::{ExecuteError, Tx};
use shelf_stock::identity::Place;
use shelf_stock::item::Part;
use shelf_stock::name::{ItemId, OrderId, StaffId};
use shelf_stock::quantity::Quantity;
use shelf_stock::time::Timestamp;

use super::fields::{Fields, WantsPage};
use super::problem::Problem;
use super::{Answer, Site, Web, lookups};
use crate::daemon::order_steps::{By, Step, StepError, take};
use crate::daemon::orders::{Lost, OrderView, one, shut};
use crate::daemon::picking::Scanned;
use crate::daemon::pins::PinError;
use crate::daemon::shop::Shop;
use crate::pages::orders::address;
use crate::pages::speech::Speech;
use crate::platform;

/// What is open, and what contradicts itself.
#[derive(Debug, Serialize)]
pub(super) struct Listed {
    as_of: Timestamp,
    open: usize,
    late: usize,
    exceptions: usize,
    /// Items that are shut online until they are counted.
    shut: Vec<ItemId>,
    orders: Vec<OrderView>,
    /// What orders of the last two weeks lost because the store could not deliver it.
    lost: Vec<Lost>,
}

/// A step was recorded.
#[derive(Debug, Serialize)]
pub(super) struct Done {
    message: String,
    document: Option<Place>,
    order: OrderView,
}

/// `GET /api/v1/orders`
pub(super) async fn list(State(web): Site) -> Answer<Json<Listed>> {
    let listed = web.blocking(|shop| {
        let now = platform::wall_now();
        let orders = shop.orders.orders(shop, now)?;
        Ok(Listed {
            as_of: now,
            open: orders.open,
            late: orders.late(now),
            exceptions: orders.troubled,
            shut: shop.readers.with(|ledger| shut(ledger, &orders))?,
            orders: orders.shown.clone(),
            lost: orders.lost.clone(),
        })
    });
    listed.await.map(Json)
}

/// `POST /api/v1/orders/{id}/{step}`
pub(super) async fn step(
    State(web): Site,
    Path((id, word)): Path<(String, String)>,
    WantsPage(wants_page): WantsPage,
    speech: Speech,
    fields: Fields,
) -> Answer<Response> {
    let id = OrderId::new(id).map_err(|error| Problem::value("order", error))?;
    let back = speech.link(&address("/orders", &id));
    let done = web.blocking(move |shop| match word.as_str() {
        "pick" => record(shop, &id, Step::Pick, &fields, speech),
        "put-back" => record(shop, &id, Step::PutBack, &fields, speech),
        "hand-over" => record(shop, &id, Step::HandOver, &fields, speech),
        "short" => record(
            shop,
            &id,
            Step::Short(missing(shop, &fields)?),
            &fields,
            speech,
        ),
        "scan" => scan_typed(shop, &id, &fields, speech),
        other => Err(Problem::missing(format!("orders know no `{other}`"))
            .hint("there are pick, put-back, hand-over, short and scan")),
    });
    let done = done.await?;
    Ok(if wants_page {
        Redirect::to(&back).into_response()
    } else {
        Json(done).into_response()
    })
}

/// What the shelf doesn't have: `item` (or `code`) and `quantity`, or `missing.ITEM` of several.
fn missing(shop: &Shop, fields: &Fields) -> Answer<Vec<Part>> {
    let mut missing = Vec::new();
    for (name, value) in fields.under("missing.") {
        let item = name
            .parse()
            .map_err(|error| Problem::value("missing", error))?;
        let quantity: Quantity = value
            .parse()
            .map_err(|error| Problem::value("missing", error))?;
        if quantity > Quantity::ZERO {
            missing.push(Part { item, quantity });
        }
    }
    if missing.is_empty() {
        let item = match fields.parsed::<ItemId>("item")? {
            Some(item) => item,
            None => lookups::item(shop, fields)?.id,
        };
        let quantity = fields.parse("quantity")?;
        missing.push(Part { item, quantity });
    }
    Ok(missing)
}

fn record(shop: &Shop, id: &OrderId, step: Step, fields: &Fields, speech: Speech) -> Answer<Done> {
    let by = By {
        manager: manager(shop, fields)?,
        now: platform::wall_now(),
    };
    let text = match &step {
        Step::Pick => "order_picked",
        Step::PutBack => "order_put_back",
        Step::HandOver => "order_handed_over",
        Step::Short(_) => "order_short",
    };
    let place = written(shop, id, step, by)?;
    done(shop, id, speech.language.text(text).into(), Some(place))
}

fn written(shop: &Shop, id: &OrderId, step: Step, by: By) -> Answer<Place> {
    let clears = step == Step::Pick || step == Step::PutBack;
    let order = id.clone();
    let job = move |tx: &mut Tx<'_>| take(tx, &order, &step, &by);
    let place = shop
        .writer
        .execute_blocking("order", job)
        .wait()
        .map_err(problem)?;
    if clears {
        shop.picking.clear(id);
    }
    shop.orders.changed();
    shop.ring();
    Ok(place)
}

/// The manager whose PIN the fields hold; a wrong one is refused whether it was needed or not.
pub(super) fn manager(shop: &Shop, fields: &Fields) -> Answer<Option<StaffId>> {
    let Some(pin) = fields.text("pin") else {
        return Ok(None);
    };
    let file = shop.config.policy.manager_pin_file.as_deref();
    match shop.pins.manager(file, pin, shop.clock.millis()) {
        Ok(staff) => Ok(Some(staff)),
        Err(error) => {
            if let PinError::File(source) = &error {
                tracing::error!(%source, "the managers' PINs can't be read");
            }
            Err(Problem::new(
                StatusCode::FORBIDDEN,
                "pin",
                error.to_string(),
            ))
        }
    }
}

fn problem(error: ExecuteError<StepError>) -> Problem {
    let conflict = |detail: String| Problem::new(StatusCode::CONFLICT, "order-step", detail);
    match error {
        ExecuteError::Refused(refused) => match &refused {
            StepError::Unknown(_) => {
                Problem::missing(refused.to_string()).hint("the hub sends orders; is it reached?")
            }
            StepError::NeedsManager(_) => {
                Problem::new(StatusCode::FORBIDDEN, "needs-manager", refused.to_string())
                    .hint("if it happened, a manager records it with `pin`")
            }
            StepError::Unpaid => {
                conflict(refused.to_string()).hint("ask the channel whether it was paid")
            }
            StepError::CancelWanted
            | StepError::PickedAlready
            | StepError::HandedOver
            | StepError::NotPicked
            | StepError::Ended(_) => conflict(refused.to_string()).hint("look at the order again"),
            StepError::NotOrdered(_) => Problem::value("missing", &refused),
            StepError::Record(_) | StepError::Table(_) => {
                Problem::from(ExecuteError::Refused(refused))
            }
        },
        other => Problem::from(other),
    }
}

fn done(shop: &Shop, id: &OrderId, message: String, document: Option<Place>) -> Answer<Done> {
    let order = shop.readers.with(|ledger| one(ledger, id))?;
    let order = order.ok_or_else(|| Problem::missing(format!("this store has no order `{id}`")))?;
    Ok(Done {
        message,
        document,
        order,
    })
}

fn scan_typed(shop: &Shop, id: &OrderId, fields: &Fields, speech: Speech) -> Answer<Done> {
    let item = lookups::item(shop, fields)?;
    let quantity = fields.parsed("quantity")?.unwrap_or(Quantity::ONE);
    let message = scan(shop, id, (&item.id, quantity), None, speech)?;
    done(shop, id, message.0, None)
}

/// An item was scanned for an order: counted, and once all of it is there the order is picked.
/// What to say about it, and whether it was wrong.
pub(super) fn scan(
    shop: &Shop,
    id: &OrderId,
    (item, quantity): (&ItemId, Quantity),
    at: Option<Timestamp>,
    speech: Speech,
) -> Answer<(String, bool)> {
    let view = shop.readers.with(|ledger| one(ledger, id))?;
    let view = view.ok_or_else(|| Problem::missing(format!("this store has no order `{id}`")))?;
    if !view.may_be_picked {
        let key = match view.order.cancel_wanted {
            true => "scan_cancelled",
            false => "scan_not_pickable",
        };
        return Ok((speech.text(key).into(), true));
    }
    let needs = view.order.needs();
    let name = view.goods.iter().find(|it| it.item == *item);
    let name = name.map_or_else(|| item.to_string(), |it| it.name.clone());
    let picked = shop.picking.scan(id, &needs, (item, quantity), at);
    Ok(match picked {
        Scanned::NotNeeded => (speech.language.fill("scan_not_needed", &[&name]), true),
        Scanned::Counted | Scanned::Again => {
            let found = shop
                .picking
                .found(id)
                .get(item)
                .copied()
                .unwrap_or_default();
            let of = needs.get(item).copied().unwrap_or_default();
            let text = speech.language.fill("scan_counted", &[&name, &found, &of]);
            (text, false)
        }
        Scanned::Complete => {
            let by = By {
                manager: None,
                now: platform::wall_now(),
            };
            written(shop, id, Step::Pick, by)?;
            (speech.text("order_picked").into(), false)
        }
    })
}

/// What the page of orders shows.
pub(super) async fn page(
    web: &Arc<Web>,
    selected: &str,
    said: Option<(u64, String, bool)>,
) -> Answer<crate::pages::orders::Page> {
    let selected = selected.to_owned();
    web.blocking(move |shop| {
        let now = platform::wall_now();
        let orders = shop.orders.orders(shop, now)?;
        let chosen = orders.find(&selected).cloned();
        let found = chosen.as_ref().map(|it| shop.picking.found(&it.order.id));
        Ok(crate::pages::orders::Page {
            now,
            found: found.unwrap_or_default(),
            selected: chosen,
            orders,
            said,
        })
    })
    .await
}
