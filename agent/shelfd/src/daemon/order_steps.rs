//! What a person does about an order: checked against what is known, then written into the log.
//!
//! Runs inside one job of the ledger's writer, so that two pickers can't both begin. What has
//! physically happened is recorded even where it contradicts the hub (a second hand-over, goods of
//! a cancelled order), but only with a manager's name on it: the rules warn first. Nothing here
//! changes an order: that is the hub's.

use std::collections::BTreeMap;

use shelf_ledger::tables::TableError;
use shelf_ledger::{RecordError, Tx};
use shelf_replica::orders::{self, Progress, StoredOrder};
use shelf_replica::store::Store as _;
use shelf_stock::customer_order::Order;
use shelf_stock::document::{Document, Draft, Kind, OrderStep, Subject};
use shelf_stock::identity::Place;
use shelf_stock::item::Part;
use shelf_stock::name::{ItemId, OrderId, Reason, StaffId};
use shelf_stock::quantity::Quantity;
use shelf_stock::time::Timestamp;

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Its goods are taken from the shelf.
    Pick,
    /// Picked goods go back to the shelf.
    PutBack,
    /// The customer or the carrier takes it.
    HandOver,
    /// The shelf doesn't have so much of these.
    Short(Vec<Part>),
}

/// Who wants it done, and when.
#[derive(Clone, Debug)]
pub(crate) struct By {
    /// The manager whose PIN was given.
    pub(crate) manager: Option<StaffId>,
    /// What the clock says.
    pub(crate) now: Timestamp,
}

/// Why it is not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StepError {
    /// There is none.
    #[error("this store has no order `{0}`")]
    Unknown(OrderId),
    /// Not any more.
    #[error("the order has come to its end ({0}): nothing is to be picked for it")]
    Ended(&'static str),
    /// Not yet.
    #[error("the order is not paid: its goods stay on the shelf until the channel says that it is")]
    Unpaid,
    /// The channel wants it cancelled.
    #[error("the channel wants the order cancelled: don't begin with it")]
    CancelWanted,
    /// Somebody has.
    #[error("the order is picked already: its goods wait in staging")]
    PickedAlready,
    /// Nobody has.
    #[error("nothing of the order is in staging")]
    NotPicked,
    /// The customer has it.
    #[error("the order was handed over already")]
    HandedOver,
    /// The item is not part of it, or not so much of it.
    #[error("the order doesn't take so much of `{0}`")]
    NotOrdered(ItemId),
    /// A manager has to say that it happened.
    #[error("{0}")]
    NeedsManager(Warning),
    /// The ledger.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The ledger.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// Why a manager's PIN is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Warning {
    /// Twice.
    #[error("the order was handed over already: has it really left the shop a second time?")]
    SecondHandOver,
    /// Cancelled or short.
    #[error("the order was cancelled: have its goods really left the shop?")]
    AfterEnd,
    /// Nobody paid.
    #[error("the order is not paid: have its goods really left the shop?")]
    Unpaid,
}

impl Warning {
    fn reason(self) -> &'static str {
        match self {
            Self::SecondHandOver => "second_hand_over",
            Self::AfterEnd => "hand_over_after_end",
            Self::Unpaid => "hand_over_unpaid",
        }
    }
}

/// Checks and records it; the first document's place.
pub(crate) fn take(
    tx: &mut Tx<'_>,
    id: &OrderId,
    step: &Step,
    by: &By,
) -> Result<Place, StepError> {
    let stored = StoredOrder::load(tx.tables(), id)?;
    let order = stored.ok_or_else(|| StepError::Unknown(id.clone()))?.order;
    let documents = tx.tables().order_facts(id)?;
    let progress = Progress::of(&documents);
    let drafts = match step {
        Step::Pick => pick(&order, &progress, by)?,
        Step::PutBack => put_back(id, &progress, &documents, by)?,
        Step::HandOver => hand_over(&order, &progress, &documents, by)?,
        Step::Short(missing) => short(&order, &progress, missing)?,
    };
    let mut first = None;
    for mut draft in drafts {
        draft.staff.clone_from(&by.manager);
        first.get_or_insert(tx.record(&draft)?.place());
    }
    first.ok_or(StepError::NotPicked)
}

fn pick(order: &Order, progress: &Progress, by: &By) -> Result<Vec<Draft>, StepError> {
    if progress.handed_over_by.is_some() {
        return Err(StepError::HandedOver);
    }
    if order.state.is_end() {
        return Err(StepError::Ended(order.state.word()));
    }
    if progress.is_picked {
        return Err(StepError::PickedAlready);
    }
    if order.cancel_wanted {
        return Err(StepError::CancelWanted);
    }
    if !order.may_be_picked() {
        return Err(StepError::Unpaid);
    }
    Ok(vec![orders::pick(order, by.now)])
}

fn put_back(
    id: &OrderId,
    progress: &Progress,
    documents: &[Document],
    by: &By,
) -> Result<Vec<Draft>, StepError> {
    let picked = staged(documents);
    if !progress.is_picked || picked.is_empty() {
        return Err(StepError::NotPicked);
    }
    Ok(vec![orders::put_back(id, &picked, by.now)])
}

fn hand_over(
    order: &Order,
    progress: &Progress,
    documents: &[Document],
    by: &By,
) -> Result<Vec<Draft>, StepError> {
    let warning = warning(order, progress);
    if let (Some(warning), None) = (warning, &by.manager) {
        return Err(StepError::NeedsManager(warning));
    }
    let mut drafts = Vec::new();
    let needs = order.needs();
    if needs.is_empty() {
        return Err(StepError::Ended(order.state.word()));
    }
    if progress.is_picked {
        // What was found missing after the pick stays with the store.
        let mut rest = staged(documents);
        for (item, quantity) in &needs {
            if let Some(left) = rest.get_mut(item) {
                *left = left.minus(*quantity);
            }
        }
        rest.retain(|_, left| *left > Quantity::ZERO);
        if !rest.is_empty() {
            drafts.push(orders::put_back(&order.id, &rest, by.now));
        }
    }
    let mut draft = orders::hand_over(order, progress.is_picked, by.now);
    if let Some(warning) = warning {
        let reason = Reason::new(warning.reason()).ok();
        for line in &mut draft.lines {
            line.reason.clone_from(&reason);
        }
    }
    drafts.push(draft);
    Ok(drafts)
}

/// Whether handing it over contradicts what is known.
fn warning(order: &Order, progress: &Progress) -> Option<Warning> {
    if progress.handed_over_by.is_some() {
        return Some(Warning::SecondHandOver);
    }
    if order.state.is_end() {
        return Some(Warning::AfterEnd);
    }
    let paid = !order.tenders.is_empty() && order.tenders.iter().all(|it| it.state.is_paid());
    (!paid && !order.pay_on_collection).then_some(Warning::Unpaid)
}

fn short(order: &Order, progress: &Progress, missing: &[Part]) -> Result<Vec<Draft>, StepError> {
    if progress.handed_over_by.is_some() {
        return Err(StepError::HandedOver);
    }
    if order.state.is_end() {
        return Err(StepError::Ended(order.state.word()));
    }
    let needs = order.needs();
    let mut sums = BTreeMap::<&ItemId, Quantity>::new();
    for part in missing {
        let sum = sums.entry(&part.item).or_default();
        *sum = sum.plus(part.quantity);
        let ordered = needs.get(&part.item).copied().unwrap_or_default();
        if part.quantity <= Quantity::ZERO || *sum > ordered {
            return Err(StepError::NotOrdered(part.item.clone()));
        }
    }
    Ok(vec![orders::short(&order.id, missing.to_vec())])
}

/// What of an order lies in staging: picked and not put back, by its documents.
fn staged(documents: &[Document]) -> BTreeMap<ItemId, Quantity> {
    let mut staged = BTreeMap::<ItemId, Quantity>::new();
    for document in documents {
        let Kind::Order { step, .. } = &document.draft.kind else {
            continue;
        };
        let sign = match step {
            OrderStep::Pick => 1,
            OrderStep::PutBack | OrderStep::HandOver => -1,
            OrderStep::Short { .. } => continue,
        };
        let is_staging = |it: &shelf_stock::document::Line| {
            let at = shelf_stock::location::Location::Staging;
            it.from == at || it.to == at
        };
        for line in document.draft.lines.iter().filter(|it| is_staging(it)) {
            if let Subject::Item(item) = &line.subject {
                let sum = staged.entry(item.clone()).or_default();
                let moved = Quantity::thousandths(line.quantity.as_thousandths() * sign);
                *sum = sum.plus(moved);
            }
        }
    }
    staged.retain(|_, quantity| *quantity > Quantity::ZERO);
    staged
}
