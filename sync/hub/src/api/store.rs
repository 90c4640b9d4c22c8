//! Stores and their PCs.

use axum::Json;
use axum::extract::{Path, State as Of};
use axum::http::StatusCode;
use serde::Serialize;
use shelf_replica::hub::opening_hours;
use shelf_stock::hours::OpeningHours;
use shelf_stock::time::Timestamp;
use utoipa::ToSchema;

use super::{Api, Problem, order};
use crate::orders::{Command, Outcome};
use crate::presence::{Look, State};
use crate::seen::Seen;
use crate::storage::{StorageError, StoreKey, View};

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
    /// `here`, `stopped`, `closed` (silent, and the store has been closed since), `silent` or
    /// `never` (heard).
    state: &'static str,
    /// The same for people.
    words: String,
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
pub(super) async fn stores(Of(api): Of<Api>) -> Result<Json<Stores>, Problem> {
    let look = api.look();
    let stores = api.readers.query(move |view| {
        let mut stores = Vec::new();
        for row in view.stores()? {
            let nodes = read_nodes(view, row.key, look)?;
            stores.push(Store {
                store: row.name,
                nodes: nodes.len(),
                last_seen: nodes.iter().filter_map(|it| it.last_seen).max(),
            });
        }
        Ok(stores)
    });
    let stores = stores.await?;
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
    Of(api): Of<Api>,
    Path(store): Path<String>,
) -> Result<Json<Nodes>, Problem> {
    let look = api.look();
    let nodes = of_store(&api, &store, move |view, key| read_nodes(view, key, look));
    Ok(Json(Nodes {
        nodes: nodes.await?,
        store,
    }))
}

/// Admits a PC again that was kept out because two programs ran with its identity, once the copy
/// is gone or has an identity of its own.
#[utoipa::path(post, path = "/api/v1/stores/{store}/nodes/{node}/admit", tag = "stores",
    params(
        ("store" = String, Path, description = "the store's name"),
        ("node" = String, Path, description = "the PC, as /nodes lists it"),
    ),
    responses(
        (status = 204, description = "its next hello is admitted"),
        (status = 404, description = "no such store or PC", body = Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn admit(
    Of(api): Of<Api>,
    Path((name, node)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let store = order::store_name(&name)?;
    let seen = of_store(&api, &name, |view, key| view.seen(key)).await?;
    let known = seen.into_iter().find(|(id, _)| id.to_string() == node);
    let Some((id, _)) = known else {
        return Err(Problem::not_found(
            format!("`{name}` has no PC `{node}`"),
            "its PCs are listed at /api/v1/stores/{store}/nodes",
        ));
    };
    let admitted = api.worker.command(Some(&store), Command::Admit(id)).await?;
    match admitted {
        Outcome::Done => Ok(StatusCode::NO_CONTENT),
        _ => Err(Problem::not_found(
            format!("no PC of a store `{name}` was ever heard"),
            "the known stores are listed at /api/v1/stores",
        )),
    }
}

/// The hub's database was restored from a backup: nothing of the store is sold online until its PCs
/// and channels have told again what was promised.
#[utoipa::path(post, path = "/api/v1/stores/{store}/restored", tag = "orders",
    params(("store" = String, Path, description = "the store's name")),
    responses(
        (status = 204, description = "/recovery says what is missing"),
        (status = 404, description = "no such store", body = Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn restored(
    Of(api): Of<Api>,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    let store = order::store_name(&name)?;
    of_store(&api, &name, |_, _| Ok(())).await?;
    let command = api.worker.command(Some(&store), Command::Restored);
    command.await?;
    Ok(StatusCode::NO_CONTENT)
}

fn read_nodes(view: &dyn View, store: StoreKey, look: Look) -> Result<Vec<Node>, StorageError> {
    let hours = opening_hours(&*view.shop(store))?;
    let node = |name, seen| node(name, seen, hours.as_ref(), look);
    let mut nodes: std::collections::BTreeMap<_, Node> = std::collections::BTreeMap::new();
    for (id, seen) in view.seen(store)? {
        nodes.insert(id, node(id.to_string(), seen));
    }
    for (log, head) in view.tails(store)? {
        let entry = nodes
            .entry(log.node)
            .or_insert_with(|| node(log.node.to_string(), Seen::default()));
        entry.heads.push(Head {
            incarnation: format!("{:016x}", log.incarnation.0),
            seq: head.place.seq.0,
            digest: head.digest.to_string(),
        });
    }
    Ok(nodes.into_values().collect())
}

fn node(node: String, seen: Seen, hours: Option<&OpeningHours>, look: Look) -> Node {
    let state = State::of(&seen, hours, look);
    Node {
        node,
        state: state.word(),
        words: state.words(),
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
    read: impl FnOnce(&dyn View, StoreKey) -> Result<T, StorageError> + Send + 'static,
) -> Result<T, Problem> {
    let name = store.to_owned();
    let found = api.readers.query(move |view| {
        let key = view.store_named(&name)?;
        key.map(|key| read(view, key)).transpose()
    });
    found.await?.ok_or_else(|| {
        Problem::not_found(
            format!("no PC of a store `{store}` was ever heard"),
            "the known stores are listed at /api/v1/stores",
        )
    })
}
