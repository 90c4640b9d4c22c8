//! `GET /api/v1/documents`: the ledger, document by document, for whoever wants to check a number.

use axum::Json;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};
use shelf_ledger::tables::DocumentKey;
use shelf_stock::document::Document;

use super::{Answer, Site};

/// Documents of one answer, unless asked otherwise and at most.
const DOCUMENTS_DEFAULT: usize = 100;
const DOCUMENTS_MAX: usize = 500;

/// From where on.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    after: Option<i64>,
    limit: Option<usize>,
    /// Newest first instead of from the beginning.
    #[serde(default)]
    newest: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct Documents {
    documents: Vec<Document>,
    /// What to ask `after` for the documents behind these; none: these are the last.
    next: Option<i64>,
}

/// `GET /api/v1/documents`
pub(super) async fn list(State(web): Site, Query(asked): Query<Asked>) -> Answer<Json<Documents>> {
    let limit = asked
        .limit
        .unwrap_or(DOCUMENTS_DEFAULT)
        .clamp(1, DOCUMENTS_MAX);
    if asked.newest {
        let documents = web
            .read(move |ledger| ledger.recent_documents(limit))
            .await?;
        return Ok(Json(Documents {
            documents,
            next: None,
        }));
    }
    let after = asked.after.map(DocumentKey);
    let found = web
        .read(move |ledger| ledger.documents(after, limit))
        .await?;
    let next = found
        .last()
        .map(|(key, _)| key.0)
        .filter(|_| found.len() == limit);
    let documents = found.into_iter().map(|(_, it)| it).collect();
    Ok(Json(Documents { documents, next }))
}
