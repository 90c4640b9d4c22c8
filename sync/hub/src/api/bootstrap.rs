//! A store's documents as files, for a PC that is new or was away for long.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::file::{Served, hex};
use super::{Api, Problem};
use crate::bootstrap::list::{FORMAT, Part};
use crate::bootstrap::maker::{MakeError, Told};

/// What a store has in files.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Bootstrap {
    /// The format of the parts: 1 is frames, each with its length before it in four bytes, highest
    /// first; each frame is a `LogBatch` with its author's name and signature.
    format: u32,
    /// The store.
    store: String,
    /// SHA-256 over the public keys of the store's PCs, in order.
    roster_sha256: String,
    /// What the hub has of each log.
    logs: Vec<Log>,
    /// Whether there are no more parts to be made: ask again where not.
    complete: bool,
    /// The files. What `logs` has beyond them comes over the broker.
    parts: Vec<BootstrapPart>,
}

/// A log.
#[derive(Debug, Serialize, ToSchema)]
struct Log {
    /// The author.
    node: String,
    /// The author's incarnation.
    incarnation: String,
    /// The hub has it up to this number.
    upto: u64,
}

/// A file.
#[derive(Debug, Serialize, ToSchema)]
struct BootstrapPart {
    /// Its number, which is never given to another.
    number: u64,
    /// The author of its documents.
    node: String,
    /// The author's incarnation.
    incarnation: String,
    /// Its first document.
    first: u64,
    /// Its last document.
    last: u64,
    /// Its size.
    bytes: u64,
    /// SHA-256 of it.
    sha256: String,
}

/// The list of a store's documents as files. Parts that are lacking are made first, as many as one
/// request may wait for.
#[utoipa::path(get, path = "/api/v1/stores/{store}/bootstrap", tag = "stores",
    params(("store" = String, Path, description = "the store's name")),
    responses(
        (status = 200, description = "the list", body = Bootstrap),
        (status = 404, description = "no such store", body = Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn list(
    State(api): State<Api>,
    Path(store): Path<String>,
) -> Result<Json<Bootstrap>, Problem> {
    let told = api.bootstrap.list(&store).await.map_err(|it| failed(&it))?;
    let told = told.ok_or_else(|| no_store(&store))?;
    Ok(Json(described(store, told)))
}

/// One part. Its `ETag` is its SHA-256; a `Range` of bytes resumes a download.
#[utoipa::path(get, path = "/api/v1/stores/{store}/bootstrap/{part}", tag = "stores",
    params(
        ("store" = String, Path, description = "the store's name"),
        ("part" = u64, Path, description = "the part's number"),
    ),
    responses(
        (status = 200, description = "the part", body = String,
            content_type = "application/octet-stream"),
        (status = 206, description = "some of it", body = String,
            content_type = "application/octet-stream"),
        (status = 304, description = "you have it"),
        (status = 404, description = "not, or no longer, here", body = Problem,
            content_type = "application/problem+json"),
        (status = 416, description = "beyond its end", body = Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn part(
    State(api): State<Api>,
    Path((store, number)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let missing = || {
        Problem::not_found(
            format!("`{store}` has no part `{number}`"),
            "ask /api/v1/stores/{store}/bootstrap for the parts that there are",
        )
    };
    let asked: u64 = number.parse().map_err(|_| missing())?;
    let found = api.bootstrap.part(&store, asked).await;
    let found = found.map_err(|it| failed(&it))?;
    let (part, path) = found.ok_or_else(missing)?;
    let file = Served {
        path,
        bytes: part.bytes,
        sha256: part.sha256,
        kind: "application/octet-stream",
    };
    file.answer(&headers).await?.ok_or_else(missing)
}

fn described(store: String, told: Told) -> Bootstrap {
    let log = |it: &shelf_replica::store::LogState| Log {
        node: it.log.node.to_string(),
        incarnation: format!("{:016x}", it.log.incarnation.0),
        upto: it.upto.0,
    };
    let part = |it: Part| BootstrapPart {
        number: it.number,
        node: it.node,
        incarnation: it.incarnation,
        first: it.first,
        last: it.last,
        bytes: it.bytes,
        sha256: it.sha256,
    };
    Bootstrap {
        format: FORMAT,
        store,
        roster_sha256: hex(&told.roster_sha256),
        logs: told.logs.iter().map(log).collect(),
        complete: told.complete,
        parts: told.parts.into_iter().map(part).collect(),
    }
}

fn no_store(store: &str) -> Problem {
    Problem::not_found(
        format!("no PC of a store `{store}` was ever heard"),
        "the known stores are listed at /api/v1/stores",
    )
}

fn failed(error: &MakeError) -> Problem {
    tracing::warn!(
        error = error as &dyn std::error::Error,
        "files of a store's documents"
    );
    Problem::unavailable(
        error.to_string(),
        "try again; meanwhile documents come over the broker",
    )
}
