//! A till whose sales are what it prints: each receipt into the ledger, once, or into the inbox.
//!
//! The way is that of every reported sale; what is special is that receipts are printed again. A copy
//! that says so is held against the number and content of what was sold; one whose original never came
//! by counts only while it is minutes old, because then the original was lost on its way, and else
//! waits for a person. It must never sell on a guess, and never give up a receipt because the ledger
//! is slow.

use std::sync::Arc;

use shelf_codecs::escpos::{Receipt, ReceiptKind};
use shelf_ledger::tables::TableError;
use shelf_ledger::{ExecuteError, InboxNote, Tx};
use shelf_stock::document::{SourceAction, SourceKey};
use shelf_stock::money::Money;
use shelf_stock::name::{Reason, ReceiptNo, SourceId, TillId};
use shelf_stock::time::Timestamp;
use shelf_till::evidence::{Role, SalesSource};
use shelf_till::source::receipt::{Age, Origin, Printed, PrintedSale, Reading, read};
use shelf_till::source::{Imported, InboxFault, Work, hash};

use super::relay::pause;
use crate::config::SalesSourceSetting;
use crate::daemon::counter::chain;
use crate::daemon::intake::{self, IntakeError, ShopView};
use crate::daemon::shop::Shop;
use crate::platform;

/// Receipts that wait for a person.
const KIND: &str = "receipt_doubt";
/// How far apart two reports of one sale may be, in milliseconds.
const SAME_SALE_MS_MAX: i64 = 36 * 3_600_000;

/// What became of a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Took {
    /// It moved stock.
    Sold,
    /// It was known.
    Again,
    /// It waits in the inbox.
    PutAside,
    /// It is no sale, or not this till's way to sell.
    NoSale,
}

/// Whether a till's sales are what it prints.
pub(super) fn is_source(shop: &Shop, till: &TillId) -> bool {
    let till = shop.till(till);
    till.is_some_and(|it| it.sales_source == SalesSourceSetting::Tee)
}

/// Takes a receipt. Returns when it is durable.
pub(super) async fn take(shop: &Arc<Shop>, till: &TillId, receipt: &Receipt) -> Took {
    if !is_source(shop, till) {
        return Took::NoSale;
    }
    let at = platform::wall_now();
    loop {
        let (shop, till, receipt) = (shop.clone(), till.clone(), receipt.clone());
        let work = move || take_now(&shop, &till, &receipt, at);
        match tokio::task::spawn_blocking(work).await {
            Ok(Ok(took)) => return took,
            Ok(Err(error)) => tracing::error!(%error, "a printed sale can't be kept yet"),
            Err(error) => {
                tracing::error!(%error, "reading a receipt panicked");
                return Took::NoSale;
            }
        }
        pause().await;
    }
}

/// Something was printed and not overheard: a person must know.
pub(super) async fn missed(shop: &Arc<Shop>, till: &TillId) {
    if !is_source(shop, till) {
        return;
    }
    let (shop, till) = (shop.clone(), till.clone());
    let at = platform::wall_now();
    let keep = move || {
        let why = "something was printed faster than it could be kept: compare the receipts with the \
                   till's own journal";
        intake::keep(&shop, KIND, &format!("{till} {}", at.as_millis()), why, b"");
    };
    if let Err(error) = tokio::task::spawn_blocking(keep).await {
        tracing::error!(%error, "the inbox panicked");
    }
}

type Failed = ExecuteError<IntakeError>;

fn take_now(shop: &Shop, till: &TillId, receipt: &Receipt, at: Timestamp) -> Result<Took, Failed> {
    let Ok(source) = SourceId::new(till.as_str()) else {
        return Ok(Took::NoSale);
    };
    let settings = shop.till(till);
    let printed = Printed {
        lines: &receipt.lines,
        is_whole: receipt.lines_dropped == 0,
        is_drawn: receipt.kind() == ReceiptKind::ImageOnly,
        at,
    };
    let origin = Origin {
        source: &source,
        till,
        number_words: settings.and_then(|it| it.receipt_number.as_deref()),
    };
    let raw = receipt.lines.join("\n");
    let reading = read(&printed, &origin, &ShopView::new(shop).context());
    let Some(case) = Case::of(reading, (&source, till, at)) else {
        return Ok(Took::NoSale);
    };
    let job = {
        let (case, raw) = (case.clone(), raw.clone());
        move |tx: &mut Tx<'_>| case.settle(tx, &raw)
    };
    let done = shop.writer.execute_blocking("printed sale", job).wait();
    let took = match done {
        Ok(Done::Recorded(taken)) => {
            intake::recorded(shop, till, &taken);
            if taken.is_again {
                Took::Again
            } else {
                Took::Sold
            }
        }
        Ok(Done::Known) => Took::Again,
        Ok(Done::PutAside) => Took::PutAside,
        // What the ledger won't take must not stop the receipts behind it.
        Err(refused @ (ExecuteError::Refused(_) | ExecuteError::Panicked { .. })) => {
            let (key, why) = (case.name(), chain(&refused));
            let put = move |tx: &mut Tx<'_>| Ok(put_aside(tx, &key, &why, &raw)?);
            shop.writer.execute_blocking("inbox", put).wait()?;
            Took::PutAside
        }
        Err(error) => return Err(error),
    };
    shop.ring();
    Ok(took)
}

fn put_aside(tx: &mut Tx<'_>, key: &str, reason: &str, raw: &str) -> Result<(), TableError> {
    let masked = shelf_till::source::masked;
    let (key, reason, raw) = (masked(key), masked(reason), masked(raw));
    let raw = raw.as_bytes();
    tx.inbox_put(InboxNote {
        kind: KIND,
        key: &key,
        reason: &reason,
        raw,
    })?;
    Ok(())
}

/// What a receipt asks of the ledger.
#[derive(Clone, Debug)]
enum Case {
    Sale(TillId, Box<PrintedSale>),
    Void {
        till: TillId,
        source: SourceId,
        number: String,
        total: Option<Money>,
        at: Timestamp,
    },
    Doubt(InboxFault),
}

enum Done {
    Recorded(intake::Taken),
    Known,
    PutAside,
}

impl Case {
    fn of(reading: Reading, (source, till, at): (&SourceId, &TillId, Timestamp)) -> Option<Self> {
        match reading {
            Reading::Nothing => None,
            Reading::Doubtful(fault) => Some(Self::Doubt(fault)),
            Reading::Sale(sale) => Some(Self::Sale(till.clone(), sale)),
            Reading::Void { number, total, .. } => Some(Self::Void {
                till: till.clone(),
                source: source.clone(),
                number,
                total,
                at,
            }),
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Sale(till, sale) => format!("{till} {}", sale.imported.key.receipt),
            Self::Void { till, number, .. } => format!("{till} {number}"),
            Self::Doubt(fault) => fault.place.clone(),
        }
    }

    fn settle(&self, tx: &mut Tx<'_>, raw: &str) -> Result<Done, IntakeError> {
        match self {
            Self::Doubt(fault) => {
                put_aside(tx, &fault.place, &intake::reason(fault), raw)?;
                Ok(Done::PutAside)
            }
            Self::Sale(till, sale) => sell(tx, till, sale, (&self.name(), raw)),
            Self::Void { .. } => self.void(tx, raw),
        }
    }

    /// Undoes a receipt that was sold here, once.
    fn void(&self, tx: &mut Tx<'_>, raw: &str) -> Result<Done, IntakeError> {
        let Self::Void {
            till,
            source,
            number,
            total,
            at,
        } = self
        else {
            return Ok(Done::Known);
        };
        let Some(known) = Known::of(tx, till, number)? else {
            let why = "it undoes a receipt that was not sold here: enter by hand what came back";
            put_aside(tx, &self.name(), why, raw)?;
            return Ok(Done::PutAside);
        };
        if total.is_some_and(|it| it.to_string() != known.total) {
            let why = "it undoes a part of a receipt: enter by hand what came back";
            put_aside(tx, &self.name(), why, raw)?;
            return Ok(Done::PutAside);
        }
        let key = |action| -> Result<SourceKey, IntakeError> {
            Ok(SourceKey {
                source: source.clone(),
                receipt: ReceiptNo::new(&known.receipt)?,
                action,
                part: 0,
            })
        };
        let imported = Imported {
            key: key(SourceAction::Void)?,
            body_hash: hash(format!("void {}", known.hash).as_bytes()),
            work: Work::Void {
                sale: key(SourceAction::Record)?,
                at: *at,
                reason: Reason::new("voided")?,
            },
            goods: Vec::new(),
        };
        let taken = intake::record(tx, &imported, SalesSource::Tee, Role::Sale)?;
        Ok(Done::Recorded(taken))
    }
}

/// What was sold under a printed number the last time.
struct Known {
    receipt: String,
    hash: String,
    total: String,
}

impl Known {
    fn key(till: &TillId, number: &str) -> String {
        format!("tee.{till}/{number}")
    }

    fn of(tx: &Tx<'_>, till: &TillId, number: &str) -> Result<Option<Self>, TableError> {
        let note = tx.setting(&Self::key(till, number))?;
        Ok(note.and_then(|it| {
            let mut parts = it.split('\t').map(str::to_owned);
            let (receipt, hash, total) = (parts.next()?, parts.next()?, parts.next()?);
            Some(Self {
                receipt,
                hash,
                total,
            })
        }))
    }
}

/// Sells what a receipt says, unless that happened before.
fn sell(
    tx: &mut Tx<'_>,
    till: &TillId,
    sale: &PrintedSale,
    (name, raw): (&str, &str),
) -> Result<Done, IntakeError> {
    let hash = sale.imported.body_hash.to_string();
    let known = Known::of(tx, till, &sale.number)?;
    let doubt = match known {
        Some(it) if sale.is_copy && it.hash == hash => return Ok(Done::Known),
        Some(_) if sale.is_copy => {
            Some("it is a copy, and what was sold under this number is another")
        }
        None if sale.is_copy && sale.age != Age::Fresh => Some(
            "it is a copy of a receipt that was never seen: enter it by hand if it was not sold",
        ),
        _ if sale.age == Age::Old => Some(
            "its date is not of today: an old receipt was printed again, or the till's clock is wrong",
        ),
        _ => None,
    };
    if let Some(why) = doubt {
        put_aside(tx, name, why, raw)?;
        return Ok(Done::PutAside);
    }
    if reported_before(tx, sale)? {
        return Ok(Done::Known);
    }
    let has_lines = match &sale.imported.work {
        Work::Record(drafts) => drafts.iter().any(|it| !it.lines.is_empty()),
        Work::Void { .. } => true,
    };
    let done = match has_lines {
        true => Done::Recorded(intake::record(
            tx,
            &sale.imported,
            SalesSource::Tee,
            Role::Sale,
        )?),
        false => Done::PutAside,
    };
    if matches!(&done, Done::Recorded(taken) if taken.is_again) {
        return Ok(done);
    }
    for fault in &sale.faults {
        doubtful_row(tx, till, fault, (name, raw))?;
    }
    let note = format!("{}\t{hash}\t{}", sale.imported.key.receipt, sale.total);
    tx.setting_put(&Known::key(till, &sale.number), &note)?;
    Ok(done)
}

/// A row for a person; a name that no item has is told once, with the first receipt that has it.
fn doubtful_row(
    tx: &mut Tx<'_>,
    till: &TillId,
    fault: &InboxFault,
    (name, raw): (&str, &str),
) -> Result<(), TableError> {
    let reason = intake::reason(fault);
    if !fault.counted {
        return put_aside(tx, &format!("{name}, {}", fault.place), &reason, raw);
    }
    let told = format!("tee.name.{}", fault.place);
    if tx.setting(&told)?.is_none() {
        put_aside(tx, &format!("{till} {}", fault.place), &reason, raw)?;
        tx.setting_put(&told, "told")?;
    }
    Ok(())
}

/// Whether another source reported this receipt while it was the one that counted: its number alone,
/// within a day and a half.
fn reported_before(tx: &Tx<'_>, sale: &PrintedSale) -> Result<bool, IntakeError> {
    let key = SourceKey {
        receipt: ReceiptNo::new(&sale.number)?,
        ..sale.imported.key.clone()
    };
    let Some(place) = tx.tables().counted_for(&key)? else {
        return Ok(false);
    };
    let Some(document) = tx.document(place)? else {
        return Ok(false);
    };
    let Work::Record(drafts) = &sale.imported.work else {
        return Ok(false);
    };
    let first = |it: &shelf_stock::document::Draft| it.lines.first().map(|it| it.effective);
    let both = first(&document.draft).zip(drafts.first().and_then(first));
    Ok(both.is_some_and(|(then, now)| now.millis_since(then).abs() <= SAME_SALE_MS_MAX))
}
