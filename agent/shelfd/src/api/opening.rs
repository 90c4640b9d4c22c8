//! `POST /api/v1/opening`: what is in the shop when it begins, as one count of everything listed.
//!
//! The opening stock is a stocktake like any other: a session of count documents and its close,
//! so that it needs no rule of its own. The same session sent again changes nothing.

use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use shelf_ledger::tables::TableError;
use shelf_ledger::{RecordError, Recorded, Tx};
use shelf_stock::document::{
    CountLine, CountScope, DOCUMENT_LINES_MAX, Draft, Kind, SourceAction, SourceKey,
};
use shelf_stock::location::Location;
use shelf_stock::name::{AreaId, Code, ItemId, NameError, ReceiptNo, SessionId, SourceId};
use shelf_stock::quantity::Quantity;
use shelf_stock::time::Timestamp;

use super::fields::Body;
use super::import::{Imported, csv_rows, is_csv, json_rows};
use super::problem::Problem;
use super::{Answer, Site};
use crate::daemon::resolve::normal_code;
use crate::platform;

/// Who says so, in source keys.
const SOURCE: &str = "opening";

/// What to call it.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    session: Option<String>,
    area: Option<String>,
}

/// What became of it.
#[derive(Debug, Serialize)]
pub(super) struct Opened {
    session: SessionId,
    documents: usize,
    /// Whether this session was here already: then nothing changed.
    again: bool,
    #[serde(flatten)]
    rows: Imported,
}

#[derive(Debug, Deserialize)]
struct JsonRow {
    item: Option<String>,
    gtin: Option<String>,
    quantity: serde_json::Value,
}

struct Wanted {
    line: usize,
    item: Option<String>,
    code: Option<String>,
    quantity: String,
}

/// `POST /api/v1/opening`
pub(super) async fn opening(
    State(web): Site,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
    Body(body): Body,
) -> Answer<Json<Opened>> {
    let hash = shelf_till::source::hash(&body).to_string();
    let name = asked
        .session
        .unwrap_or_else(|| format!("opening-{}", hash.chars().take(12).collect::<String>()));
    let session = SessionId::new(name).map_err(|error| Problem::value("session", error))?;
    let area = asked.area.unwrap_or_else(|| SOURCE.into());
    let area = AreaId::new(area).map_err(|error| Problem::value("area", error))?;
    let mut rows = Imported::default();
    let wanted = wanted(&headers, &body, &mut rows)?;
    let (mut rows, counted) = web
        .blocking(move |shop| {
            let counted = shop
                .readers
                .with(|ledger| resolve(ledger, &wanted, &mut rows))?;
            Ok((rows, counted))
        })
        .await?;
    rows.imported = counted.len();
    if counted.is_empty() {
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "nothing-counted",
            rows.faults
                .first()
                .map_or("there are no rows".to_owned(), |it| {
                    format!("no row can be used; line {}: {}", it.line, it.what)
                }),
        )
        .hint("import the catalogue first; columns are gtin (or item) and quantity"));
    }
    let (name, now) = (session.clone(), platform::wall_now());
    let job = move |tx: &mut Tx<'_>| record(tx, &name, &area, &counted, now);
    let (documents, again) = web.shop.writer.execute("opening", job).await?;
    if !again {
        web.shop.ring();
    }
    Ok(Json(Opened {
        session,
        documents,
        again,
        rows,
    }))
}

fn wanted(headers: &HeaderMap, body: &[u8], done: &mut Imported) -> Answer<Vec<Wanted>> {
    let mut wanted = Vec::new();
    if is_csv(headers)? {
        for (line, mut row) in csv_rows(body, done)? {
            wanted.push(Wanted {
                line,
                item: row.remove("item"),
                code: row.remove("gtin").or_else(|| row.remove("code")),
                quantity: row.remove("quantity").unwrap_or_default(),
            });
        }
        return Ok(wanted);
    }
    for (line, value) in json_rows(body)? {
        match serde_json::from_value::<JsonRow>(value) {
            Ok(row) => wanted.push(Wanted {
                line,
                item: row.item,
                code: row.gtin,
                quantity: match row.quantity {
                    serde_json::Value::String(text) => text,
                    other => other.to_string(),
                },
            }),
            Err(error) => done.fault(line, error),
        }
    }
    Ok(wanted)
}

/// Rows whose item is known, each item once: two rows of one item are added up.
fn resolve(
    ledger: &shelf_ledger::Read<'_>,
    wanted: &[Wanted],
    done: &mut Imported,
) -> Result<Vec<(ItemId, Quantity)>, TableError> {
    let mut sums = std::collections::BTreeMap::<ItemId, Quantity>::new();
    for row in wanted {
        let quantity: Quantity = match row.quantity.parse() {
            Ok(quantity) if quantity >= Quantity::ZERO => quantity,
            Ok(_) => {
                done.fault(row.line, "a shelf can't hold less than nothing");
                continue;
            }
            Err(error) => {
                done.fault(row.line, error);
                continue;
            }
        };
        let number = row.item.as_deref().and_then(|it| ItemId::new(it).ok());
        let code: Option<Code> = row.code.as_deref().and_then(normal_code);
        let item = match (&number, &code) {
            (Some(number), _) => ledger.item(number)?,
            (None, Some(code)) => ledger.item_by_code(code)?,
            (None, None) => None,
        };
        match item {
            Some(item) => {
                let sum = sums.entry(item.id).or_default();
                *sum = sum.plus(quantity);
            }
            None => done.fault(row.line, "the catalogue has no such item"),
        }
    }
    Ok(sums.into_iter().collect())
}

#[derive(Debug, thiserror::Error)]
enum OpeningError {
    #[error("a name can't be used")]
    Name(#[from] NameError),
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error(transparent)]
    Table(#[from] TableError),
}

/// Counts and closes in one transaction. Repeated, it takes the time of the first, so that the
/// ledger knows it again.
fn record(
    tx: &mut Tx<'_>,
    session: &SessionId,
    area: &AreaId,
    counted: &[(ItemId, Quantity)],
    now: Timestamp,
) -> Result<(usize, bool), OpeningError> {
    let effective = first_time(tx, session)?.unwrap_or(now);
    let (mut documents, mut again, mut part) = (0, true, 0_u32);
    for chunk in counted.chunks(DOCUMENT_LINES_MAX) {
        let line = |(item, quantity): &(ItemId, Quantity)| CountLine {
            item: item.clone(),
            location: Location::SalesFloor,
            quantity: *quantity,
            effective,
        };
        let lines: Vec<CountLine> = chunk.iter().map(line).collect();
        let items = lines.iter().map(|it| it.item.clone()).collect();
        let counts = Kind::Count {
            session: session.clone(),
            area: area.clone(),
            counted: lines,
        };
        let close = Kind::CountClose {
            session: session.clone(),
            location: Location::SalesFloor,
            scope: CountScope::Listed(items),
        };
        for (what, kind) in [("count", counts), ("close", close)] {
            let mut draft = Draft::new(kind);
            draft.source = Some(key(session, what, part)?);
            again &= matches!(tx.record(&draft)?, Recorded::Again { .. });
            documents += 1;
        }
        part = part.saturating_add(u32::try_from(chunk.len()).unwrap_or(u32::MAX));
    }
    Ok((documents, again))
}

fn first_time(tx: &Tx<'_>, session: &SessionId) -> Result<Option<Timestamp>, OpeningError> {
    let Some(place) = tx.tables().counted_for(&key(session, "count", 0)?)? else {
        return Ok(None);
    };
    let document = tx.tables().read_document(place)?;
    Ok(match document.draft.kind {
        Kind::Count { counted, .. } => counted.first().map(|it| it.effective),
        _ => None,
    })
}

fn key(session: &SessionId, what: &str, part: u32) -> Result<SourceKey, NameError> {
    Ok(SourceKey {
        source: SourceId::new(SOURCE)?,
        receipt: ReceiptNo::new(format!("{session} {what}"))?,
        action: SourceAction::Record,
        part,
    })
}
