//! Status and stock as JSON: the same numbers as the pages show.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use serde::{Deserialize, Serialize};
use shelf_ledger::Stock;
use shelf_stock::item::Item;
use shelf_stock::location::Location;
use shelf_stock::name::ItemId;
use shelf_stock::quantity::Quantity;
use shelf_stock::time::Timestamp;

use super::problem::Problem;
use super::{Answer, Site};
use crate::daemon::status::Status;

/// Rows of an answer unless asked otherwise, and at most.
const ROWS_DEFAULT: usize = 50;
const ROWS_MAX: usize = 500;

/// What to look for.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Search {
    #[serde(default)]
    search: String,
    limit: Option<usize>,
}

impl Search {
    fn limit(&self) -> usize {
        self.limit.unwrap_or(ROWS_DEFAULT).min(ROWS_MAX)
    }
}

/// An item's stock as programs see it.
#[derive(Debug, Serialize)]
pub(super) struct StockRow {
    item: ItemId,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// In thousandths of the item's unit, as everywhere in the API.
    on_hand: Quantity,
    locations: Vec<Balance>,
    #[serde(skip_serializing_if = "Option::is_none")]
    catalogue: Option<Item>,
    /// When the last count that is in force was cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    counted: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
struct Balance {
    location: Location,
    quantity: Quantity,
}

#[derive(Debug, Serialize)]
pub(super) struct StockRows {
    stock: Vec<StockRow>,
}

#[derive(Debug, Serialize)]
pub(super) struct Items {
    items: Vec<Item>,
}

impl From<Stock> for StockRow {
    fn from(stock: Stock) -> Self {
        let balance = |(location, quantity)| Balance { location, quantity };
        Self {
            name: stock.catalogue.as_ref().map(|it| it.name.clone()),
            item: stock.item,
            on_hand: stock.book,
            locations: stock.balances.into_iter().map(balance).collect(),
            catalogue: stock.catalogue,
            counted: None,
        }
    }
}

/// `GET /api/v1/status`
pub(super) async fn status(State(web): Site) -> Answer<Json<Arc<Status>>> {
    Ok(Json(web.board.fresh().await?))
}

/// `GET /api/v1/stock`
pub(super) async fn search(
    State(web): Site,
    Query(search): Query<Search>,
) -> Answer<Json<StockRows>> {
    let found = web
        .read(move |ledger| ledger.stock_search(&search.search, search.limit()))
        .await?;
    Ok(Json(StockRows {
        stock: found.into_iter().map(StockRow::from).collect(),
    }))
}

/// `GET /api/v1/stock/{item}`
pub(super) async fn item(State(web): Site, Path(id): Path<String>) -> Answer<Json<StockRow>> {
    use shelf_stock::fold::FoldStore as _;
    let id = ItemId::new(id).map_err(|error| Problem::value("item", error))?;
    let name = id.clone();
    let (stock, counted) = web
        .read(move |ledger| {
            let step = ledger.tables().step_last(&id, &Location::SalesFloor)?;
            Ok((ledger.stock(&id)?, step.map(|it| it.cut.effective)))
        })
        .await?;
    if stock.catalogue.is_none() && stock.balances.is_empty() && counted.is_none() {
        return Err(Problem::missing(format!(
            "nobody ever heard of the item `{name}`"
        )));
    }
    Ok(Json(StockRow {
        counted,
        ..StockRow::from(stock)
    }))
}

/// `GET /api/v1/items`
pub(super) async fn items(State(web): Site, Query(search): Query<Search>) -> Answer<Json<Items>> {
    let items = web
        .read(move |ledger| ledger.item_search(&search.search, search.limit()))
        .await?;
    Ok(Json(Items { items }))
}
