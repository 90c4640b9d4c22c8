//! What a channel is shown, item by item, and why.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use serde::{Deserialize, Serialize};
use shelf_replica::Now;
use shelf_replica::hub::Level;
use shelf_stock::name::{ChannelId, ItemId, StoreId};
use utoipa::{IntoParams, ToSchema};

use super::{Api, Problem, machine_now, order, page_rows, query};
use crate::orders::possible;
use crate::storage::{StorageError, StoreKey, View};

/// Which levels.
#[derive(Debug, Deserialize, IntoParams)]
pub(super) struct LevelQuery {
    /// Only this store; needed without `item`.
    store: Option<String>,
    /// Only this item; of every store unless one is named.
    item: Option<String>,
    /// The `next` of the page before.
    after: Option<String>,
    /// At most so many rows (1 to 1000).
    limit: Option<usize>,
}

/// A page of levels.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LevelPage {
    channel: String,
    levels: Vec<LevelRow>,
    /// Ask with this as `after` for more; absent on the last page.
    next: Option<String>,
}

/// What a channel is shown of an item; quantities in thousandths.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LevelRow {
    store: String,
    item: String,
    /// What the channel is shown.
    shown_thousandths: i64,
    /// What its share of the stock above the safety stock is.
    sellable_thousandths: i64,
    /// What its quota has left: it can't sell more, whatever happens.
    quota_left_thousandths: i64,
    /// Held back because the store has not been heard of.
    haircut_thousandths: i64,
    explain: Explain,
}

/// What a level follows from; quantities in thousandths.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Explain {
    /// How the level was computed, in words.
    words: String,
    /// What the store said that it has.
    book_thousandths: i64,
    /// Ordered, known to the store and not handed over.
    reserved_thousandths: i64,
    /// Kept on the shelf for its customers.
    safety_stock_thousandths: i64,
    /// Accepted by the hub and not handed over.
    accepted_open_thousandths: i64,
    /// Units ever granted by the store.
    granted_thousandths: i64,
    /// Units ever returned to it.
    returned_thousandths: i64,
    /// Units handed over for orders.
    handed_over_thousandths: i64,
    /// How many outstanding units the store wants to allow.
    store_level_thousandths: i64,
    /// Thousandths of a unit per hour that are expected to be sold on the floor.
    demand_milli_per_hour: u64,
    /// A pick found less than the book: nothing is shown until it is counted.
    shut: bool,
    /// When the store said so, by the hub's clock.
    reported_wall: i64,
}

impl LevelRow {
    fn of(store: &StoreId, item: &ItemId, level: &Level) -> Self {
        let desk = &level.desk;
        let words = match desk.report.shut {
            true => "a pick found less than the book: count the item".to_owned(),
            false => format!(
                "the smaller of share {} and quota {}, less haircut {}",
                units(level.sellable.as_thousandths()),
                units(level.quota_left.as_thousandths()),
                units(level.haircut.as_thousandths())
            ),
        };
        Self {
            store: store.to_string(),
            item: item.to_string(),
            shown_thousandths: level.shown.as_thousandths(),
            sellable_thousandths: level.sellable.as_thousandths(),
            quota_left_thousandths: level.quota_left.as_thousandths(),
            haircut_thousandths: level.haircut.as_thousandths(),
            explain: Explain {
                words,
                book_thousandths: desk.report.book.as_thousandths(),
                reserved_thousandths: desk.report.reserved.as_thousandths(),
                safety_stock_thousandths: desk.report.safety_stock.as_thousandths(),
                accepted_open_thousandths: desk.accepted_open.as_thousandths(),
                granted_thousandths: desk.granted.as_thousandths(),
                returned_thousandths: desk.returned.as_thousandths(),
                handed_over_thousandths: desk.handed_over.as_thousandths(),
                store_level_thousandths: desk.store_level.as_thousandths(),
                demand_milli_per_hour: desk.report.demand_milli_per_hour,
                shut: desk.report.shut,
                reported_wall: desk.reported.as_millis(),
            },
        }
    }
}

fn units(thousandths: i64) -> String {
    match thousandths % 1000 {
        0 => (thousandths / 1000).to_string(),
        rest => format!("{}.{:03}", thousandths / 1000, rest.abs()),
    }
}

/// What a channel is shown.
#[utoipa::path(get, path = "/api/v1/channels/{channel}/levels", tag = "channels",
    params(("channel" = String, Path, description = "the channel's name"), LevelQuery),
    responses(
        (status = 200, description = "a page", body = LevelPage),
        (status = 400, description = "a parameter is wrong", body = Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn page(
    State(api): State<Api>,
    Path(channel): Path<String>,
    asked: Result<Query<LevelQuery>, QueryRejection>,
) -> Result<Json<LevelPage>, Problem> {
    let asked = query(asked)?;
    let channel = order::channel_name(&channel)?;
    let wanted: Vec<StoreId> = match &asked.store {
        Some(store) => vec![order::store_name(store)?],
        None => Vec::new(),
    };
    let item = |text: &String| {
        ItemId::new(text).map_err(|error| {
            Problem::bad_request(format!("an item: {error}"), "name an item's number")
        })
    };
    let after = asked.after.as_ref().map(item).transpose()?;
    let item = asked.item.as_ref().map(item).transpose()?;
    if item.is_none() && wanted.is_empty() {
        return Err(Problem::bad_request(
            "neither `store` nor `item` is given",
            "ask for all items of one store, or for one item of all stores",
        ));
    }
    let limit = page_rows(asked.limit);
    let (tenant, now, of) = (api.tenant.clone(), machine_now(&api), channel.clone());
    let read = api.readers.query(move |view| {
        let mut rows = Vec::new();
        for (store, key) in possible::serving(view, tenant.as_str(), &of, &wanted)? {
            let items = match &item {
                Some(item) => vec![item.clone()],
                None => view.shop(key).items(after.as_ref(), limit + 1)?,
            };
            rows.extend(levels(view, now, (&store, key), &of, &items)?);
        }
        let more = item.is_none() && rows.len() > limit;
        if more {
            rows.truncate(limit);
        }
        let next = rows.last().filter(|_| more).map(|it| it.item.clone());
        Ok::<_, StorageError>((rows, next))
    });
    let (levels, next) = read.await?;
    Ok(Json(LevelPage {
        channel: channel.to_string(),
        levels,
        next,
    }))
}

fn levels(
    view: &dyn View,
    now: Now,
    (store, key): (&StoreId, StoreKey),
    channel: &ChannelId,
    items: &[ItemId],
) -> Result<Vec<LevelRow>, StorageError> {
    let row = |item: &ItemId| {
        let level = possible::level(view, now, key, item, channel)?;
        Ok(LevelRow::of(store, item, &level))
    };
    items.iter().map(row).collect()
}
