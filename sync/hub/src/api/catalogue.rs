//! The catalogue over HTTP: import, changes since a revision, and the file that PCs download.

use std::io::{Read, Seek, SeekFrom};

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use shelf_stock::item::Item;
use utoipa::{IntoParams, ToSchema};

use super::{Api, Problem, page_rows, query};
use crate::catalogue::import::{self, IMPORT_BYTES_MAX, Import, ImportError};
use crate::catalogue::snapshot;
use crate::catalogue::table::ImportReport;
use crate::platform;

/// Bytes of one answer to a `Range` request; a longer range is answered with its beginning.
const RANGE_BYTES_MAX: u64 = 8 * 1024 * 1024;

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
    let path = snapshot::path(&api.snapshots, number);
    let etag = format!("\"{}\"", hex(&published.sha256));
    let text = |name| headers.get(name).and_then(|it| it.to_str().ok());
    let common = [
        (header::ETAG, etag.clone()),
        (header::CONTENT_TYPE, "application/zstd".to_owned()),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
        (
            header::CACHE_CONTROL,
            "private, max-age=31536000, immutable".to_owned(),
        ),
    ];
    if text(header::IF_NONE_MATCH).is_some_and(|it| it.contains(&etag)) {
        return Ok((StatusCode::NOT_MODIFIED, common).into_response());
    }
    let resumable = text(header::IF_RANGE).is_none_or(|it| it == etag);
    let range = text(header::RANGE).filter(|_| resumable);
    let part = match range.and_then(|it| byte_range(it, published.bytes)) {
        Some(Ok(part)) => Some(part),
        Some(Err(())) => {
            let size = format!("bytes */{}", published.bytes);
            let problem = Problem::range(format!("the file has {} bytes", published.bytes));
            return Ok(([(header::CONTENT_RANGE, size)], problem).into_response());
        }
        None => None,
    };
    let (first, length) = part.unwrap_or((0, published.bytes));
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
    let read = tokio::task::spawn_blocking(move || read_part(&path, first, length));
    let Ok(Ok(content)) = read.await else {
        return Err(missing());
    };
    if part.is_none() {
        return Ok((StatusCode::OK, common, Body::from(content)).into_response());
    }
    let last = first + length - 1;
    let place = [(
        header::CONTENT_RANGE,
        format!("bytes {first}-{last}/{}", published.bytes),
    )];
    Ok((
        StatusCode::PARTIAL_CONTENT,
        common,
        place,
        Body::from(content),
    )
        .into_response())
}

fn read_part(path: &std::path::Path, first: u64, length: u64) -> std::io::Result<Vec<u8>> {
    let mut file = platform::open(path).map_err(std::io::Error::other)?;
    file.seek(SeekFrom::Start(first))?;
    let mut content = Vec::new();
    file.take(length).read_to_end(&mut content)?;
    match u64::try_from(content.len()) {
        Ok(read) if read == length => Ok(content),
        _ => Err(std::io::ErrorKind::UnexpectedEof.into()),
    }
}

/// First byte and length of one range; `None` where the header is not understood and the whole
/// is sent, `Err` where the range is beyond the end.
fn byte_range(header: &str, size: u64) -> Option<Result<(u64, u64), ()>> {
    let (first, last) = header.strip_prefix("bytes=")?.split_once('-')?;
    let (first, last) = match (first, last) {
        ("", suffix) => (
            size.saturating_sub(suffix.parse().ok()?),
            size.checked_sub(1)?,
        ),
        (first, "") => (first.parse().ok()?, size.checked_sub(1)?),
        (first, last) => (first.parse().ok()?, last.parse::<u64>().ok()?.min(size - 1)),
    };
    if first >= size {
        return Some(Err(()));
    }
    let length = (last.checked_sub(first)? + 1).min(RANGE_BYTES_MAX);
    Some(Ok((first, length)))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byte_ranges() {
        for (header, expected) in [
            ("bytes=0-", Some(Ok((0, 10)))),
            ("bytes=3-5", Some(Ok((3, 3)))),
            ("bytes=3-99", Some(Ok((3, 7)))),
            ("bytes=-4", Some(Ok((6, 4)))),
            ("bytes=10-", Some(Err(()))),
            ("bytes=5-3", None),
            ("bytes=0-1,3-4", None),
            ("lines=0-1", None),
        ] {
            assert_eq!(byte_range(header, 10), expected, "{header}");
        }
    }
}
