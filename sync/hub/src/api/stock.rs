//! What a store has, item by item, as folded from its documents.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use rusqlite::{OptionalExtension, named_params};
use serde::{Deserialize, Serialize};
use shelf_ledger::tables::{TableError, Tables};
use utoipa::{IntoParams, ToSchema};

use super::{Api, Problem, page_rows, query, store};
use crate::catalogue::table;

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
    let rows = store::of_store(&api, &name, move |tables| {
        let found = items(tables, &asked, limit + 1)?;
        found
            .into_iter()
            .map(|(key, item)| row(tables, key, item))
            .collect()
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
    let found = store::of_store(&api, &name, move |tables| {
        let key = tables
            .connection()
            .prepare_cached("SELECT key FROM word WHERE text = ?1")?
            .query_row([&wanted], |row| row.get(0))
            .optional()?;
        let row = row(tables, key.unwrap_or_default(), wanted)?;
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

/// Items with a balance, by number: their keys in the store's tables and their numbers.
fn items(
    tables: &Tables<'_>,
    asked: &StockQuery,
    limit: usize,
) -> Result<Vec<(i64, String)>, TableError> {
    let pattern = asked
        .search
        .as_deref()
        .filter(|it| !it.is_empty())
        .map(|it| {
            let escaped = it
                .replace('\\', "\\\\")
                .replace('%', "\\%")
                .replace('_', "\\_");
            format!("%{escaped}%")
        });
    let mut statement = tables.connection().prepare_cached(
        r"SELECT word.key, word.text FROM word
          WHERE word.text > :after
            AND EXISTS (SELECT 1 FROM balance WHERE store = :store AND item = word.key)
            AND (:pattern IS NULL OR word.text LIKE :pattern ESCAPE '\' OR EXISTS (
                SELECT 1 FROM hub_catalogue_item
                WHERE item = word.text AND name LIKE :pattern ESCAPE '\'))
          ORDER BY word.text LIMIT :limit",
    )?;
    let rows = statement.query_map(
        named_params! {
            ":after": asked.after.as_deref().unwrap_or_default(),
            ":store": tables.store().0,
            ":pattern": pattern,
            ":limit": i64::try_from(limit).unwrap_or(i64::MAX),
        },
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn row(tables: &Tables<'_>, key: i64, item: String) -> Result<StockRow, TableError> {
    let mut statement = tables.connection().prepare_cached(
        "SELECT location, quantity FROM balance WHERE store = ?1 AND item = ?2 AND quantity <> 0",
    )?;
    let rows = statement.query_map([tables.store().0, key], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    let mut locations = BTreeMap::new();
    let mut book_thousandths = 0_i64;
    for found in rows {
        let (location, quantity): (i64, i64) = found?;
        let location = tables.location_of(location)?;
        if location.is_book() {
            book_thousandths = book_thousandths.saturating_add(quantity);
        }
        locations.insert(location.to_string(), quantity);
    }
    Ok(StockRow {
        name: table::name(tables.connection(), &item)?,
        item,
        book_thousandths,
        locations,
    })
}
