//! The catalogue over HTTP: import, changes since a revision, and the file that PCs download.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use shelf_stock::item::Item;
use utoipa::{IntoParams, ToSchema};

use super::file::{Served, hex};
use super::{Api, Problem, page_rows, query};
use crate::catalogue::import::{self, IMPORT_BYTES_MAX, Import, ImportError};
use crate::catalogue::snapshot;
use crate::catalogue::table::ImportReport;

/// How an import is meant.
#[derive(Debug, Deserialize, IntoParams)]
pub(super) struct ImportQuery {
    /// Say what the import would do, and do nothing.
    #[serde(default)]
    dry_run: bool,
}

/// Puts items into the catalogue: new ones, and changes of existing ones. Rows that can't be used
/// are reported with their line; all others go in as one new revision. A body is CSV with the
/// columns `gtin,name,unit_price` (and optionally `item,unit,group,quick_key`) or a JSON array of
/// objects with these fields (and optionally `codes`, `kind`, `returns_to`).
#[utoipa::path(post, path = "/api/v1/catalogue", tag = "catalogue", params(ImportQuery),
    request_body(content(
        (String = "text/csv", example = "gtin,name,unit_price\n9520000000011,Boombox,16.98\n"),
        (Vec<Object> = "application/json",
            example = json!([{"gtin": "9520000000011", "name": "Boombox", "unit_price": "16.98"}])),
    )),
    responses(
        (status = 200, description = "what was done", body = ImportReport),
        (status = 413, description = "too large", body = Problem,
            content_type = "application/problem+json"),
        (status = 415, description = "neither CSV nor JSON", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "not readable as a whole", body = Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn import(
    State(api): State<Api>,
    asked: Result<Query<ImportQuery>, QueryRejection>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<ImportReport>, Problem> {
    let asked = query(asked)?;
    let body = body.map_err(|rejection| {
        Problem::too_large(
            rejection.body_text(),
            format!("an import has at most {IMPORT_BYTES_MAX} bytes: split it"),
        )
    })?;
    let reader = reader(&headers)?;
    let read = tokio::task::spawn_blocking(move || match std::str::from_utf8(&body) {
        Ok(text) => reader(text).map_err(|it| it.to_string()),
        Err(error) => Err(format!("the import is not UTF-8 text: {error}")),
    });
    let import = match read.await {
        Ok(Ok(import)) => import,
        Ok(Err(problem)) => {
            return Err(Problem::unusable(
                problem,
                "nothing was imported; see /openapi.json",
            ));
        }
        Err(_) => {
            return Err(Problem::unavailable(
                "the import was interrupted",
                "try again",
            ));
        }
    };
    let report = api.worker.import(import, asked.dry_run).await?;
    if !asked.dry_run
        && let Err(error) = api.publisher.publish().await
    {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "the catalogue's file could not be made; it is tried again"
        );
    }
    Ok(Json(report))
}

type Reader = fn(&str) -> Result<Import, ImportError>;

fn reader(headers: &HeaderMap) -> Result<Reader, Problem> {
    let given = headers
        .get(header::CONTENT_TYPE)
        .and_then(|it| it.to_str().ok());
    let kind = given
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim();
    match kind {
        "text/csv" => Ok(import::csv),
        "application/json" => Ok(import::json),
        _ => Err(Problem::media_type(
            format!("the content type is `{kind}`"),
            "send `Content-Type: text/csv` or `application/json`",
        )),
    }
}

/// Which part of the catalogue.
#[derive(Debug, Deserialize, IntoParams)]
pub(super) struct CatalogueQuery {
    /// Only items changed after this revision.
    #[serde(default)]
    since: u64,
    /// The `next` of the page before.
    after: Option<String>,
    /// At most so many rows (1 to 1000).
    limit: Option<usize>,
}

/// A page of the catalogue.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CataloguePage {
    /// The catalogue's current revision.
    revision: u64,
    /// Items in the order in which they changed.
    items: Vec<CatalogueEntry>,
    /// Ask with this as `after` for more; absent on the last page.
    next: Option<String>,
}

/// An item with the revision that last changed it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CatalogueEntry {
    /// The revision that last changed it.
    revision: u64,
    /// The item: `id`, `name`, `unit`, `kind`, `price` (minor units), `codes`, `group`,
    /// `returns_to`, `quick_key`.
    #[schema(value_type = Object)]
    item: Item,
}

/// Items changed after a revision.
#[utoipa::path(get, path = "/api/v1/catalogue", tag = "catalogue", params(CatalogueQuery),
    responses(
        (status = 200, description = "a page", body = CataloguePage),
        (status = 400, description = "a parameter is wrong", body = Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn page(
    State(api): State<Api>,
    asked: Result<Query<CatalogueQuery>, QueryRejection>,
) -> Result<Json<CataloguePage>, Problem> {
    let asked = query(asked)?;
    let limit = page_rows(asked.limit);
    let after = match &asked.after {
        None => None,
        Some(cursor) => {
            let parts = cursor.split_once('~');
            let read = parts.and_then(|(rev, item)| Some((rev.parse().ok()?, item.to_owned())));
            Some(read.ok_or_else(|| {
                Problem::bad_request(
                    format!("`after` is `{cursor}`, which no page gave as `next`"),
                    "leave it out for the first page",
                )
            })?)
        }
    };
    let page = api.readers.query(move |view| {
        let after = after
            .as_ref()
            .map(|(revision, item): &(u64, String)| (*revision, item.as_str()));
        let mut entries = view.catalogue_entries(asked.since, after, limit + 1)?;
        let more = entries.len() > limit;
        entries.truncate(limit);
        let next = entries.last().filter(|_| more);
        Ok(CataloguePage {
            revision: view.catalogue_revision()?,
            next: next.map(|it| format!("{}~{}", it.revision, it.item.id)),
            items: entries
                .into_iter()
                .map(|it| CatalogueEntry {
                    revision: it.revision,
                    item: it.item,
                })
                .collect(),
        })
    });
    Ok(Json(page.await?))
}

/// The file of a revision: zstd over JSON lines, the first of them
/// `{"format":1,"revision":N,"items":M}`. Its `ETag` is the SHA-256 of the whole file, the same
/// that the broker's hint carries. A `Range` of bytes resumes a download.
#[utoipa::path(get, path = "/catalogue/{revision}", tag = "catalogue",
    params(("revision" = u64, Path, description = "which revision")),
    responses(
        (status = 200, description = "the file", body = String, content_type = "application/zstd"),
        (status = 206, description = "a part of it", body = String,
            content_type = "application/zstd"),
        (status = 304, description = "you have it"),
        (status = 404, description = "not, or no longer, here", body = Problem,
            content_type = "application/problem+json"),
        (status = 416, description = "beyond its end", body = Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn file(
    State(api): State<Api>,
    Path(revision): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let missing = || {
        Problem::not_found(
            format!("there is no file of the catalogue's revision `{revision}`"),
            "ask /api/v1/catalogue for the current revision",
        )
    };
    let number: u64 = revision.parse().map_err(|_| missing())?;
    let published = api.readers.query(move |view| view.published(Some(number)));
    let published = published.await?.ok_or_else(missing)?;
    if !snapshot::is_there(&api.snapshots, number) {
        // Another worker published it, or the file was lost: it is made again if it is the newest.
        if let Err(error) = api.publisher.publish().await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(
                error,
                revision = number,
                "the catalogue's file can't be made again"
            );
        }
    }
    let file = Served {
        path: snapshot::path(&api.snapshots, number),
        bytes: published.bytes,
        sha256: hex(&published.sha256),
        kind: "application/zstd",
    };
    file.answer(&headers).await?.ok_or_else(missing)
}
