//! `POST /api/v1/sales`: what an existing POS tells us about one receipt.
//!
//! The body is one [`SaleDocument`] in JSON. Its identity is (store, till, transaction): sending the
//! same body again changes nothing, another body for the same identity is a conflict that goes to
//! the inbox and is answered with 409. Quantities and prices are decimal text; a JSON number is
//! taken by its digits and never becomes a float.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::value::RawValue;
use shelf_stock::document::{
    DOCUMENT_TENDERS_MAX, Kind, PaymentState, SourceAction, SourceKey, Tender, TenderKind,
};
use shelf_stock::location::Location;
use shelf_stock::money::Money;
use shelf_stock::name::{NameError, Reason, ReceiptNo, SourceId, StaffId, TenderRef, TillId};
use shelf_stock::quantity::Quantity;
use shelf_stock::time::Timestamp;

use super::line::{Foreign, Row};
use super::{Context, Imported, InboxFault, Report, Work, clock, drafts, hash};
use crate::basket::Goods;

/// The largest body.
pub const API_BODY_BYTES_MAX: usize = 1024 * 1024;
/// The most lines of one receipt.
pub const API_LINES_MAX: usize = 10_000;

/// One receipt of an existing POS: a sale, a return, an exchange, or the void of one of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaleDocument {
    /// The store; may be left out, and must be this PC's store where it is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
    /// The till: letters, digits, `-`, `_`, `.`; at most 40.
    pub till: String,
    /// The receipt's number, unique at this till for ever (put the date in front if yours start
    /// again every day); at most 64 bytes.
    pub transaction: String,
    /// What happened to the receipt.
    #[serde(default)]
    pub action: Action,
    /// When: `2026-11-21T14:03:00+01:00`, or without offset for local time. For a void, the time of
    /// the void.
    pub time: String,
    /// The zone of a time without offset, such as `Europe/Berlin`; left out: the store's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Who served: an opaque number, never a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staff: Option<String>,
    /// What moved. Empty for a void: it undoes all of its receipt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<SaleLine>,
    /// What paid; may be left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub payments: Vec<SalePayment>,
    /// Why it was voided, at most 60 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What happened to a receipt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It was made: goods sold, taken back, or both.
    #[default]
    Sale,
    /// It was undone as a whole.
    Void,
}

/// One line of a receipt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaleLine {
    /// What the scanner read. A code that no item has is counted once it is bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The item's number, if it is known; wins over the code. A line with neither, but with a
    /// price, is money without goods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    /// The tag of this very thing, where it has one: hexadecimal digits or an EPC URI. Exits and tills then
    /// know that it is sold; it names the article, too, where code and item are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epc: Option<String>,
    /// The serial number of this very thing (GS1 AI 21), beside a GTIN in `code`; a code that has it inside
    /// (element string, Digital Link) needs no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// How much, with at most three decimals: `"2"`, `"0.375"`. Negative is a return.
    pub quantity: Decimal,
    /// Whether it comes back from the customer; the same as a negative quantity.
    #[serde(default, rename = "return", skip_serializing_if = "std::ops::Not::not")]
    pub is_return: bool,
    /// Where returned goods go (`floor`, `inspection`, `damaged`); left out: the store's rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Price per unit, with at most two decimals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_price: Option<Decimal>,
    /// What the line adds to the bill after discounts; left out: price times quantity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Decimal>,
    /// Why it came back or was priced by hand, at most 60 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it was scanned, if that is known; left out: the receipt's time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
}

/// One payment of a receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SalePayment {
    /// How.
    pub kind: TenderKind,
    /// How much; negative is paid out.
    pub amount: Decimal,
    /// The payment's reference at the terminal; never a card number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

/// A decimal number by its digits: JSON text or a JSON number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decimal(pub String);

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        if raw.get().starts_with('"') {
            let text: String = serde_json::from_str(raw.get()).map_err(de::Error::custom)?;
            Ok(Self(text.trim().to_owned()))
        } else {
            Ok(Self(raw.get().to_owned()))
        }
    }
}

/// A body can't be used. Answered with 400 (413 where it is too large) and kept in the inbox.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// Too large.
    #[error("the body has {bytes} bytes; at most {API_BODY_BYTES_MAX} are taken")]
    TooLarge {
        /// How large it is.
        bytes: usize,
    },
    /// No such JSON.
    #[error("the body is no sale document: {source}")]
    Json {
        /// What the JSON reader says.
        #[source]
        source: serde_json::Error,
    },
    /// A field can't be used.
    #[error("{place}: {what}")]
    Field {
        /// Which field.
        place: String,
        /// What is wrong.
        what: String,
    },
}

impl ApiError {
    /// The error as a fault for the inbox.
    pub fn fault(&self, body: &[u8]) -> InboxFault {
        let place = match self {
            Self::Field { place, .. } => place.clone(),
            Self::TooLarge { .. } | Self::Json { .. } => "body".to_owned(),
        };
        let start = body.get(..body.len().min(2 * super::FAULT_RAW_CHARS_MAX));
        let raw = String::from_utf8_lossy(start.unwrap_or_default());
        let hint = "correct the POS's report and send it again";
        InboxFault::new(place, self.to_string(), hint, &raw)
    }
}

fn field<T, E: std::fmt::Display>(place: &str, result: Result<T, E>) -> Result<T, ApiError> {
    result.map_err(|error| ApiError::Field {
        place: place.to_owned(),
        what: error.to_string(),
    })
}

fn name<T: std::str::FromStr<Err = NameError>>(
    place: &str,
    text: Option<&str>,
) -> Result<Option<T>, ApiError> {
    text.map(|it| field(place, it.parse())).transpose()
}

/// Reads one body.
pub fn read(body: &[u8], context: &Context<'_>) -> Result<Imported, ApiError> {
    if body.len() > API_BODY_BYTES_MAX {
        return Err(ApiError::TooLarge { bytes: body.len() });
    }
    let sale: SaleDocument =
        serde_json::from_slice(body).map_err(|source| ApiError::Json { source })?;
    if sale
        .store
        .as_deref()
        .is_some_and(|it| it != context.store.as_str())
    {
        let what = format!("this PC belongs to the store `{}`", context.store);
        return field("store", Err(what));
    }
    let till: TillId = field("till", sale.till.parse())?;
    let source = field("till", SourceId::new(till.as_str()))?;
    let receipt = field("transaction", ReceiptNo::new(&sale.transaction))?;
    let at = field(
        "time",
        clock::read(&sale.time, sale.zone.as_deref(), context.zone),
    )?;
    let recorded = SourceKey {
        source,
        receipt,
        action: SourceAction::Record,
        part: 0,
    };
    let (key, work, goods) = match sale.action {
        Action::Sale => {
            let (work, goods) = record(&sale, (recorded.clone(), till, at), context)?;
            (recorded, work, goods)
        }
        Action::Void => {
            let (key, work) = void(&sale, recorded, at)?;
            (key, work, Vec::new())
        }
    };
    Ok(Imported {
        key,
        body_hash: hash(body),
        work,
        goods,
    })
}

fn void(
    sale: &SaleDocument,
    recorded: SourceKey,
    at: Timestamp,
) -> Result<(SourceKey, Work), ApiError> {
    if !sale.lines.is_empty() {
        let what = "a void undoes its whole receipt; send a return for single lines";
        return field("lines", Err(what));
    }
    let reason = name("reason", sale.reason.as_deref())?;
    let reason = reason.map_or_else(|| field("reason", Reason::new("voided")), Ok)?;
    let key = SourceKey {
        action: SourceAction::Void,
        ..recorded.clone()
    };
    let sale = recorded;
    Ok((key, Work::Void { sale, at, reason }))
}

fn record(
    sale: &SaleDocument,
    (key, till, at): (SourceKey, TillId, Timestamp),
    context: &Context<'_>,
) -> Result<(Work, Vec<Goods>), ApiError> {
    if sale.lines.is_empty() {
        return field("lines", Err("a sale needs at least one line"));
    }
    if sale.lines.len() > API_LINES_MAX {
        return field(
            "lines",
            Err(format!("at most {API_LINES_MAX} lines are taken")),
        );
    }
    if sale.payments.len() > DOCUMENT_TENDERS_MAX {
        return field(
            "payments",
            Err(format!("at most {DOCUMENT_TENDERS_MAX} payments are taken")),
        );
    }
    let lines = sale.lines.iter().enumerate();
    let rows = lines.map(|(index, it)| line(index, it, (sale, at), context));
    let rows = rows.collect::<Result<Vec<Row>, _>>()?;
    let (lines, goods) = Row::unzip(rows);
    let tenders = sale
        .payments
        .iter()
        .enumerate()
        .map(|(index, it)| tender(index, it));
    let report = Report {
        kind: Kind::Sale,
        key,
        till: Some(till),
        staff: name::<StaffId>("staff", sale.staff.as_deref())?,
        lines,
        tenders: tenders.collect::<Result<_, _>>()?,
    };
    let drafts = field("transaction", drafts(report))?;
    Ok((Work::Record(drafts), goods))
}

fn line(
    index: usize,
    line: &SaleLine,
    (sale, at): (&SaleDocument, Timestamp),
    context: &Context<'_>,
) -> Result<Row, ApiError> {
    let place = |what: &str| format!("lines[{index}].{what}");
    let quantity: Quantity = field(&place("quantity"), line.quantity.0.parse())?;
    let money = |what: &str, it: &Option<Decimal>| {
        let parsed = it
            .as_ref()
            .map(|it| field(&place(what), it.0.parse::<Money>()));
        parsed.transpose()
    };
    let effective = match &line.time {
        Some(time) => field(
            &place("time"),
            clock::read(time, sale.zone.as_deref(), context.zone),
        )?,
        None => at,
    };
    let to = line
        .to
        .as_deref()
        .map(|it| field(&place("to"), it.parse::<Location>()));
    let back = line.is_return && quantity > Quantity::ZERO;
    let foreign = Foreign {
        code: line.code.as_deref(),
        item: line.item.as_deref(),
        epc: line.epc.as_deref(),
        serial: line.serial.as_deref(),
        quantity: if back { quantity.negated() } else { quantity },
        unit_price: money("unit_price", &line.unit_price)?,
        amount: money("amount", &line.amount)?,
        to: to.transpose()?,
        reason: name(&place("reason"), line.reason.as_deref())?,
        effective,
    };
    let read = foreign.into_line(context.resolve, context.returns);
    field(&format!("lines[{index}]"), read)
}

fn tender(index: usize, payment: &SalePayment) -> Result<Tender, ApiError> {
    let place = |what: &str| format!("payments[{index}].{what}");
    let reference = payment.reference.as_deref().map(super::masked);
    Ok(Tender {
        kind: payment.kind,
        amount: field(&place("amount"), payment.amount.0.parse())?,
        reference: name::<TenderRef>(&place("reference"), reference.as_deref())?,
        state: PaymentState::Captured,
    })
}
