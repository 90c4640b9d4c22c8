//! The inbox: reports that could not be used, until a person has decided about them.

use axum::Json;
use axum::extract::{Path, Query, State};
use serde::{Deserialize, Serialize};
use shelf_ledger::{InboxEntry, Tx};
use shelf_stock::time::Timestamp;

use super::fields::Fields;
use super::problem::Problem;
use super::{Answer, Site};

/// Entries of one answer.
const ENTRIES_MAX: usize = 200;
/// Bytes of an answer to an entry.
const ANSWER_BYTES_MAX: usize = 200;

/// From where on, and whether decided ones too.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    after: i64,
    #[serde(default)]
    all: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct Inbox {
    entries: Vec<Entry>,
}

#[derive(Debug, Serialize)]
struct Entry {
    id: i64,
    kind: String,
    key: String,
    reason: String,
    raw: String,
    at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    resolved: Option<Resolved>,
}

#[derive(Debug, Serialize)]
struct Resolved {
    at: Timestamp,
    answer: String,
}

impl From<InboxEntry> for Entry {
    fn from(entry: InboxEntry) -> Self {
        Self {
            id: entry.id,
            kind: entry.kind,
            key: entry.key,
            reason: entry.reason,
            raw: String::from_utf8_lossy(&entry.raw).into_owned(),
            at: entry.wall,
            resolved: entry.resolved.map(|(at, answer)| Resolved { at, answer }),
        }
    }
}

/// `GET /api/v1/inbox`
pub(super) async fn list(State(web): Site, Query(asked): Query<Asked>) -> Answer<Json<Inbox>> {
    let found = web
        .read(move |ledger| ledger.inbox_list(!asked.all, asked.after, ENTRIES_MAX))
        .await?;
    Ok(Json(Inbox {
        entries: found.into_iter().map(Entry::from).collect(),
    }))
}

/// `POST /api/v1/inbox/{id}/resolve`
pub(super) async fn resolve(
    State(web): Site,
    Path(id): Path<i64>,
    fields: Fields,
) -> Answer<Json<serde_json::Value>> {
    let answer = fields.text("answer").unwrap_or("done").to_owned();
    if answer.len() > ANSWER_BYTES_MAX {
        return Err(Problem::value(
            "answer",
            format!("has more than {ANSWER_BYTES_MAX} bytes"),
        ));
    }
    let job = move |tx: &mut Tx<'_>| tx.inbox_resolve(id, &answer);
    if !web.shop.writer.execute("inbox", job).await? {
        return Err(Problem::missing(format!(
            "the inbox has no open entry {id}"
        )));
    }
    web.shop.ring();
    Ok(Json(serde_json::json!({ "resolved": id })))
}
