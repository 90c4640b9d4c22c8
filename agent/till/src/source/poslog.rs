//! Sales as POSLog: a subset of the XML that NRF ARTS (now OMG) defines for retail transactions.
//!
//! Read are `Transaction` elements with `RetailStoreID`, `WorkstationID`, `SequenceNumber`,
//! `BusinessDayDate`, their times, `LineItem`s with `Sale` or `Return` (`POSIdentity/POSItemID`,
//! `ItemID`, `Quantity`, prices), `Tender`s, and post-voids through `TransactionLink`. Lines with
//! `VoidFlag="true"` and transactions with `CancelFlag="true"` never happened. Names are matched
//! without their namespace. A document type or an entity of its own is refused: no file may make
//! this program read or expand anything else.
//!
//! A receipt's number is `BusinessDayDate/SequenceNumber`, its source the workstation.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::poslog_transaction::{Ids, PosLine, PosTender, Transaction};
use super::{Context, Found, InboxFault};

/// The largest file.
pub const POSLOG_BYTES_MAX: usize = 64 * 1024 * 1024;
/// The deepest nesting.
pub const POSLOG_DEPTH_MAX: usize = 64;
/// The most lines of one transaction.
pub const POSLOG_LINES_MAX: usize = 10_000;
/// The longest text of one element that matters.
const TEXT_BYTES_MAX: usize = 256;

/// What a file held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoslogCounts {
    /// Transactions that became facts.
    pub facts: u64,
    /// Transactions without goods: cancelled ones, reports, sign-ons.
    pub passed_over: u64,
    /// Faults.
    pub faults: u64,
}

/// A file can't be read to its end. Facts found before the error are good.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PoslogError {
    /// Too large.
    #[error("the file has {bytes} bytes; at most {POSLOG_BYTES_MAX} are taken: split it by day")]
    TooLarge {
        /// How large it is.
        bytes: usize,
    },
    /// Not UTF-8.
    #[error("the file is not UTF-8 from byte {at} on; export it in UTF-8")]
    Encoding {
        /// Where.
        at: usize,
    },
    /// Has a document type.
    #[error("the file has a document type (DTD), which is refused; export it without one")]
    DocType,
    /// Nested too deeply.
    #[error("elements are nested deeper than {POSLOG_DEPTH_MAX} at byte {at}")]
    Depth {
        /// Where.
        at: u64,
    },
    /// Broken or half written.
    #[error("the XML breaks off or is damaged at byte {at}: {what}")]
    Syntax {
        /// Where.
        at: u64,
        /// What the XML reader says.
        what: String,
    },
    /// Another kind of XML.
    #[error("the file has no POSLog `Transaction`")]
    NoTransaction,
}

/// Reads one file. What was found is in `out` even where an error ends the reading.
pub fn read(
    bytes: &[u8],
    context: &Context<'_>,
    out: &mut Vec<Found>,
) -> Result<PoslogCounts, PoslogError> {
    if bytes.len() > POSLOG_BYTES_MAX {
        let bytes = bytes.len();
        return Err(PoslogError::TooLarge { bytes });
    }
    let text = std::str::from_utf8(bytes).map_err(|error| PoslogError::Encoding {
        at: error.valid_up_to(),
    })?;
    let mut walk = Walk {
        text,
        context,
        path: Vec::new(),
        leaf: String::new(),
        transaction: None,
        seen: false,
        counts: PoslogCounts::default(),
    };
    walk.run(out)?;
    if walk.seen {
        Ok(walk.counts)
    } else {
        Err(PoslogError::NoTransaction)
    }
}

struct Walk<'a> {
    text: &'a str,
    context: &'a Context<'a>,
    path: Vec<String>,
    leaf: String,
    transaction: Option<Transaction>,
    seen: bool,
    counts: PoslogCounts,
}

impl Walk<'_> {
    fn run(&mut self, out: &mut Vec<Found>) -> Result<(), PoslogError> {
        let mut reader = Reader::from_str(self.text);
        reader.config_mut().expand_empty_elements = true;
        loop {
            let at = reader.buffer_position();
            let syntax = |what: String| PoslogError::Syntax { at, what };
            match reader.read_event().map_err(|it| syntax(it.to_string()))? {
                Event::Start(start) if self.path.len() < POSLOG_DEPTH_MAX => self.open(&start, at),
                Event::Start(_) => return Err(PoslogError::Depth { at }),
                Event::End(_) => self.close(reader.buffer_position(), out),
                Event::Text(text) => self.push(&text.into_inner()),
                Event::CData(text) => self.push(&text.into_inner()),
                Event::GeneralRef(reference) => {
                    let plain = match reference.resolve_char_ref() {
                        Ok(Some(character)) => Some(character),
                        _ => predefined(&reference.borrow().into_inner()),
                    };
                    let unknown = || syntax("an entity that the file must not use".to_owned());
                    let mut buffer = [0; 4];
                    self.push(plain.ok_or_else(unknown)?.encode_utf8(&mut buffer));
                }
                Event::DocType(_) => return Err(PoslogError::DocType),
                Event::Eof if self.path.is_empty() => return Ok(()),
                Event::Eof => return Err(syntax("the file ends inside an element".to_owned())),
                Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            }
        }
    }

    fn push(&mut self, text: &str) {
        let room = TEXT_BYTES_MAX.saturating_sub(self.leaf.len());
        self.leaf.extend(text.chars().take(room));
    }

    fn inside(&self, name: &str) -> bool {
        self.path.iter().any(|it| it == name)
    }

    fn open(&mut self, start: &BytesStart<'_>, at: u64) {
        let name = start.local_name().into_inner().to_owned();
        self.leaf.clear();
        let flag =
            |wanted: &str| attribute(start, wanted).is_some_and(|it| it == "true" || it == "1");
        if name == "Transaction" && self.transaction.is_none() {
            self.seen = true;
            let mut transaction = Transaction::new(at);
            transaction.cancelled = flag("CancelFlag");
            self.transaction = Some(transaction);
        }
        let in_line = self.inside("LineItem");
        if let Some(transaction) = &mut self.transaction {
            match name.as_str() {
                "LineItem" if !in_line => {
                    transaction.line = PosLine::default();
                    transaction.line.voided = flag("VoidFlag");
                }
                "Sale" if in_line => transaction.line.goods = true,
                "Return" if in_line => {
                    transaction.line.goods = true;
                    transaction.line.back = true;
                }
                "Tender" if in_line => {
                    let kind = attribute(start, "TenderType").unwrap_or_default();
                    transaction.line.tender = Some(PosTender {
                        kind,
                        amount: String::new(),
                    });
                }
                "TransactionLink" => transaction.link = Some(Ids::default()),
                _ => {}
            }
        }
        self.path.push(name);
    }

    fn close(&mut self, end: u64, out: &mut Vec<Found>) {
        let Some(name) = self.path.pop() else {
            return;
        };
        let leaf = std::mem::take(&mut self.leaf).trim().to_owned();
        let (in_line, in_link) = (self.inside("LineItem"), self.inside("TransactionLink"));
        let outermost = name == "Transaction" && !self.inside("Transaction");
        let Some(transaction) = &mut self.transaction else {
            return;
        };
        match name.as_str() {
            "Transaction" if outermost => self.end_transaction(end, out),
            "LineItem" if !in_line => transaction.end_line(POSLOG_LINES_MAX),
            _ if in_line => transaction.line.set(&name, leaf),
            _ => transaction.set(&name, leaf, in_link),
        }
    }

    fn end_transaction(&mut self, end: u64, out: &mut Vec<Found>) {
        let Some(transaction) = self.transaction.take() else {
            return;
        };
        let position = |it: u64| usize::try_from(it).unwrap_or(usize::MAX);
        let raw = self.text.get(position(transaction.start)..position(end));
        let raw = raw.unwrap_or_default();
        let (place, mut faults) = (transaction.place(), Vec::new());
        match transaction.into_fact(self.context, raw, &mut faults) {
            Ok(Some(fact)) => {
                self.counts.facts += 1;
                out.push(Found::Fact(Box::new(fact)));
            }
            Ok(None) => self.counts.passed_over += 1,
            Err(what) => faults.push((place, what)),
        }
        for (place, what) in faults {
            self.counts.faults += 1;
            let hint = "enter what is missing by hand: everything else is counted";
            out.push(Found::Fault(InboxFault::new(place, what, hint, raw)));
        }
    }
}

fn predefined(entity: &str) -> Option<char> {
    Some(match entity {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => return None,
    })
}

/// An attribute by its local name. Damaged attributes are as if they weren't there.
fn attribute(start: &BytesStart<'_>, wanted: &str) -> Option<String> {
    let mut attributes = start.attributes().flatten();
    let found = attributes.find(|it| it.key.local_name().into_inner() == wanted)?;
    Some(found.value.chars().take(TEXT_BYTES_MAX).collect())
}
