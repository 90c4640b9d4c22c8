//! Orders of a channel: placed whole or not at all, and answered with what is possible instead.
//!
//! The same number again is the same order, wherever it is; so a channel that got no answer asks
//! again. Orders hold opaque numbers only; who collects one stands in [`super::pickup`].

mod refusal;
mod rows;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use shelf_replica::orders::{Cancelling, Decision, Lack, NewOrder, Refusal, StoredOrder};
use shelf_stock::customer_order::{Order, OrderLine};
use shelf_stock::document::Tender;
use shelf_stock::money::Money;
use shelf_stock::name::{ChannelId, OrderId, StoreId};
use shelf_stock::time::Timestamp;
use utoipa::ToSchema;

use rows::{LegRow, PartRow, lines, names, needs, order_name, resolve};
pub(super) use rows::{OrderRow, channel_name, store_name};

use refusal::{OrderError, Refused, no_channel, problem_of, refused};

use super::{Api, Problem, body, machine_now};
use crate::orders::{Command, Outcome, place, possible};
use crate::storage::StorageError;

/// Stores that one answer names, and that are tried for one order.
pub(super) const STORES_NAMED_MAX: usize = 10;

/// An order to be placed.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct NewOrderBody {
    /// The channel's own number; the same number again is the same order.
    order: String,
    /// The store, or `any`.
    store: String,
    /// With `any`: only these stores, in this order.
    #[serde(default)]
    stores: Vec<String>,
    /// 1 to 200 lines; packs and bundles are resolved by the catalogue.
    lines: Vec<PartRow>,
    /// When the customer is promised to have it.
    promised_wall: Option<i64>,
    /// Whether it may be picked before it is paid.
    #[serde(default)]
    pay_on_collection: bool,
    /// How it is paid: `kind` (`cash`, `card`, `other`), `amount` in minor units, `reference`,
    /// `state` (`authorised`, `captured`, `refunded`, `unknown`; without it: captured).
    #[serde(default)]
    #[schema(value_type = Vec<Object>)]
    tenders: Vec<Tender>,
    /// An external marketplace has sold it already: it can't be refused any more.
    #[serde(default)]
    sold_already: bool,
}

/// New lines of an order.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct LinesBody {
    /// Everything that the order wants now.
    lines: Vec<PartRow>,
}

/// How an order is paid.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct PaymentBody {
    /// All payments: `kind`, `amount` in minor units, `reference`, `state`.
    #[schema(value_type = Vec<Object>)]
    tenders: Vec<Tender>,
}

/// What became of a wish to cancel.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Cancelled {
    /// `cancelled`; `requested`: the store has begun and decides; `too_late`: it had come to
    /// another end; `unknown`: nobody knows it, and should it come later it dies.
    result: &'static str,
    /// The order's state, where there is an order.
    state: Option<&'static str>,
}

/// What is known before an order is tried.
struct Look {
    /// Where the number is already.
    place: Option<place::Place>,
    lines: Vec<OrderLine>,
    /// Serving stores with what they lack.
    stores: Vec<(StoreId, Vec<Lack>)>,
}

/// Places an order, whole or not at all. The same order again is answered with what it is by now.
#[utoipa::path(post, path = "/api/v1/channels/{channel}/orders", tag = "orders",
    params(("channel" = String, Path, description = "the channel's name")),
    request_body = NewOrderBody,
    responses(
        (status = 200, description = "it was accepted before", body = OrderRow),
        (status = 201, description = "its units are reserved", body = OrderRow),
        (status = 404, description = "no such store", body = Problem,
            content_type = "application/problem+json"),
        (status = 409, description = "refused, with what is possible; or the number is in use",
            body = Refused, content_type = "application/problem+json"),
        (status = 422, description = "not readable as an order", body = Problem,
            content_type = "application/problem+json"),
        (status = 503, description = "not now", body = Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn create(
    State(api): State<Api>,
    Path(channel): Path<String>,
    given: Result<Json<NewOrderBody>, JsonRejection>,
) -> Result<(StatusCode, Json<OrderRow>), OrderError> {
    let given = body(given)?;
    let (channel, id) = names(&channel, &given.order)?;
    let any = given.store == "any";
    let named = if any { given.stores } else { vec![given.store] };
    let wanted: Vec<StoreId> = named
        .iter()
        .map(|it| store_name(it))
        .collect::<Result<_, _>>()?;
    let look = look(&api, &channel, &id, lines(&given.lines)?).await?;
    let new = NewOrder {
        id,
        channel,
        lines: look.lines.clone(),
        promised: given.promised_wall.map(Timestamp::from_millis),
        pay_on_collection: given.pay_on_collection,
        tenders: given.tenders,
        sold_already: given.sold_already,
    };
    let tried = match look.place.as_ref().and_then(|it| it.store.clone()) {
        Some(store) => vec![store],
        None if !any => wanted.clone(),
        None => able(&look.stores, &wanted, new.sold_already),
    };
    let mut refusal = None;
    for store in &tried {
        match api
            .worker
            .command(Some(store), Command::Accept(new.clone()))
            .await?
        {
            Outcome::Decided(store, Decision::Accepted(order)) => {
                let row = OrderRow::of(&store, &order, Vec::new());
                return Ok((StatusCode::CREATED, Json(row)));
            }
            Outcome::Decided(store, Decision::Again(order)) => {
                let row = OrderRow::of(&store, &order, legs_of(&api, &order.id).await?);
                return Ok((StatusCode::OK, Json(row)));
            }
            Outcome::Decided(_, Decision::Refused(Refusal::Lacking(lack))) => {
                refusal = Some(lack);
            }
            other => return Err(problem_of(other, store).into()),
        }
    }
    let lacking = match refusal {
        Some(lack) => lack,
        None => {
            fewest(&look.stores, &wanted).ok_or_else(|| no_channel(&new.channel, "any store"))?
        }
    };
    Err(refused(&lacking, &look.stores, &tried))
}

/// Whether a store is one of those that were named, if any were.
fn is_wanted(wanted: &[StoreId], store: &StoreId) -> bool {
    wanted.is_empty() || wanted.contains(store)
}

/// The stores that could do the whole order, in the order in which they are tried.
fn able(stores: &[(StoreId, Vec<Lack>)], wanted: &[StoreId], sold_already: bool) -> Vec<StoreId> {
    let fits = |(name, lack): &&(StoreId, Vec<Lack>)| {
        is_wanted(wanted, name) && (lack.is_empty() || sold_already)
    };
    let mut able: Vec<StoreId> = stores.iter().filter(fits).map(|it| it.0.clone()).collect();
    able.sort_by_key(|it| wanted.iter().position(|wanted| wanted == it));
    able.truncate(STORES_NAMED_MAX);
    able
}

/// What the store lacks that lacks the fewest items.
fn fewest(stores: &[(StoreId, Vec<Lack>)], wanted: &[StoreId]) -> Option<Vec<Lack>> {
    let named = stores.iter().filter(|it| is_wanted(wanted, &it.0));
    let fewest = named.min_by_key(|(_, lack)| lack.len());
    fewest.map(|(_, lack)| lack.clone())
}

/// Reads what is known of a basket everywhere.
async fn look(
    api: &Api,
    channel: &ChannelId,
    id: &OrderId,
    given: Vec<(shelf_stock::name::ItemId, shelf_stock::quantity::Quantity)>,
) -> Result<Look, Problem> {
    let (channel, id) = (channel.clone(), id.clone());
    let (tenant, now) = (api.tenant.clone(), machine_now(api));
    let read = api.readers.query(move |view| {
        let lines = match resolve(view, &given)? {
            Ok(lines) => lines,
            Err(problem) => return Ok(Err(problem)),
        };
        let wants = needs(&lines);
        let mut stores = Vec::new();
        for (name, key) in possible::serving(view, tenant.as_str(), &channel, &[])? {
            stores.push((name, possible::lacking(view, now, key, &channel, &wants)?));
        }
        Ok(Ok(Look {
            place: place::find_anywhere(view, tenant.as_str(), &id)?,
            lines,
            stores,
        }))
    });
    read.await?
}

/// An order of a channel and where it is.
async fn held(
    api: &Api,
    (channel, id): (&ChannelId, &OrderId),
) -> Result<(StoreId, Order, Vec<LegRow>), Problem> {
    find(api, channel, id).await?.ok_or_else(|| {
        Problem::not_found(
            format!("the channel `{channel}` has no order `{id}`"),
            "orders are named by their channel's own number",
        )
    })
}

async fn find(
    api: &Api,
    channel: &ChannelId,
    id: &OrderId,
) -> Result<Option<(StoreId, Order, Vec<LegRow>)>, Problem> {
    let (channel, id, tenant) = (channel.clone(), id.clone(), api.tenant.clone());
    let read = api.readers.query(move |view| {
        let place = place::find_anywhere(view, tenant.as_str(), &id)?;
        let place = place.filter(|it| it.channel == channel);
        let Some(store) = place.and_then(|it| it.store) else {
            return Ok(None);
        };
        let Some(key) = view.store_named(store.as_str())? else {
            return Ok(None);
        };
        let held = StoredOrder::load(&*view.shop(key), &id)?;
        let legs = read_legs(view, &id)?;
        Ok::<_, StorageError>(held.map(|it| (store, it.order, legs)))
    });
    Ok(read.await?)
}

fn read_legs(view: &dyn crate::storage::View, id: &OrderId) -> Result<Vec<LegRow>, StorageError> {
    let leg = |(name, place): (OrderId, place::Place)| LegRow {
        order: name.to_string(),
        store: place.store.map(|it| it.to_string()),
    };
    Ok(place::legs(view, id)?.into_iter().map(leg).collect())
}

async fn legs_of(api: &Api, id: &OrderId) -> Result<Vec<LegRow>, Problem> {
    let id = id.clone();
    Ok(api.readers.query(move |view| read_legs(view, &id)).await?)
}

/// One order.
#[utoipa::path(get, path = "/api/v1/channels/{channel}/orders/{order}", tag = "orders",
    params(
        ("channel" = String, Path, description = "the channel's name"),
        ("order" = String, Path, description = "the channel's number of the order"),
    ),
    responses(
        (status = 200, description = "the order", body = OrderRow),
        (status = 404, description = "no such order", body = Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn one(
    State(api): State<Api>,
    Path((channel, order)): Path<(String, String)>,
) -> Result<Json<OrderRow>, Problem> {
    let (channel, id) = names(&channel, &order)?;
    let (store, order, legs) = held(&api, (&channel, &id)).await?;
    Ok(Json(OrderRow::of(&store, &order, legs)))
}

/// Cancels an order and its legs. A number that nobody knows dies before it comes.
#[utoipa::path(post, path = "/api/v1/channels/{channel}/orders/{order}/cancel", tag = "orders",
    params(
        ("channel" = String, Path, description = "the channel's name"),
        ("order" = String, Path, description = "the channel's number of the order"),
    ),
    responses(
        (status = 200, description = "what became of it", body = Cancelled),
        (status = 409, description = "the number is another channel's", body = Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn cancel(
    State(api): State<Api>,
    Path((channel, order)): Path<(String, String)>,
) -> Result<Json<Cancelled>, Problem> {
    let (channel, id) = names(&channel, &order)?;
    let (number, tenant) = (id.clone(), api.tenant.clone());
    let places = api.readers.query(move |view| {
        let legs = place::legs(view, &number)?;
        let place = place::find_anywhere(view, tenant.as_str(), &number)?;
        Ok((place, legs))
    });
    let (place, legs) = places.await?;
    if place.as_ref().is_some_and(|it| it.channel != channel) {
        return Err(Problem::conflict(
            "the number is that of another channel's order",
            "ask as that channel",
        ));
    }
    let store = place.and_then(|it| it.store);
    let wish = |order: &OrderId| Command::Cancel {
        order: order.clone(),
        channel: channel.clone(),
    };
    let outcome = api.worker.command(store.as_ref(), wish(&id)).await?;
    for (leg, place) in &legs {
        if place.store.is_some() {
            api.worker.command(place.store.as_ref(), wish(leg)).await?;
        }
    }
    let (result, state) = match outcome {
        Outcome::Cancel(Cancelling::Cancelled) => ("cancelled", Some("cancelled")),
        Outcome::Cancel(Cancelling::Requested) => ("requested", Some("picking")),
        Outcome::Cancel(Cancelling::TooLate(state)) => ("too_late", Some(state.word())),
        Outcome::Cancel(Cancelling::Tombstone) => ("unknown", None),
        _ => {
            return Err(Problem::unavailable(
                "the order came at this moment",
                "ask again",
            ));
        }
    };
    Ok(Json(Cancelled { result, state }))
}

/// Replaces what an order wants, all or nothing, while nobody has begun with it.
#[utoipa::path(put, path = "/api/v1/channels/{channel}/orders/{order}/lines", tag = "orders",
    params(
        ("channel" = String, Path, description = "the channel's name"),
        ("order" = String, Path, description = "the channel's number of the order"),
    ),
    request_body = LinesBody,
    responses(
        (status = 200, description = "the order as it is now", body = OrderRow),
        (status = 404, description = "no such order", body = Problem,
            content_type = "application/problem+json"),
        (status = 409, description = "refused, with what is possible, or too late",
            body = Refused, content_type = "application/problem+json"),
    ))]
pub(super) async fn change(
    State(api): State<Api>,
    Path((channel, order)): Path<(String, String)>,
    given: Result<Json<LinesBody>, JsonRejection>,
) -> Result<Json<OrderRow>, OrderError> {
    let given = lines(&body(given)?.lines)?;
    let (channel, id) = names(&channel, &order)?;
    let (store, _, legs) = held(&api, (&channel, &id)).await?;
    let look = look(&api, &channel, &id, given).await?;
    let command = Command::Change {
        order: id,
        lines: look.lines,
    };
    match api.worker.command(Some(&store), command).await? {
        Outcome::Decided(store, Decision::Accepted(order) | Decision::Again(order)) => {
            Ok(Json(OrderRow::of(&store, &order, legs)))
        }
        Outcome::Decided(store, Decision::Refused(Refusal::Lacking(lack))) => {
            Err(refused(&lack, &look.stores, &[store]))
        }
        other => Err(problem_of(other, &store).into()),
    }
}

/// Replaces how an order is paid; *paid* lets the store begin.
#[utoipa::path(put, path = "/api/v1/channels/{channel}/orders/{order}/payment", tag = "orders",
    params(
        ("channel" = String, Path, description = "the channel's name"),
        ("order" = String, Path, description = "the channel's number of the order"),
    ),
    request_body = PaymentBody,
    responses(
        (status = 200, description = "the order as it is now", body = OrderRow),
        (status = 404, description = "no such order", body = Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn pay(
    State(api): State<Api>,
    Path((channel, order)): Path<(String, String)>,
    given: Result<Json<PaymentBody>, JsonRejection>,
) -> Result<Json<OrderRow>, Problem> {
    let tenders = body(given)?.tenders;
    let (channel, id) = names(&channel, &order)?;
    let (store, _, legs) = held(&api, (&channel, &id)).await?;
    for leg in &legs {
        if let (Some(store), Ok(name)) = (&leg.store, order_name(&leg.order)) {
            let command = Command::Pay {
                order: name,
                tenders: of_leg(&tenders),
            };
            api.worker
                .command(Some(&store_name(store)?), command)
                .await?;
        }
    }
    let command = Command::Pay {
        order: id.clone(),
        tenders,
    };
    match api.worker.command(Some(&store), command).await? {
        Outcome::Done => {}
        other => return Err(problem_of(other, &store)),
    }
    let (store, order, legs) = held(&api, (&channel, &id)).await?;
    Ok(Json(OrderRow::of(&store, &order, legs)))
}

/// Payments of a leg: the state of the whole order's, and no amount, which would count twice.
pub(crate) fn of_leg(tenders: &[Tender]) -> Vec<Tender> {
    let tender = |it: &Tender| Tender {
        amount: Money::ZERO,
        ..it.clone()
    };
    tenders.iter().map(tender).collect()
}

/// The order of a channel's number, for the pickup name.
pub(super) async fn placed(
    api: &Api,
    channel: &str,
    order: &str,
) -> Result<(StoreId, OrderId), Problem> {
    let (channel, id) = names(channel, order)?;
    let (store, order, _) = held(api, (&channel, &id)).await?;
    Ok((store, order.id))
}
