//! Sales of other systems: from what they say to documents in the ledger, one transaction each.
//!
//! A report is identified by its source's key; a hash of its body says whether it is the same
//! report again. What can't be used goes to the inbox with its raw text and never stops what
//! comes behind it. Only the till's configured source moves stock; any other is evidence.

mod shop_view;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use shelf_ledger::tables::TableError;
use shelf_ledger::{ExecuteError, InboxNote, RecordError, Tx};
use shelf_stock::document::{Document, Draft, Kind, SourceAction, SourceKey};
use shelf_stock::identity::Place;
use shelf_stock::name::{NameError, Reason, TillId};
use shelf_till::basket::{Goods, draft};
use shelf_till::evidence::{Role, SalesSource, evidence_or_sale, in_role};
use shelf_till::source::{Imported, InboxFault, Work, api};

use super::rfid::{SoldChanges, sale_name, write_sale, write_void};
use super::shop::Shop;
use crate::config::SalesSourceSetting;
use crate::platform;
pub(crate) use shop_view::ShopView;

/// Sales that other systems reported since the start, by till.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<BTreeMap<TillId, u64>>);

impl Tally {
    /// How many of a till.
    pub(crate) fn sales(&self, till: &TillId) -> u64 {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(till)
            .copied()
            .unwrap_or(0)
    }

    fn add(&self, till: &TillId) {
        let mut tally = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *tally.entry(till.clone()).or_default() += 1;
    }
}

/// What became of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Its (first) document.
    pub(crate) place: Place,
    /// Whether it was known already.
    pub(crate) is_again: bool,
    /// Whether it moves stock, or is evidence only.
    pub(crate) counts: bool,
    /// What it says of single things.
    pub(crate) sold: SoldChanges,
}

/// A report can't be recorded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IntakeError {
    /// The same receipt was reported before with another content.
    #[error("the receipt was already recorded as {place} with another content: it was not changed")]
    Conflict {
        /// What was recorded then.
        place: Place,
    },
    /// A void of a sale that is not here.
    #[error("the sale that this voids is not in the ledger")]
    NoSuchSale,
    /// There is nothing in it.
    #[error("the report moves nothing")]
    Nothing,
    /// A name that can't be one.
    #[error("a name can't be used")]
    Name(#[from] NameError),
    /// The ledger says no.
    #[error(transparent)]
    Record(RecordError),
}

impl From<RecordError> for IntakeError {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::SourceConflict { place } => Self::Conflict { place },
            other => Self::Record(other),
        }
    }
}

impl From<TableError> for IntakeError {
    fn from(error: TableError) -> Self {
        Self::Record(RecordError::Table(error))
    }
}

/// Why a report of the API was not taken; it lies in the inbox where that helps.
#[derive(Debug)]
pub(crate) enum ApiRefusal {
    /// The body can't be used.
    Fault(InboxFault),
    /// The same receipt with another content.
    Conflict(IntakeError),
    /// The ledger could not take it now: the caller must send it again.
    Ledger(ExecuteError<IntakeError>),
}

/// Takes one report of the API. Waits for the disk.
pub(crate) fn take_api(shop: &Shop, body: &[u8]) -> Result<Taken, ApiRefusal> {
    let view = ShopView::new(shop);
    let imported = api::read(body, &view.context()).map_err(|error| {
        let fault = error.fault(body);
        keep(shop, "sale_fault", &fault.place, &reason(&fault), body);
        ApiRefusal::Fault(fault)
    })?;
    let refuse = |what: String, hint| {
        keep(shop, "sale_fault", &name_of(&imported.key), &what, body);
        let (place, raw) = ("till".to_owned(), String::new());
        ApiRefusal::Fault(InboxFault {
            place,
            what,
            hint,
            raw,
            counted: false,
        })
    };
    let Some((till, role)) = role(shop, &imported.key, SalesSource::Api) else {
        let what = format!("no till of this PC is called `{}`", imported.key.source);
        return Err(refuse(
            what,
            "add a [[till]] with this name and sales_source = \"api\"",
        ));
    };
    match submit(shop, imported.clone(), SalesSource::Api, role).wait() {
        Ok(taken) => {
            recorded(shop, &till, &taken);
            Ok(taken)
        }
        Err(ExecuteError::Refused(error @ IntakeError::Conflict { .. })) => {
            keep(
                shop,
                "sale_conflict",
                &name_of(&imported.key),
                &error.to_string(),
                body,
            );
            Err(ApiRefusal::Conflict(error))
        }
        Err(ExecuteError::Refused(error @ (IntakeError::NoSuchSale | IntakeError::Nothing))) => {
            Err(refuse(error.to_string(), "send the sale first"))
        }
        Err(error) => Err(ApiRefusal::Ledger(error)),
    }
}

/// Notes that something was taken.
pub(crate) fn recorded(shop: &Shop, till: &TillId, taken: &Taken) {
    if !taken.is_again {
        shop.rfid.sold().committed(&taken.sold);
        if taken.counts {
            shop.tally.add(till);
        }
        shop.ring();
    }
}

/// A fault's reason with what to do.
pub(crate) fn reason(fault: &InboxFault) -> String {
    format!("{}: {}; {}", fault.place, fault.what, fault.hint)
}

/// What a report is about, for people.
pub(crate) fn name_of(key: &SourceKey) -> String {
    format!("{} {}", key.source, key.receipt)
}

/// Keeps something for a person, once.
pub(crate) fn keep(shop: &Shop, kind: &'static str, key: &str, reason: &str, raw: &[u8]) {
    // Card numbers never reach the inbox, in whatever field they came.
    let masked = shelf_till::source::masked;
    let (key, reason) = (masked(key), masked(reason));
    let raw = masked(&String::from_utf8_lossy(raw)).into_bytes();
    let put = move |tx: &mut Tx<'_>| {
        tx.inbox_put(InboxNote {
            kind,
            key: &key,
            reason: &reason,
            raw: &raw,
        })
    };
    match shop.writer.execute_blocking("inbox", put).wait() {
        Ok(_) => shop.ring(),
        Err(error) => tracing::error!(%error, kind, "the inbox could not take an entry"),
    }
}

/// The till that a report is about, and whether this source moves its stock.
pub(crate) fn role(shop: &Shop, key: &SourceKey, source: SalesSource) -> Option<(TillId, Role)> {
    let till = TillId::new(key.source.as_str()).ok()?;
    let configured = match shop.till(&till)?.sales_source {
        SalesSourceSetting::Basket => SalesSource::Basket,
        SalesSourceSetting::Api => SalesSource::Api,
        SalesSourceSetting::File => SalesSource::File,
        SalesSourceSetting::Tee => SalesSource::Tee,
    };
    Some((till, evidence_or_sale(source, configured)))
}

type Submitted = shelf_ledger::Pending<Taken, IntakeError>;

/// Gives a report to the ledger's writer; blocks only while its queue is full.
pub(crate) fn submit(
    shop: &Shop,
    imported: Imported,
    source: SalesSource,
    role: Role,
) -> Submitted {
    let job = move |tx: &mut Tx<'_>| record(tx, &imported, source, role);
    shop.writer.execute_blocking("reported sale", job)
}

/// Records a report in a transaction of the caller's.
pub(crate) fn record(
    tx: &mut Tx<'_>,
    imported: &Imported,
    source: SalesSource,
    role: Role,
) -> Result<Taken, IntakeError> {
    let counts = role == Role::Sale;
    let note = note_key(&imported.key, source);
    let hash = imported.body_hash.to_string();
    if let Some(known) = tx.setting(&note)? {
        let (known_hash, place) = known.split_once(' ').unwrap_or((&known, ""));
        let place = place
            .parse()
            .map_err(|_| TableError::Damaged { what: "report" })?;
        return match known_hash == hash {
            true => Ok(Taken {
                place,
                is_again: true,
                counts,
                sold: SoldChanges::default(),
            }),
            false => Err(IntakeError::Conflict { place }),
        };
    }
    let mut first = None;
    let mut is_again = true;
    let drafts = drafts(tx, imported, source, role)?;
    for draft in &drafts {
        let done = tx.record(draft)?;
        is_again &= matches!(done, shelf_ledger::Recorded::Again { .. });
        first.get_or_insert(done.place());
    }
    let place = first.ok_or(IntakeError::Nothing)?;
    let sold = sold(tx, imported, (source, counts), &drafts)?;
    tx.setting_put(&note, &format!("{hash} {place}"))?;
    Ok(Taken {
        place,
        is_again,
        counts,
        sold,
    })
}

/// What a report says of single things. Evidence says it as well as a sale that counts, of the very thing that
/// it names; only pieces without a name would be counted twice.
fn sold(
    tx: &mut Tx<'_>,
    imported: &Imported,
    (source, counts): (SalesSource, bool),
    drafts: &[Draft],
) -> Result<SoldChanges, TableError> {
    let now = platform::wall_now();
    match &imported.work {
        Work::Record(_) => {
            let name = sale_name(source.as_str(), &imported.key);
            // A clock that is ahead must not keep later facts away.
            let goods = imported.goods.iter().cloned();
            let goods: Vec<Goods> = goods
                .map(|it| Goods {
                    at: it.at.min(now),
                    ..it
                })
                .collect();
            write_sale(tx, &name, &goods, counts)
        }
        Work::Void { sale, at, .. } => {
            let name = sale_name(source.as_str(), sale);
            let drafts = if counts { drafts } else { &[] };
            write_void(tx, &name, (*at).min(now), drafts)
        }
    }
}

fn note_key(key: &SourceKey, source: SalesSource) -> String {
    let action = match key.action {
        SourceAction::Record => "record",
        SourceAction::Void => "void",
    };
    format!(
        "intake.{}/{}/{action}/{}/{}",
        source.as_str(),
        key.source,
        key.part,
        key.receipt
    )
}

fn drafts(
    tx: &Tx<'_>,
    imported: &Imported,
    source: SalesSource,
    role: Role,
) -> Result<Vec<Draft>, IntakeError> {
    let drafts = match &imported.work {
        Work::Record(drafts) => drafts.clone(),
        Work::Void { .. } if role == Role::Evidence => {
            let mut seen = Draft::new(Kind::Evidence {
                about: Reason::new(source.as_str())?,
            });
            seen.source = Some(imported.key.clone());
            vec![seen]
        }
        Work::Void { sale, at, reason } => {
            let documents = sale_of(tx, sale)?;
            if documents.is_empty() {
                return Err(IntakeError::NoSuchSale);
            }
            draft::void(&documents, *at, reason)
        }
    };
    drafts
        .into_iter()
        .map(|it| Ok(in_role(it, source, role)?))
        .collect()
}

/// Every document of a sale: its parts are keyed by their first line.
fn sale_of(tx: &Tx<'_>, key: &SourceKey) -> Result<Vec<Document>, TableError> {
    let mut key = key.clone();
    let mut sale = Vec::new();
    while let Some(place) = tx.tables().counted_for(&key)? {
        // A sale that an opening stands for can't be taken apart any more.
        let Some(document) = tx.document(place)? else {
            break;
        };
        let lines = u32::try_from(document.draft.lines.len()).unwrap_or(u32::MAX);
        sale.push(document);
        if lines == 0 {
            break;
        }
        key.part = key.part.saturating_add(lines);
    }
    Ok(sale)
}
