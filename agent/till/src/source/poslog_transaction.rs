//! One POSLog transaction: the texts of its elements, then a fact.

use std::str::FromStr;

use shelf_stock::document::{
    DOCUMENT_TENDERS_MAX, Kind, PaymentState, SourceAction, SourceKey, Tender, TenderKind,
};
use shelf_stock::money::Money;
use shelf_stock::name::{Reason, ReceiptNo, SourceId, StaffId, TillId};
use shelf_stock::quantity::Quantity;
use shelf_stock::time::Timestamp;

use super::line::{Foreign, Row};
use super::{Context, Imported, Report, Work, clock, drafts, hash};
use crate::basket::Goods;

/// Where and what.
type Faults = Vec<(String, String)>;

/// The natural key of a transaction.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ids {
    store: String,
    workstation: String,
    sequence: String,
    day: String,
}

#[derive(Debug, Default)]
pub(crate) struct PosTender {
    pub(crate) kind: String,
    pub(crate) amount: String,
}

/// One `LineItem`.
#[derive(Debug, Default)]
pub(crate) struct PosLine {
    pub(crate) voided: bool,
    pub(crate) goods: bool,
    pub(crate) back: bool,
    pub(crate) tender: Option<PosTender>,
    code: String,
    item: String,
    serial: String,
    quantity: String,
    price: String,
    amount: String,
}

impl PosLine {
    /// Takes the text of an element inside the line.
    pub(crate) fn set(&mut self, name: &str, text: String) {
        match (name, &mut self.tender) {
            ("Amount", Some(tender)) => tender.amount = text,
            ("POSItemID", _) => self.code = text,
            ("ItemID", _) => self.item = text,
            ("SerialNumber", _) => self.serial = text,
            ("Quantity", _) => self.quantity = text,
            ("ActualSalesUnitPrice", _) => self.price = text,
            ("RegularSalesUnitPrice", _) if self.price.is_empty() => self.price = text,
            ("ExtendedAmount", _) => self.amount = text,
            _ => {}
        }
    }
}

#[derive(Debug)]
pub(crate) struct Transaction {
    pub(crate) start: u64,
    pub(crate) cancelled: bool,
    pub(crate) line: PosLine,
    /// What a post-void undoes.
    pub(crate) link: Option<Ids>,
    ids: Ids,
    time: String,
    staff: String,
    lines: Vec<PosLine>,
    too_many: bool,
}

impl Transaction {
    pub(crate) fn new(start: u64) -> Self {
        Self {
            start,
            cancelled: false,
            line: PosLine::default(),
            link: None,
            ids: Ids::default(),
            time: String::new(),
            staff: String::new(),
            lines: Vec::new(),
            too_many: false,
        }
    }

    /// Takes the text of an element outside of lines.
    pub(crate) fn set(&mut self, name: &str, text: String, in_link: bool) {
        let ids = match &mut self.link {
            Some(link) if in_link => link,
            _ => &mut self.ids,
        };
        match name {
            "RetailStoreID" => ids.store = text,
            "WorkstationID" => ids.workstation = text,
            "SequenceNumber" => ids.sequence = text,
            "BusinessDayDate" => ids.day = text,
            "OperatorID" if !in_link => self.staff = text,
            "EndDateTime" if !in_link => self.time = text,
            "BeginDateTime" if !in_link && self.time.is_empty() => self.time = text,
            _ => {}
        }
    }

    pub(crate) fn end_line(&mut self, lines_max: usize) {
        let line = std::mem::take(&mut self.line);
        if line.voided || (!line.goods && line.tender.is_none()) {
            return;
        }
        if self.lines.len() < lines_max {
            self.lines.push(line);
        } else {
            self.too_many = true;
        }
    }

    pub(crate) fn place(&self) -> String {
        let Ids {
            workstation,
            sequence,
            day,
            ..
        } = &self.ids;
        format!("transaction {sequence} of {day} at {workstation}")
    }

    /// The fact, or none where nothing happened. Lines that can't be used are told in `faults` and
    /// left out.
    pub(crate) fn into_fact(
        self,
        context: &Context<'_>,
        raw: &str,
        faults: &mut Faults,
    ) -> Result<Option<Imported>, String> {
        let goods = self.lines.iter().any(|it| it.goods);
        if self.cancelled || (!goods && self.link.is_none()) {
            return Ok(None);
        }
        if self.too_many {
            return Err("it has too many lines".to_owned());
        }
        let key = self.ids.key(context)?;
        let at = clock::read(&self.time, None, context.zone).map_err(|it| it.to_string())?;
        let body_hash = hash(raw.as_bytes());
        if let (Some(link), false) = (&self.link, goods) {
            let sale = link.or(&self.ids).key(context)?;
            let reason = Reason::new("voided").map_err(|it| it.to_string())?;
            let key = SourceKey {
                action: SourceAction::Void,
                ..sale.clone()
            };
            let work = Work::Void { sale, at, reason };
            return Ok(Some(Imported {
                key,
                body_hash,
                work,
                goods: Vec::new(),
            }));
        }
        let (report, goods) = self.report(key.clone(), at, context, faults)?;
        if report.lines.is_empty() {
            return Err("none of its lines can be used".to_owned());
        }
        let work = Work::Record(drafts(report).map_err(|it| it.to_string())?);
        Ok(Some(Imported {
            key,
            body_hash,
            work,
            goods,
        }))
    }

    fn report(
        self,
        key: SourceKey,
        at: Timestamp,
        context: &Context<'_>,
        faults: &mut Faults,
    ) -> Result<(Report, Vec<Goods>), String> {
        let mut goods = Vec::new();
        let place = self.place();
        let mut report = Report {
            kind: Kind::Sale,
            key,
            till: TillId::new(&self.ids.workstation).ok(),
            staff: StaffId::new(&self.staff).ok(),
            lines: Vec::new(),
            tenders: Vec::new(),
        };
        for (number, line) in (1..).zip(self.lines) {
            let at_line = |what| (format!("{place}, line {number}"), what);
            match &line.tender {
                Some(tender) => match read_tender(tender) {
                    Ok(tender) => report.tenders.push(tender),
                    Err(what) => faults.push(at_line(what)),
                },
                None => match read_line(&line, at, context) {
                    Ok(row) => {
                        report.lines.push(row.line);
                        goods.push(row.goods);
                    }
                    Err(what) => faults.push(at_line(what)),
                },
            }
        }
        if report.tenders.len() > DOCUMENT_TENDERS_MAX {
            return Err(format!("it has more than {DOCUMENT_TENDERS_MAX} tenders"));
        }
        Ok((report, goods))
    }
}

impl Ids {
    /// These, with what is left out taken from another.
    fn or(&self, other: &Self) -> Self {
        let pick =
            |mine: &String, theirs: &String| if mine.is_empty() { theirs } else { mine }.clone();
        Self {
            store: pick(&self.store, &other.store),
            workstation: pick(&self.workstation, &other.workstation),
            sequence: self.sequence.clone(),
            day: pick(&self.day, &other.day),
        }
    }

    fn key(&self, context: &Context<'_>) -> Result<SourceKey, String> {
        if !self.store.is_empty() && self.store != context.store.as_str() {
            return Err(format!(
                "it belongs to the store `{}`, this PC to `{}`",
                self.store, context.store
            ));
        }
        if self.sequence.is_empty() || self.day.is_empty() {
            return Err("it has no SequenceNumber or no BusinessDayDate".to_owned());
        }
        let source = SourceId::new(&self.workstation).map_err(|it| it.to_string())?;
        let receipt = ReceiptNo::new(format!("{}/{}", self.day, self.sequence));
        Ok(SourceKey {
            source,
            receipt: receipt.map_err(|it| it.to_string())?,
            action: SourceAction::Record,
            part: 0,
        })
    }
}

fn parse<T: FromStr>(text: &str) -> Result<Option<T>, String>
where
    T::Err: std::fmt::Display,
{
    let some = Some(text).filter(|it| !it.is_empty());
    some.map(|it| it.parse().map_err(|error: T::Err| error.to_string()))
        .transpose()
}

fn read_line(line: &PosLine, at: Timestamp, context: &Context<'_>) -> Result<Row, String> {
    let quantity: Quantity = parse(&line.quantity)?.unwrap_or(Quantity::ONE);
    let back = line.back && quantity > Quantity::ZERO;
    let named = |it: &&str| !it.is_empty() && !it.eq_ignore_ascii_case("department");
    let foreign = Foreign {
        code: Some(line.code.as_str()).filter(named),
        item: Some(line.item.as_str()).filter(named),
        epc: None,
        serial: Some(line.serial.as_str()).filter(named),
        quantity: if back { quantity.negated() } else { quantity },
        unit_price: parse::<Money>(&line.price)?,
        amount: parse::<Money>(&line.amount)?,
        to: None,
        reason: None,
        effective: at,
    };
    foreign
        .into_line(context.resolve, context.returns)
        .map_err(|it| it.to_string())
}

fn read_tender(tender: &PosTender) -> Result<Tender, String> {
    let kind = match tender.kind.to_ascii_lowercase().as_str() {
        "cash" => TenderKind::Cash,
        "creditdebit" | "credit" | "debit" => TenderKind::Card,
        _ => TenderKind::Other,
    };
    let amount = parse::<Money>(&tender.amount)?.ok_or("a tender has no amount")?;
    Ok(Tender {
        kind,
        amount,
        reference: None,
        state: PaymentState::Captured,
    })
}
