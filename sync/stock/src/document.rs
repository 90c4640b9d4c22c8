//! Documents: the facts that PCs write down.
//!
//! A *draft* is what a till, a count page or a POS report wants to say; the ledger's writer gives
//! it a place, a time and a link to its predecessor, and it becomes an immutable *document*. A
//! correction is another document. Lines carry everything that a fold needs (from, to, parts,
//! effective time), so that no fold ever asks a catalogue or a clock. A document never holds
//! card numbers, names of people or free text from a payment terminal.

mod draft;
mod opening;

use serde::{Deserialize, Serialize};

use crate::identity::{Digest, Place};
use crate::item::Part;
use crate::location::Location;
use crate::money::Money;
use crate::name::{
    AreaId, Code, GroupId, ItemId, OrderId, Reason, ReceiptNo, SessionId, SourceId, TenderRef,
};
use crate::quantity::Quantity;
use crate::time::{Hlc, Timestamp};

pub use draft::{Draft, DraftError};
pub use opening::{Claim, ClosedLog};

/// The most lines of one document; a larger fact is several documents of one group.
pub const DOCUMENT_LINES_MAX: usize = 500;
/// The most bytes of one encoded document.
pub const DOCUMENT_BYTES_MAX: usize = 48 * 1024;
/// The most parts of one group.
pub const GROUP_PARTS_MAX: u32 = 1000;
/// The most tenders that may pay one sale.
pub const DOCUMENT_TENDERS_MAX: usize = 16;

/// A fact with its place in its author's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// Where it stands; its identity.
    pub place: Place,
    /// Digest of the document before it in the author's log (across incarnations).
    pub prev: Digest,
    /// Hybrid logical time of its writing.
    pub hlc: Hlc,
    /// What the author's clock said.
    pub wall: Timestamp,
    /// What it says.
    #[serde(flatten)]
    pub draft: Draft,
}

/// The kinds of facts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Kind {
    /// Goods over the counter, both ways: a return is a line from the customer.
    Sale,
    /// A sale is undone; its lines move the goods back at the time of the void.
    Void {
        /// The sale.
        of: DocumentRef,
        /// Why.
        reason: Reason,
    },
    /// Goods came from a supplier.
    GoodsReceipt,
    /// Goods changed location inside the store or left for another one.
    Transfer,
    /// Somebody says that the book is wrong, and why.
    Adjustment {
        /// Why.
        reason: Reason,
    },
    /// Somebody counted: assertions at their scan times.
    Count {
        /// The stocktake session.
        session: SessionId,
        /// The part of the shop.
        area: AreaId,
        /// What was there.
        counted: Vec<CountLine>,
    },
    /// A session is complete for some items at a location: its lines replace their book.
    CountClose {
        /// The stocktake session.
        session: SessionId,
        /// Where.
        location: Location,
        /// Which items.
        scope: CountScope,
    },
    /// A code belongs to an item: lines that waited for it post at their own effective times.
    Bind {
        /// The code.
        code: Code,
        /// What one scanned unit of it takes from stock; empty withdraws an earlier binding.
        parts: Vec<Part>,
    },
    /// What another source says about a sale that is already counted. Moves nothing.
    Evidence {
        /// What it says, in the words of its kind (`duplicate_receipt`, `tap`, `tee`, `file`).
        about: Reason,
    },
    /// What the store did about an order. Who ordered what is the hub's to say.
    Order {
        /// Which.
        order: OrderId,
        /// What was done.
        step: OrderStep,
    },
    /// Stands for older documents of its author's logs, whose lines it sums up: see
    /// [`crate::fold::opening`]. Its lines move goods.
    Opening {
        /// Which documents it stands for.
        closed: Vec<ClosedLog>,
        /// Source keys that stay taken.
        claims: Vec<Claim>,
        /// Documents among them that go on counting each on its own.
        carried: Vec<Document>,
    },
}

/// What a store does about an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderStep {
    /// Goods were taken from the shelf and wait (usually floor to staging).
    Pick,
    /// Picked goods went back (usually staging to floor).
    PutBack,
    /// The customer or the carrier has the goods (usually staging to customer).
    HandOver,
    /// The shelf doesn't have what was ordered. Moves nothing.
    Short {
        /// How much of which item is missing.
        missing: Vec<Part>,
    },
}

/// Which items a closed count session speaks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CountScope {
    /// Every item that has a line in the session at that location.
    EveryCounted,
    /// These items; one of them without a line was not there: zero.
    Listed(Vec<ItemId>),
}

/// One assertion of a count: so much was here at that moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountLine {
    /// What was counted.
    pub item: ItemId,
    /// Where.
    pub location: Location,
    /// How much; zero is a finding.
    pub quantity: Quantity,
    /// When it was scanned.
    pub effective: Timestamp,
}

/// A movement of goods as people see it: one line of a receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// What moved.
    pub subject: Subject,
    /// How much of the subject; always above zero: the direction is in `from` and `to`.
    pub quantity: Quantity,
    /// Where it was.
    pub from: Location,
    /// Where it went.
    pub to: Location,
    /// When it happened in the shop.
    pub effective: Timestamp,
    /// Price per unit, where one was asked or keyed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_price: Option<Money>,
    /// What the line adds to the customer's bill (negative for a return), where money is involved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// What the whole line takes from stock (totals, as [`crate::item::Item::explode`] gives them
    /// for the line's quantity), snapshotted at capture. Empty: the subject itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
    /// The code that was read, where the subject was found by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
    /// Why the price was keyed or the goods came back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

/// What a line is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// An item of the catalogue.
    Item(ItemId),
    /// A code that nobody knew when it was sold: moves stock once it is bound.
    Unbound(Code),
    /// Goods without item (a keyed department price): money only, never stock.
    Open,
}

/// What paid, and how sure that is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tender {
    /// How it was paid.
    pub kind: TenderKind,
    /// How much (negative: paid out).
    pub amount: Money,
    /// The payment side's reference, without card data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<TenderRef>,
    /// How far the payment is.
    #[serde(default, skip_serializing_if = "PaymentState::is_captured")]
    pub state: PaymentState,
}

/// How far a payment is.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum PaymentState {
    /// The money is promised: reserved at the payer's bank.
    Authorised,
    /// The money is taken.
    #[default]
    Captured,
    /// The money went back.
    Refunded,
    /// Nobody can say: it has to be asked for.
    Unknown,
}

impl PaymentState {
    /// Whether goods may be given for it: promised or taken.
    pub fn is_paid(self) -> bool {
        matches!(self, Self::Authorised | Self::Captured)
    }

    /// The usual state of what paid a sale, which is left out where it is written.
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde calls it with a reference"
    )]
    fn is_captured(&self) -> bool {
        *self == Self::Captured
    }
}

/// Ways of paying.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TenderKind {
    /// Notes and coins, where the store declared that it may settle cash here.
    Cash,
    /// A payment terminal.
    Card,
    /// Reported by another system in its own words.
    Other,
}

/// The source's own identity of a fact: `(source, receipt, action, part)` is unique.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SourceKey {
    /// Who reports.
    pub source: SourceId,
    /// Its number of the receipt.
    pub receipt: ReceiptNo,
    /// What happened to the receipt.
    pub action: SourceAction,
    /// First line of this document inside the receipt (0 unless the fact was split).
    #[serde(default)]
    pub part: u32,
}

/// What a source says happened to a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceAction {
    /// It was sold (or taken back) for the first time.
    Record,
    /// It was voided.
    Void,
}

/// The parts of a larger fact: applied when all are there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Group {
    /// Which fact.
    pub id: GroupId,
    /// Which part of it, from 0.
    pub index: u32,
    /// How many parts there are.
    pub of: u32,
}

/// Points at a document, by its place or by its source's key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentRef {
    /// By its place.
    Place(Place),
    /// By the source that reported it.
    Source(SourceKey),
}
