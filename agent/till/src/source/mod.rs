//! Sales that other systems report, as drafts or as faults for the inbox.
//!
//! A POS may report by API ([`api`]), drop files ([`csv`], [`poslog`], moved along by
//! [`file_drop`]), or only print ([`receipt`]). Reports repeat, arrive late and hold strange
//! values; so each fact carries its source's own key and a hash of its body (same key and hash:
//! nothing new; same key, other hash: a conflict for the inbox), and what can't be used becomes an
//! [`InboxFault`] with its raw text while everything behind it flows on. Nothing is dropped
//! silently, nothing is repaired by a guess.

pub mod api;
pub mod clock;
pub mod csv;
pub mod file_drop;
pub mod poslog;
pub mod receipt;

mod line;
mod mask;
mod poslog_transaction;

pub use mask::masked;

use sha2::Digest as _;
use shelf_stock::document::{Draft, Kind, Line, SourceKey, Tender};
use shelf_stock::identity::Digest;
use shelf_stock::item::Item;
use shelf_stock::name::{Code, NameError, Reason, StaffId, StoreId, TillId};
use shelf_stock::returns::ReturnRules;
use shelf_stock::time::Timestamp;

use crate::basket::Goods;
use crate::basket::draft::split;

/// The most characters of raw input that a fault keeps.
pub const FAULT_RAW_CHARS_MAX: usize = 4_096;

/// What a code or an item number of a foreign system means here. The shell answers from its
/// catalogue.
pub trait Resolve {
    /// Looks a code up that was read off goods.
    fn code(&self, code: &str) -> Resolved;

    /// Looks an item number up.
    fn item(&self, number: &str) -> Option<Item>;

    /// Items whose names begin like this, whatever the case, the shortest first; the whole name
    /// is always among them. Nobody where names are not looked up.
    fn names(&self, _beginning: &str) -> Vec<Item> {
        Vec::new()
    }

    /// Which very thing a text names: a tag's digits or URI, or a code that has a serial number in it or
    /// beside it. `None` where it names none; a shop without tags never asks.
    fn thing(&self, _text: &str, _serial: Option<&str>) -> Option<Named> {
        None
    }
}

/// One very thing that a foreign system named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The thing, as [`Goods`] has it.
    pub thing: String,
    /// The code of its article, where the thing tells it.
    pub code: Option<String>,
}

/// What became of a look-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolved {
    /// An item.
    Item {
        /// The catalogue's entry.
        item: Box<Item>,
        /// The normalised code.
        code: Code,
    },
    /// A code that no item has; it posts once it is bound.
    Unknown(Code),
    /// No code at all.
    Bad {
        /// What is wrong, for people.
        reason: String,
    },
}

/// What every importer is told about the shop.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The store; a report about another store is refused.
    pub store: &'a StoreId,
    /// Where codes are looked up.
    pub resolve: &'a dyn Resolve,
    /// What local times mean.
    pub zone: &'a dyn clock::Zone,
    /// Where returned goods go.
    pub returns: &'a ReturnRules,
}

/// One fact of a foreign system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// Its identity at its source.
    pub key: SourceKey,
    /// SHA-256 of what the source said about it.
    pub body_hash: Digest,
    /// What to do.
    pub work: Work,
    /// What left or came back, for whoever follows single things. Empty for a void, which undoes what its
    /// sale said.
    pub goods: Vec<Goods>,
}

/// How far ahead of this PC's clock a report may be before its clock counts as wrong.
pub const REPORT_AHEAD_MS_MAX: i64 = 120_000;

impl Imported {
    /// By how many milliseconds the report lies in the future, where that is more than
    /// [`REPORT_AHEAD_MS_MAX`]: the source's clock (or ours) is wrong, and the report belongs in
    /// the inbox until somebody looked at it. How far a report may lie in the past is no question:
    /// files arrive days late.
    pub fn ahead_ms(&self, now: Timestamp) -> Option<i64> {
        let latest = match &self.work {
            Work::Record(drafts) => {
                let lines = drafts.iter().flat_map(|it| &it.lines);
                lines.map(|it| it.effective).max()?
            }
            Work::Void { at, .. } => *at,
        };
        let ahead = latest.millis_since(now);
        (ahead > REPORT_AHEAD_MS_MAX).then_some(ahead)
    }
}

/// What an imported fact asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// Record these drafts in one transaction.
    Record(Vec<Draft>),
    /// Undo a recorded sale: find all documents with this key (any part), give them to
    /// [`crate::basket::draft::void`], and record the result. If the ledger has no such sale, the
    /// report belongs in the inbox.
    Void {
        /// The sale's key.
        sale: SourceKey,
        /// When it was voided.
        at: Timestamp,
        /// Why.
        reason: Reason,
    },
}

/// Something for the inbox: what can't be used, kept until somebody deals with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboxFault {
    /// Where: line 7, receipt 815, `lines[2].quantity`.
    pub place: String,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub hint: &'static str,
    /// The raw text, bounded, with card numbers masked.
    pub raw: String,
    /// Whether the goods moved nevertheless and only a detail (such as a price) is missing.
    pub counted: bool,
}

impl InboxFault {
    pub(crate) fn new(place: String, what: String, hint: &'static str, raw: &str) -> Self {
        let raw: String = raw.chars().take(FAULT_RAW_CHARS_MAX).collect();
        Self {
            place,
            what,
            hint,
            raw: masked(&raw),
            counted: false,
        }
    }
}

/// What an importer found: a fact or a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A fact.
    Fact(Box<Imported>),
    /// A fault.
    Fault(InboxFault),
}

/// SHA-256 of some bytes.
pub fn hash(bytes: &[u8]) -> Digest {
    Digest::from_bytes(sha2::Sha256::digest(bytes).into())
}

/// What one draft of a report is made of.
pub(crate) struct Report {
    pub(crate) kind: Kind,
    pub(crate) key: SourceKey,
    pub(crate) till: Option<TillId>,
    pub(crate) staff: Option<StaffId>,
    pub(crate) lines: Vec<Line>,
    pub(crate) tenders: Vec<Tender>,
}

/// A report as drafts: a group where it is larger than a document. The group's name is derived
/// from the key, so that a repetition makes the same one.
pub(crate) fn drafts(report: Report) -> Result<Vec<Draft>, NameError> {
    let key = &report.key;
    let name = hash(format!("{}\n{}\n{}", key.source, key.receipt, key.part).as_bytes());
    let name: String = name.to_string().chars().take(32).collect();
    let mut whole = Draft::new(report.kind);
    whole.source = Some(report.key);
    whole.till = report.till;
    whole.staff = report.staff;
    whole.lines = report.lines;
    whole.tenders = report.tenders;
    split(whole, &name)
}
