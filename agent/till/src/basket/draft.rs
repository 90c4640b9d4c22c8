//! Finished baskets and undone sales as drafts of documents.
//!
//! The source key of a sale is (till, basket id): a sale recorded twice, before and after a crash,
//! is one sale. A basket that is larger than a document becomes a group, with its tenders on the
//! first part.

use std::collections::BTreeMap;

use shelf_stock::document::{
    DOCUMENT_BYTES_MAX, DOCUMENT_LINES_MAX, Document, DocumentRef, Draft, Group, Kind, Line,
    PaymentState, SourceAction, SourceKey, Tender, TenderKind,
};
use shelf_stock::item::{COMPOSITION_PARTS_MAX, Part};
use shelf_stock::location::Location;
use shelf_stock::name::{GroupId, ItemId, NameError, Reason, ReceiptNo, SourceId, TillId};
use shelf_stock::quantity::Quantity;
use shelf_stock::time::Timestamp;

use super::line::{BasketLine, Direction};
use super::payment::{Payment, PaymentKind};
use super::state::Basket;

/// The most bytes that the lines of one draft may be estimated at; the rest of a document's bytes
/// is for its frame and tenders.
pub const DRAFT_LINES_BYTES_MAX: usize = DOCUMENT_BYTES_MAX - 8 * 1024;

/// What a line's fixed fields take at most: numbers, locations, tags.
const LINE_BYTES: usize = 96;
/// What a part's fixed fields take at most.
const PART_BYTES: usize = 24;

/// The source key of a basket's sale.
pub fn sale_key(till: &TillId, basket: &Basket) -> Result<SourceKey, NameError> {
    Ok(SourceKey {
        source: SourceId::new(till.as_str())?,
        receipt: ReceiptNo::new(basket.id.to_string())?,
        action: SourceAction::Record,
        part: 0,
    })
}

/// The drafts of a finished basket.
pub fn sale(till: &TillId, basket: &Basket) -> Result<Vec<Draft>, NameError> {
    let mut whole = Draft::new(Kind::Sale);
    whole.till = Some(till.clone());
    whole.staff.clone_from(&basket.staff);
    whole.source = Some(sale_key(till, basket)?);
    whole.lines = basket.live_lines().map(|it| line(it)).collect();
    whole.tenders = basket.approved().map(tender).collect();
    split(whole, &basket.id.to_string())
}

fn line(row: &BasketLine) -> Line {
    let (from, to) = match &row.direction {
        Direction::Sale => (Location::SalesFloor, Location::Customer),
        Direction::Return { to } => (Location::Customer, to.clone()),
    };
    Line {
        subject: row.subject.clone(),
        quantity: row.quantity,
        from,
        to,
        effective: row.effective,
        unit_price: row.unit_price,
        amount: row.amount,
        parts: parts(&row.parts, row.quantity),
        code: row.code.clone(),
        reason: row.reason.clone(),
    }
}

/// Parts of one unit, times a quantity; the same item is added up.
pub(crate) fn parts(of_one: &[Part], quantity: Quantity) -> Vec<Part> {
    let mut sums = BTreeMap::<&ItemId, Quantity>::new();
    for part in of_one.iter().take(COMPOSITION_PARTS_MAX) {
        let sum = sums.entry(&part.item).or_default();
        *sum = sum.plus(part.quantity.times(quantity));
    }
    let some = sums.into_iter().filter(|(_, sum)| *sum > Quantity::ZERO);
    some.map(|(item, quantity)| Part {
        item: item.clone(),
        quantity,
    })
    .collect()
}

fn tender(payment: &Payment) -> Tender {
    Tender {
        kind: match payment.kind {
            PaymentKind::Cash => TenderKind::Cash,
            PaymentKind::Card => TenderKind::Card,
        },
        amount: payment.amount,
        reference: payment.reference.clone(),
        state: PaymentState::Captured,
    }
}

/// Splits a draft that is larger than a document into a group. `name` names the group; each part's
/// source key counts on from its first line.
pub fn split(mut whole: Draft, name: &str) -> Result<Vec<Draft>, NameError> {
    let chunks = chunks(std::mem::take(&mut whole.lines));
    let of = u32::try_from(chunks.len()).unwrap_or(u32::MAX);
    if of <= 1 {
        whole.lines = chunks.into_iter().flatten().collect();
        return Ok(vec![whole]);
    }
    let id = GroupId::new(name)?;
    let tenders = std::mem::take(&mut whole.tenders);
    let mut drafts = Vec::with_capacity(chunks.len());
    let mut first_line = 0_u32;
    for (index, lines) in (0..).zip(chunks) {
        let count = u32::try_from(lines.len()).unwrap_or(u32::MAX);
        let mut draft = whole.clone();
        draft.lines = lines;
        draft.group = Some(Group {
            id: id.clone(),
            index,
            of,
        });
        if let Some(key) = &mut draft.source {
            key.part = key.part.saturating_add(first_line);
        }
        if index == 0 {
            draft.tenders.clone_from(&tenders);
        }
        first_line = first_line.saturating_add(count);
        drafts.push(draft);
    }
    Ok(drafts)
}

fn chunks(lines: Vec<Line>) -> Vec<Vec<Line>> {
    let mut chunks = Vec::new();
    let mut chunk = Vec::new();
    let mut bytes = 0;
    for line in lines {
        let more = estimate(&line);
        if chunk.len() == DOCUMENT_LINES_MAX || bytes + more > DRAFT_LINES_BYTES_MAX {
            chunks.push(std::mem::take(&mut chunk));
            bytes = 0;
        }
        bytes += more;
        chunk.push(line);
    }
    chunks.push(chunk);
    chunks
}

fn estimate(line: &Line) -> usize {
    let subject = match &line.subject {
        shelf_stock::document::Subject::Item(item) => item.as_str().len(),
        shelf_stock::document::Subject::Unbound(code) => code.as_str().len(),
        shelf_stock::document::Subject::Open => 0,
    };
    let parts: usize = line
        .parts
        .iter()
        .map(|it| PART_BYTES + it.item.as_str().len())
        .sum();
    let code = line.code.as_ref().map_or(0, |it| it.as_str().len());
    let reason = line.reason.as_ref().map_or(0, |it| it.as_str().len());
    LINE_BYTES + subject + parts + code + reason
}

/// The drafts that undo a recorded sale, given all its parts: each line goes back the way it came,
/// at the time of the void, and each tender is paid back. Parts that aren't sales are left out.
pub fn void(sale: &[Document], at: Timestamp, reason: &Reason) -> Vec<Draft> {
    let parts = sale.iter().filter(|it| it.draft.kind == Kind::Sale);
    parts.map(|it| void_part(it, at, reason)).collect()
}

fn void_part(sale: &Document, at: Timestamp, reason: &Reason) -> Draft {
    let of = match &sale.draft.source {
        Some(key) => DocumentRef::Source(key.clone()),
        None => DocumentRef::Place(sale.place),
    };
    let mut draft = reversed(&sale.draft, at);
    draft.kind = Kind::Void {
        of,
        reason: reason.clone(),
    };
    draft
}

/// The drafts that undo a sale that is being recorded now.
pub(crate) fn void_of_drafts(sale: &[Draft], at: Timestamp, reason: &Reason) -> Vec<Draft> {
    let part = |it: &Draft| {
        let key = it.source.clone()?;
        let mut draft = reversed(it, at);
        draft.kind = Kind::Void {
            of: DocumentRef::Source(key),
            reason: reason.clone(),
        };
        Some(draft)
    };
    sale.iter().filter_map(part).collect()
}

/// The same draft with goods and money going the other way. Its source key says `void`.
fn reversed(sale: &Draft, at: Timestamp) -> Draft {
    let mut draft = sale.clone();
    for line in &mut draft.lines {
        std::mem::swap(&mut line.from, &mut line.to);
        line.amount = line.amount.map(shelf_stock::money::Money::negated);
        line.effective = at;
    }
    for tender in &mut draft.tenders {
        tender.amount = tender.amount.negated();
    }
    if let Some(key) = &mut draft.source {
        key.action = SourceAction::Void;
    }
    if let Some(group) = &mut draft.group {
        // A void is a fact of its own, with a group of its own.
        let name = format!("void:{}", group.id);
        if let Ok(id) = GroupId::new(name.chars().take(GroupId::BYTES_MAX).collect::<String>()) {
            group.id = id;
        }
    }
    draft
}
