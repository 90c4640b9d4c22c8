//! What somebody should look at: a store's orders, contradictions, compensations and recovery.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use shelf_replica::hub::{Hub, Recovery, troubles};
use shelf_replica::orders::{self, Cause, Compensation, Remedy};
use shelf_stock::identity::NodeId;
use shelf_stock::name::{OrderId, StoreId};
use utoipa::{IntoParams, ToSchema};

use super::order::{self, OrderRow};
use super::{Api, PAGE_ROWS_MAX, Problem, body, page_rows, query, store};
use crate::orders::{Command, Outcome, possible};
use crate::storage::{StoreKey, View};

/// Which orders.
#[derive(Debug, Deserialize, IntoParams)]
pub(super) struct OrdersQuery {
    /// The `next` of the page before.
    after: Option<String>,
    /// Only those that are not at an end.
    #[serde(default)]
    open: bool,
    /// At most so many rows (1 to 1000); with `open` a page may have fewer and still a `next`.
    limit: Option<usize>,
}

/// A page of a store's orders, by number.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OrderPage {
    store: String,
    orders: Vec<OrderRow>,
    /// Ask with this as `after` for more; absent on the last page.
    next: Option<String>,
}

/// What somebody should look at.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Exceptions {
    store: String,
    /// Orders and goods that contradict each other.
    orders: Vec<OrderException>,
    /// What the store's documents leave open.
    documents: Vec<DocumentException>,
}

/// An order and goods that contradict each other.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OrderException {
    order: String,
    /// `handed_over_after_end`, `picked_after_end`, `handed_over_again`,
    /// `handed_over_less` or `sold_unasked`.
    what: &'static str,
    /// What to do.
    hint: &'static str,
    /// The PC whose people should do it.
    owner: Option<String>,
}

/// Something that documents leave open.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DocumentException {
    /// In words.
    what: String,
}

/// Units that could not be delivered.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Compensations {
    store: String,
    compensations: Vec<CompensationRow>,
}

/// One record: whose units, why, and what was done.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CompensationRow {
    order: String,
    item: String,
    /// In thousandths.
    quantity_thousandths: i64,
    /// `floor_overdraft`, `shrink` or `count`.
    cause: &'static str,
    /// `cancelled`, `other_store` or `substitute`.
    remedy: &'static str,
    /// When, by the hub's clock.
    at_wall: i64,
}

/// What a restored hub still has to learn before it sells.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RecoveryRow {
    /// Whether it sells.
    sells: bool,
    /// The granting PC hasn't told all of its rows.
    rights_missing: bool,
    /// The store hasn't given the orders that it knows.
    orders_missing: bool,
    /// These channels haven't given theirs: place them again, then say `reconciled`.
    channels_missing: Vec<String>,
}

/// Which stores a channel is done with.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct ReconciledBody {
    /// These; empty: every store that it sells from.
    #[serde(default)]
    stores: Vec<String>,
}

/// The PC that does an order.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct OwnerBody {
    /// Its identity, as /nodes lists them.
    node: String,
}

/// A store's orders, page by page.
#[utoipa::path(get, path = "/api/v1/stores/{store}/orders", tag = "orders",
    params(("store" = String, Path, description = "the store's name"), OrdersQuery),
    responses(
        (status = 200, description = "a page", body = OrderPage),
        (status = 404, description = "no such store", body = Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn page(
    State(api): State<Api>,
    Path(name): Path<String>,
    asked: Result<Query<OrdersQuery>, QueryRejection>,
) -> Result<Json<OrderPage>, Problem> {
    let asked = query(asked)?;
    let limit = page_rows(asked.limit);
    let place = order::store_name(&name)?;
    let after = asked.after.as_ref().map(OrderId::new).transpose();
    let after = after.map_err(|error| {
        Problem::bad_request(
            format!("`after`: {error}"),
            "leave it out for the first page",
        )
    })?;
    let found = store::of_store(&api, &name, move |view, key| {
        orders::listed(&*view.shop(key), after.as_ref(), limit + 1)
    });
    let mut found = found.await?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found
        .last()
        .filter(|_| more)
        .map(|it| it.order.id.to_string());
    let wanted = found
        .iter()
        .filter(|it| !asked.open || !it.order.state.is_end());
    Ok(Json(OrderPage {
        store: name,
        orders: wanted
            .map(|it| OrderRow::of(&place, &it.order, Vec::new()))
            .collect(),
        next,
    }))
}

/// What somebody should look at in a store.
#[utoipa::path(get, path = "/api/v1/stores/{store}/exceptions", tag = "orders",
    params(("store" = String, Path, description = "the store's name")),
    responses(
        (status = 200, description = "the exceptions", body = Exceptions),
        (status = 404, description = "no such store", body = Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn exceptions(
    State(api): State<Api>,
    Path(name): Path<String>,
) -> Result<Json<Exceptions>, Problem> {
    let read = |view: &dyn View, key: StoreKey| {
        let shop = view.shop(key);
        let mut found = Vec::new();
        for (order, trouble) in troubles(&*shop, PAGE_ROWS_MAX)? {
            let held = orders::StoredOrder::load(&*shop, &order)?;
            let owner = held.and_then(|it| it.order.owner);
            found.push(OrderException {
                order: order.to_string(),
                what: trouble.word(),
                hint: hint(trouble.word()),
                owner: owner.map(|it| it.to_string()),
            });
        }
        let documents = view.exceptions(key)?;
        Ok((found, documents))
    };
    let (orders, documents) = store::of_store(&api, &name, read).await?;
    let document = |it: &shelf_stock::fold::Exception| DocumentException {
        what: format!("{it:?}"),
    };
    Ok(Json(Exceptions {
        store: name,
        orders,
        documents: documents.iter().take(PAGE_ROWS_MAX).map(document).collect(),
    }))
}

fn hint(what: &str) -> &'static str {
    match what {
        "handed_over_after_end" => {
            "the customer has goods of an ended order: collect them, or take the money again"
        }
        "picked_after_end" => "goods of an ended order wait in staging: put them back",
        "handed_over_again" => "the order was handed over twice: find out who has the second",
        "handed_over_less" => {
            "the order was changed while it was handed over: ask the customer what is missing"
        }
        _ => "the marketplace sold more than it was shown: deliver it or cancel it there",
    }
}

/// Units that could not be delivered, each with its cause and what was done.
#[utoipa::path(get, path = "/api/v1/stores/{store}/compensations", tag = "orders",
    params(("store" = String, Path, description = "the store's name")),
    responses(
        (status = 200, description = "the records", body = Compensations),
        (status = 404, description = "no such store", body = Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn compensations(
    State(api): State<Api>,
    Path(name): Path<String>,
) -> Result<Json<Compensations>, Problem> {
    let read = |view: &dyn View, key| orders::compensations(&*view.shop(key), PAGE_ROWS_MAX);
    let found = store::of_store(&api, &name, read).await?;
    let row = |it: &Compensation| CompensationRow {
        order: it.order.to_string(),
        item: it.item.to_string(),
        quantity_thousandths: it.quantity.as_thousandths(),
        cause: match it.cause {
            Cause::FloorOverdraft => "floor_overdraft",
            Cause::Shrink => "shrink",
            Cause::Count => "count",
        },
        remedy: match it.remedy {
            Remedy::Cancelled => "cancelled",
            Remedy::OtherStore => "other_store",
            Remedy::Substitute => "substitute",
        },
        at_wall: it.at.as_millis(),
    };
    Ok(Json(Compensations {
        store: name,
        compensations: found.iter().map(row).collect(),
    }))
}

/// What a restored hub still has to learn of a store.
#[utoipa::path(get, path = "/api/v1/stores/{store}/recovery", tag = "orders",
    params(("store" = String, Path, description = "the store's name")),
    responses(
        (status = 200, description = "what is missing", body = RecoveryRow),
        (status = 404, description = "no such store", body = Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn recovery(
    State(api): State<Api>,
    Path(name): Path<String>,
) -> Result<Json<RecoveryRow>, Problem> {
    let read = |view: &dyn View, key| Hub::recovery(&*view.shop(key));
    let missing: Option<Recovery> = store::of_store(&api, &name, read).await?;
    let channels = missing.iter().flat_map(|it| &it.channels_missing);
    Ok(Json(RecoveryRow {
        sells: missing.is_none(),
        rights_missing: missing.as_ref().is_some_and(|it| it.rights_missing),
        orders_missing: missing.as_ref().is_some_and(|it| it.orders_missing),
        channels_missing: channels.map(ToString::to_string).collect(),
    }))
}

/// A channel has placed again every order of the time that a restored hub lost.
#[utoipa::path(post, path = "/api/v1/channels/{channel}/reconciled", tag = "channels",
    params(("channel" = String, Path, description = "the channel's name")),
    request_body = ReconciledBody,
    responses(
        (status = 204, description = "noted"),
        (status = 422, description = "not readable", body = Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn reconciled(
    State(api): State<Api>,
    Path(channel): Path<String>,
    given: Result<Json<ReconciledBody>, JsonRejection>,
) -> Result<StatusCode, Problem> {
    let channel = order::channel_name(&channel)?;
    let named = body(given)?.stores;
    let mut stores: Vec<StoreId> = named
        .iter()
        .map(|it| order::store_name(it))
        .collect::<Result<_, _>>()?;
    if stores.is_empty() {
        let (tenant, of) = (api.tenant.clone(), channel.clone());
        let serving = api
            .readers
            .query(move |view| possible::serving(view, tenant.as_str(), &of, &[]));
        stores = serving.await?.into_iter().map(|(name, _)| name).collect();
    }
    for store in &stores {
        let command = Command::Reconciled(channel.clone());
        api.worker.command(Some(store), command).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Gives an order to another PC of its store.
#[utoipa::path(put, path = "/api/v1/channels/{channel}/orders/{order}/owner", tag = "orders",
    params(
        ("channel" = String, Path, description = "the channel's name"),
        ("order" = String, Path, description = "the channel's number of the order"),
    ),
    request_body = OwnerBody,
    responses(
        (status = 204, description = "it is that PC's"),
        (status = 404, description = "no such order or PC", body = Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn assign(
    State(api): State<Api>,
    Path((channel, number)): Path<(String, String)>,
    given: Result<Json<OwnerBody>, JsonRejection>,
) -> Result<StatusCode, Problem> {
    let node = body(given)?.node;
    let owner: NodeId = node.parse().map_err(|error| {
        Problem::unusable(format!("`node`: {error}"), "name a PC as /nodes lists them")
    })?;
    let (place, order) = order::placed(&api, &channel, &number).await?;
    let seen = store::of_store(&api, place.as_str(), |view, key| view.seen(key)).await?;
    let is_known = seen.iter().any(|(it, _)| *it == owner);
    let command = Command::Assign { order, owner };
    if is_known && api.worker.command(Some(&place), command).await? == Outcome::Done {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Problem::not_found(
        format!("`{place}` has no PC `{node}`"),
        "its PCs are listed at /api/v1/stores/{store}/nodes",
    ))
}
