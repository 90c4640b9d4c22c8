//! What a store has, item by item, as folded from its documents.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Api, Problem, page_rows, query, store};
use crate::storage::{StockPage as Asked, StorageError, StoreKey, View};

/// Which items.
#[derive(Debug, Deserialize, IntoParams)]
pub(super) struct StockQuery {
    /// Only items whose number or name contains this.
    search: Option<String>,
    /// The `next` of the page before.
    after: Option<String>,
    /// At most so many rows (1 to 1000).
    limit: Option<usize>,
}

/// A page of a store's stock, by item number.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StockPage {
    store: String,
    items: Vec<StockRow>,
    /// Ask with this as `after` for more; absent on the last page.
    next: Option<String>,
}

/// An item's stock.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StockRow {
    /// The item's number.
    item: String,
    /// Its name, where the catalogue has it.
    name: Option<String>,
    /// What is physically owed to be in the store: floor, back room and staging; thousandths.
    book_thousandths: i64,
    /// Its balance at every location that is not zero; thousandths. They add up to zero.
    locations: BTreeMap<String, i64>,
}

/// A store's stock, page by page.
#[utoipa::path(get, path = "/api/v1/stores/{store}/stock", tag = "stores",
    params(("store" = String, Path, description = "the store's name"), StockQuery),
    responses(
        (status = 200, description = "a page", body = StockPage),
        (status = 400, description = "a parameter is wrong", body = Problem,
            content_type = "application/problem+json"),
        (status = 404, description = "no such store", body = Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn page(
    State(api): State<Api>,
    Path(name): Path<String>,
    asked: Result<Query<StockQuery>, QueryRejection>,
) -> Result<Json<StockPage>, Problem> {
    let asked = query(asked)?;
    let limit = page_rows(asked.limit);
    let rows = store::of_store(&api, &name, move |view, store| {
        let page = Asked {
            search: asked.search.as_deref().filter(|it| !it.is_empty()),
            after: asked.after.as_deref().unwrap_or_default(),
            limit: limit + 1,
        };
        let found = view.stock_items(store, page)?;
        found.into_iter().map(|it| row(view, store, it)).collect()
    });
    let mut items: Vec<StockRow> = rows.await?;
    let more = items.len() > limit;
    items.truncate(limit);
    Ok(Json(StockPage {
        store: name,
        next: items.last().filter(|_| more).map(|it| it.item.clone()),
        items,
    }))
}

/// One item's stock.
#[utoipa::path(get, path = "/api/v1/stores/{store}/stock/{item}", tag = "stores",
    params(
        ("store" = String, Path, description = "the store's name"),
        ("item" = String, Path, description = "the item's number"),
    ),
    responses(
        (status = 200, description = "its stock", body = StockRow),
        (status = 404, description = "no such store or item", body = Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn one(
    State(api): State<Api>,
    Path((name, item)): Path<(String, String)>,
) -> Result<Json<StockRow>, Problem> {
    let wanted = item.clone();
    let found = store::of_store(&api, &name, move |view, store| {
        let row = row(view, store, wanted)?;
        Ok(Some(row).filter(|it| it.name.is_some() || !it.locations.is_empty()))
    });
    let row = found.await?.ok_or_else(|| {
        Problem::not_found(
            format!("neither the catalogue nor a document of `{name}` names an item `{item}`"),
            "items are numbered by the retailer, usually by the GTIN in 14 digits",
        )
    })?;
    Ok(Json(row))
}

fn row(view: &dyn View, store: StoreKey, item: String) -> Result<StockRow, StorageError> {
    let mut locations = BTreeMap::new();
    let mut book_thousandths = 0_i64;
    for (location, quantity) in view.balances(store, &item)? {
        let quantity = quantity.as_thousandths();
        if location.is_book() {
            book_thousandths = book_thousandths.saturating_add(quantity);
        }
        locations.insert(location.to_string(), quantity);
    }
    Ok(StockRow {
        name: view.item_name(&item)?,
        item,
        book_thousandths,
        locations,
    })
}
