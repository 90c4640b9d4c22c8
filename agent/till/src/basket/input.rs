//! What can happen to a till. Codes arrive resolved: this machine knows no catalogue.

use serde::{Deserialize, Serialize};
use shelf_stock::document::Document;
use shelf_stock::identity::Place;
use shelf_stock::item::Item;
use shelf_stock::money::Money;
use shelf_stock::name::{Code, Epc, Reason, StaffId, TenderRef};
use shelf_stock::quantity::Quantity;
use shelf_stock::time::Timestamp;

use super::effect::What;
use super::id::{BasketId, IntentId};
use super::line::{LineNo, StockFlag};
use super::view::{Mode, Refusal};

/// One thing that happens at a till.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TillInput {
    /// The machine was just restored: unfinished work is taken up again (sales to record, terminals
    /// to ask).
    Started,
    /// A code was read or typed, or an item was picked from the search or a quick key.
    Read {
        /// What it is.
        read: Read,
        /// How it came.
        origin: Origin,
        /// When the device saw it, by the wall clock of this PC: the line's effective time.
        read_at: Timestamp,
    },
    /// The pad can't sell what lies on it.
    TagRefused(Refusal),
    /// The tag of one thing was read at this till: it becomes a row once in all of the till's baskets.
    Tagged {
        /// What the article of the tag is.
        read: Read,
        /// Which thing.
        epc: Epc,
        /// When the tag was read: the line's effective time.
        read_at: Timestamp,
    },
    /// Sets a row's quantity.
    Quantity {
        /// Which row; none means the last one.
        line: Option<LineNo>,
        /// How much.
        quantity: Quantity,
    },
    /// The till's scale weighed goods at rest for a row of this basket.
    Weighed {
        /// The basket that was on the counter when the scale was asked.
        basket: BasketId,
        /// Which row.
        line: LineNo,
        /// How much, in kilograms.
        quantity: Quantity,
    },
    /// Keys a price.
    KeyedPrice {
        /// For what.
        target: PriceTarget,
        /// Per unit.
        price: Money,
        /// Why.
        reason: Option<Reason>,
    },
    /// Sell, take back, or only look prices up.
    SetMode(Mode),
    /// Takes back the last change of a row.
    Undo,
    /// Takes a row out.
    VoidLine(LineNo),
    /// Abandons the open basket.
    VoidBasket,
    /// Sets the open basket aside.
    Park,
    /// Takes a basket back to the counter; an open one is parked.
    Resume(BasketId),
    /// Somebody's PIN (checked by the shell) approves a row.
    ApproveLine {
        /// Which row.
        line: LineNo,
        /// Who.
        staff: StaffId,
    },
    /// Dismisses the first alert. Comes only from its own key or button: never from a scan, never
    /// from Enter.
    Acknowledge,
    /// Pays what is due, or a part of it.
    Pay(PayWith),
    /// Asks the terminal to break off a payment that is under way.
    CancelPayment(IntentId),
    /// Gives a payment of an unfinished basket back.
    ReversePayment(IntentId),
    /// Asks the terminal once more about a payment.
    AskAgain(IntentId),
    /// The terminal's side has news of a payment.
    PaymentUpdate {
        /// Which.
        intent: IntentId,
        /// What.
        update: Update,
    },
    /// Somebody settles an unknown payment from the terminal's slip.
    Settle {
        /// Which.
        intent: IntentId,
        /// What the slip says.
        outcome: Outcome,
        /// Who says so.
        staff: Option<StaffId>,
    },
    /// At a start: the ledger already holds the sale of this payment, but nobody knows whether the
    /// terminal was told (the process died between the commit and [`TillInput::Committed`]).
    AlreadyRecorded(IntentId),
    /// A terminal gave money back after the sale was recorded; `sale` is what the ledger holds of
    /// it, all parts.
    ReversedAfterCommit {
        /// Which payment.
        intent: IntentId,
        /// The recorded sale.
        sale: Vec<Document>,
    },
    /// What [`super::TillEffect::Record`] asked for is durable.
    Committed {
        /// What.
        what: What,
        /// The place of its (first) document.
        place: Place,
    },
    /// What [`super::TillEffect::Record`] asked for could not be recorded.
    CommitFailed {
        /// What.
        what: What,
        /// Why, for people.
        message: String,
    },
    /// Tries once more to record after [`TillInput::CommitFailed`].
    RetryCommit(What),
    /// An event could not be persisted; the machine was restored before this call.
    StorageFailed {
        /// Why, for people.
        message: String,
    },
    /// Somebody else serves from now on.
    SetStaff(Option<StaffId>),
}

/// How a code came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A scanner read it; the duplicate guard applies.
    Scanned,
    /// The cashier typed it.
    Typed,
    /// Picked from the search or a quick key.
    Picked,
}

/// What a code turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// An item of the catalogue.
    Item(Box<ReadItem>),
    /// A code that no item has.
    Unknown {
        /// The code, normalised.
        code: Code,
    },
    /// Not readable: wrong check digit, too short, torn.
    Bad {
        /// What is wrong, for people.
        reason: String,
        /// What was read, already masked where it could be a card number.
        masked: String,
    },
    /// Readable, but nothing that may be stored.
    Refused {
        /// What it is.
        kind: RefusedKind,
    },
}

/// An item that was read, with what the code and the store say about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadItem {
    /// The catalogue's entry.
    pub item: Item,
    /// The code that was read.
    pub code: Option<Code>,
    /// The quantity that the code or the scale names.
    pub quantity: Option<Quantity>,
    /// The whole row's price that an in-store code names.
    pub amount: Option<Money>,
    /// What the stock policy says.
    pub stock: StockFlag,
}

/// Things that scanners read and that must not be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusedKind {
    /// A card number.
    Card,
    /// A track of a magnetic stripe.
    Magstripe,
    /// A code of a payment wallet.
    Wallet,
}

/// What a keyed price is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PriceTarget {
    /// A row.
    Line(LineNo),
    /// The last row that waits for a price, else the last row.
    Last,
    /// Goods without item: a new row with this text, which moves no stock.
    Open {
        /// What the row says.
        label: String,
    },
}

/// How to pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayWith {
    /// Notes and coins.
    Cash {
        /// What the customer gave; less than due leaves the rest open, more counts as what is due
        /// (this machine knows no change). None: exactly what is due.
        given: Option<Money>,
    },
    /// The terminal.
    Card {
        /// How much of what is due; none: all.
        amount: Option<Money>,
    },
}

/// News of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Update {
    /// The terminal shows something; volatile, never stored.
    Progress {
        /// Its text.
        text: String,
    },
    /// Paid; the terminal waits for [`super::TillEffect::ConfirmTerminal`].
    Approved {
        /// How much, where it differs from what was asked; always positive.
        amount: Option<Money>,
        /// The terminal's reference, without card data.
        reference: Option<TenderRef>,
    },
    /// Not charged: refused.
    Declined {
        /// Why, for people.
        text: String,
    },
    /// Not charged: broken off.
    Aborted {
        /// Why, for people.
        text: String,
    },
    /// Nobody knows.
    Unknown,
    /// Was approved and the money went back, before the sale was recorded.
    Reversed,
}

/// What a person read off the terminal's slip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Paid.
    Approved {
        /// The slip's number, without card data.
        slip: Option<TenderRef>,
    },
    /// Not charged.
    NotCharged,
}
