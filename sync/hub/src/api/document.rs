//! The documents of a store, log by log.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use serde::{Deserialize, Serialize};
use shelf_stock::document::Document;
use shelf_stock::identity::NodeId;
use shelf_wire::sealed::{Authored, Sealed};
use utoipa::{IntoParams, ToSchema};

use super::{Api, Problem, page_rows, query, store};
use crate::storage::StoredDocument;

/// Which documents.
#[derive(Debug, Deserialize, IntoParams)]
pub(super) struct DocumentQuery {
    /// Only those of this PC.
    node: Option<String>,
    /// The `next` of the page before.
    after: Option<i64>,
    /// At most so many rows (1 to 1000).
    limit: Option<usize>,
}

/// A page of a store's documents: log by log, each log in order. A pass from the first page to
/// the last sees everything that was stored before it began.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DocumentPage {
    store: String,
    documents: Vec<DocumentRow>,
    /// Ask with this as `after` for more; absent on the last page.
    next: Option<i64>,
}

/// A document with its identity.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DocumentRow {
    /// `node.incarnation.seq`.
    id: String,
    /// The author.
    node: String,
    /// SHA-256 of the author's bytes.
    digest: String,
    /// The document: `place`, `prev`, `hlc`, `wall`, `kind`, `lines`, `tenders`, `till`, `source`…
    /// Absent where this version can't read it; it is stored and relayed all the same.
    #[schema(value_type = Option<Object>)]
    document: Option<Document>,
}

/// A store's documents, page by page.
#[utoipa::path(get, path = "/api/v1/stores/{store}/documents", tag = "stores",
    params(("store" = String, Path, description = "the store's name"), DocumentQuery),
    responses(
        (status = 200, description = "a page", body = DocumentPage),
        (status = 400, description = "a parameter is wrong", body = Problem,
            content_type = "application/problem+json"),
        (status = 404, description = "no such store", body = Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn page(
    State(api): State<Api>,
    Path(name): Path<String>,
    asked: Result<Query<DocumentQuery>, QueryRejection>,
) -> Result<Json<DocumentPage>, Problem> {
    let asked = query(asked)?;
    let limit = page_rows(asked.limit);
    let node: Option<NodeId> = match &asked.node {
        None => None,
        Some(text) => Some(text.parse().map_err(|error| {
            Problem::bad_request(
                format!("`node` is wrong: {error}"),
                "a PC's identity is 32 hex digits, as /nodes lists them",
            )
        })?),
    };
    let after = asked.after.unwrap_or(0);
    let found = store::of_store(&api, &name, move |view, store| {
        view.documents(store, node, after, limit + 1)
    });
    let mut found = found.await?;
    let more = found.len() > limit;
    found.truncate(limit);
    Ok(Json(DocumentPage {
        store: name,
        next: found.last().filter(|_| more).map(|it| it.key),
        documents: found.into_iter().map(row).collect(),
    }))
}

fn row(stored: StoredDocument) -> DocumentRow {
    let place = Sealed::read(stored.bytes.as_slice()).map(|it| it.place().to_string());
    DocumentRow {
        id: place.unwrap_or_default(),
        node: stored.node.to_string(),
        digest: stored.digest.to_string(),
        document: Authored::read(stored.bytes)
            .ok()
            .map(Authored::into_document),
    }
}
