//! Stores and their PCs.

use axum::Json;
use axum::extract::{Path, State};
use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;
use shelf_ledger::tables::{StoreKey, TableError, Tables};
use shelf_stock::fold::Rules;
use shelf_stock::time::Timestamp;
use utoipa::ToSchema;

use super::{Api, Problem};
use crate::readers::ReadError;
use crate::seen::{self, Seen};

/// Every store that was ever heard of.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Stores {
    stores: Vec<Store>,
}

/// A store.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Store {
    /// Its name, as in the topics.
    store: String,
    /// How many PCs of it are known.
    nodes: usize,
    /// When one of them was last heard.
    last_seen: Option<i64>,
}

/// The PCs of a store.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Nodes {
    store: String,
    nodes: Vec<Node>,
}

/// A PC.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Node {
    /// Its identity.
    node: String,
    /// When it was last heard.
    last_seen: Option<i64>,
    /// Whether it said that it was being stopped.
    stopping: bool,
    /// Up to where each of its logs is stored here, newest last.
    heads: Vec<Head>,
    /// How many documents it had that the hub had not acked, by its last report.
    unsynced: Option<u64>,
    /// Wall time of the oldest of them.
    oldest_unsynced_wall: Option<i64>,
    /// The catalogue's revision that it has.
    catalogue_revision: Option<u64>,
    /// What its clock said in its last report.
    wall: Option<i64>,
    /// Its version.
    version: Option<String>,
}

/// The last document of a log that is stored here.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Head {
    /// The author's incarnation, as in document ids.
    incarnation: String,
    /// The last number.
    seq: u64,
    /// That document's SHA-256.
    digest: String,
}

/// Every store.
#[utoipa::path(get, path = "/api/v1/stores", tag = "stores",
    responses((status = 200, description = "all stores", body = Stores)))]
pub(super) async fn stores(State(api): State<Api>) -> Result<Json<Stores>, Problem> {
    let stores = api.readers.read(|connection| {
        let mut stores = Vec::new();
        for (key, _, store) in Tables::stores(connection)? {
            let nodes = read_nodes(connection, key)?;
            stores.push(Store {
                store,
                nodes: nodes.len(),
                last_seen: nodes.iter().filter_map(|it| it.last_seen).max(),
            });
        }
        Ok(stores)
    });
    let stores = stores.await?.map_err(|it: TableError| failed(&it))?;
    Ok(Json(Stores { stores }))
}

/// The PCs of a store: what is here of their logs, and what they last reported.
#[utoipa::path(get, path = "/api/v1/stores/{store}/nodes", tag = "stores",
    params(("store" = String, Path, description = "the store's name")),
    responses(
        (status = 200, description = "its PCs", body = Nodes),
        (status = 404, description = "no such store", body = Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn nodes(
    State(api): State<Api>,
    Path(store): Path<String>,
) -> Result<Json<Nodes>, Problem> {
    let nodes = of_store(&api, &store, |tables| {
        read_nodes(tables.connection(), tables.store())
    });
    Ok(Json(Nodes {
        nodes: nodes.await?,
        store,
    }))
}

fn read_nodes(connection: &Connection, key: StoreKey) -> Result<Vec<Node>, TableError> {
    let tables = Tables::new(connection, key, Rules::default());
    let mut nodes: std::collections::BTreeMap<_, Node> = std::collections::BTreeMap::new();
    for (id, seen) in seen::all(connection, key)? {
        nodes.insert(id, node(id.to_string(), seen));
    }
    for (author, id, incarnation) in tables.authors()? {
        let entry = nodes
            .entry(id)
            .or_insert_with(|| node(id.to_string(), Seen::default()));
        if let Some((head, _)) = tables.tail(author)? {
            entry.heads.push(Head {
                incarnation: format!("{:016x}", incarnation.0),
                seq: head.place.seq.0,
                digest: head.digest.to_string(),
            });
        }
    }
    Ok(nodes.into_values().collect())
}

fn node(node: String, seen: Seen) -> Node {
    Node {
        node,
        last_seen: seen.last_seen.map(Timestamp::as_millis),
        stopping: seen.stopping,
        heads: Vec::new(),
        unsynced: seen.unsynced,
        oldest_unsynced_wall: seen.oldest_unsynced_wall.map(Timestamp::as_millis),
        catalogue_revision: seen.catalogue_revision,
        wall: seen.wall.map(Timestamp::as_millis),
        version: seen.version,
    }
}

/// Reads something of a store by its name.
pub(super) async fn of_store<T: Send + 'static>(
    api: &Api,
    store: &str,
    read: impl FnOnce(&Tables<'_>) -> Result<T, TableError> + Send + 'static,
) -> Result<T, Problem> {
    let name = store.to_owned();
    let found = api.readers.read(move |connection| {
        let sql = "SELECT key FROM store WHERE name = ?1";
        let key = connection
            .prepare_cached(sql)?
            .query_row([name], |row| row.get(0).map(StoreKey))
            .optional()?;
        key.map(|key| read(&Tables::new(connection, key, Rules::default())))
            .transpose()
    });
    let found = found.await?.map_err(|it: TableError| failed(&it))?;
    found.ok_or_else(|| {
        Problem::not_found(
            format!("no PC of a store `{store}` was ever heard"),
            "the known stores are listed at /api/v1/stores",
        )
    })
}

fn failed(error: &TableError) -> Problem {
    tracing::error!(error = error as &dyn std::error::Error, "a read failed");
    Problem::from(ReadError::Stopped)
}
