//! From what a scanner read to what a till understands: codes are normalised, looked up in the
//! catalogue and given the stock policy's opinion.
//!
//! The one place where barcodes meet the catalogue, used by scanners, typed codes, the count page
//! and imports alike, so that a code means the same everywhere. It refuses what must never be
//! stored before anything else sees it.

use shelf_codecs::barcode::{
    Barcode, Gtin, Measure, MeasureTemplate, MeasureUnit, RefusedKind as Payment, ScanText,
    interpret,
};
use shelf_stock::item::Item;
use shelf_stock::money::Money;
use shelf_stock::name::Code;
use shelf_stock::quantity::Quantity;
use shelf_till::basket::{Read, ReadItem, RefusedKind, StockFlag};

use crate::config::{PolicySettings, StockPolicy};

/// Prefix of codes that mean something only in this store.
const IN_STORE: &str = "in-store:";

/// What can be looked up.
pub(crate) trait Catalogue {
    /// The item that is sold under a code.
    fn find(&self, code: &Code) -> Option<Item>;
    /// What the book says of an item: sellable here and now.
    fn on_hand(&self, item: &Item) -> Quantity;
}

/// The store's rules for reading codes.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    templates: Vec<MeasureTemplate>,
    policy: StockPolicy,
}

/// A layout in the configuration can't be used.
#[derive(Debug, thiserror::Error)]
#[error("`policy.measure_templates` has `{template}`")]
pub(crate) struct ReadingError {
    template: String,
    #[source]
    source: shelf_codecs::barcode::TemplateError,
}

impl Reading {
    /// From the configuration. A template is `UNIT:LAYOUT` with the units kg, lb, price, count;
    /// without unit it is kg.
    pub(crate) fn new(policy: &PolicySettings) -> Result<Self, ReadingError> {
        let template = |text: &String| {
            let (unit, layout) = match text.split_once(':') {
                Some(("lb", layout)) => (MeasureUnit::Pound, layout),
                Some(("price", layout)) => (MeasureUnit::Price, layout),
                Some(("count", layout)) => (MeasureUnit::Count, layout),
                Some((_, layout)) => (MeasureUnit::Kilogram, layout),
                None => (MeasureUnit::Kilogram, text.as_str()),
            };
            MeasureTemplate::braces(layout, unit).map_err(|source| ReadingError {
                template: text.clone(),
                source,
            })
        };
        let templates = policy
            .measure_templates
            .iter()
            .map(template)
            .collect::<Result<_, _>>()?;
        Ok(Self {
            templates,
            policy: policy.out_of_stock,
        })
    }

    /// What a scan or a typed code is.
    pub(crate) fn read(&self, scan: &ScanText<'_>, catalogue: &impl Catalogue) -> Read {
        match interpret(scan, &self.templates) {
            Barcode::Gtin(gtin) => self.gtin(gtin, catalogue),
            Barcode::Gs1(elements) => match elements.gtin() {
                Some(gtin) => self.gtin(gtin, catalogue),
                None => self.code(in_store(elements.text()), None, catalogue),
            },
            Barcode::VariableMeasure {
                item_code, measure, ..
            } => self.code(in_store(&item_code), Some(measure), catalogue),
            Barcode::Internal(text) => self.code(in_store(&text), None, catalogue),
            Barcode::Ambiguous8(text) => self.eight(&text, catalogue),
            Barcode::Refused(refused) => Read::Refused {
                kind: kind(refused.kind),
            },
            Barcode::Bad { reason, masked } => Read::Bad {
                reason: reason.to_string(),
                masked,
            },
        }
    }

    /// An item that was picked from a search or a quick key.
    pub(crate) fn picked(&self, item: Item, catalogue: &impl Catalogue) -> Read {
        self.item(item, None, None, catalogue)
    }

    fn gtin(&self, gtin: Gtin, catalogue: &impl Catalogue) -> Read {
        self.code(Code::new(gtin.to_string()).ok(), None, catalogue)
    }

    fn code(
        &self,
        code: Option<Code>,
        measure: Option<Measure>,
        catalogue: &impl Catalogue,
    ) -> Read {
        let Some(code) = code else {
            return Read::Bad {
                reason: format!("the code is longer than {} bytes", Code::BYTES_MAX),
                masked: String::new(),
            };
        };
        match catalogue.find(&code) {
            Some(item) => self.item(item, Some(code), measure, catalogue),
            None => Read::Unknown { code },
        }
    }

    /// Eight digits that are an EAN-8 and a UPC-E: whichever the store sells, never a guess.
    fn eight(&self, text: &str, catalogue: &impl Catalogue) -> Read {
        let readings = [Gtin::parse(text).ok(), Gtin::from_upc_e(text).ok()];
        let code = |gtin: &Gtin| Code::new(gtin.to_string()).ok();
        let mut known = readings
            .iter()
            .flatten()
            .filter_map(code)
            .filter_map(|code| {
                let item = catalogue.find(&code)?;
                Some((item, code))
            });
        match (known.next(), known.next()) {
            (Some((item, code)), None) => self.item(item, Some(code), None, catalogue),
            _ => Read::Bad {
                reason: "eight digits that can be an EAN-8 or a UPC-E: let the scanner send the \
                         symbology (AIM) identifier"
                    .into(),
                masked: text.into(),
            },
        }
    }

    fn item(
        &self,
        item: Item,
        code: Option<Code>,
        measure: Option<Measure>,
        catalogue: &impl Catalogue,
    ) -> Read {
        let quantity = match measure {
            Some(Measure::Weight(thousandths)) => Some(Quantity::thousandths(thousandths)),
            Some(Measure::Count(pieces)) => Some(Quantity::units(pieces)),
            Some(Measure::Price(_)) | None => None,
        };
        let amount = match measure {
            Some(Measure::Price(minor)) => Some(Money::minor(minor)),
            _ => None,
        };
        let none_left = catalogue.on_hand(&item) <= Quantity::ZERO;
        let stock = match self.policy {
            StockPolicy::Warn if none_left => StockFlag::Warn,
            StockPolicy::Warn | StockPolicy::Nothing => StockFlag::Fine,
        };
        Read::Item(Box::new(ReadItem {
            item,
            code,
            quantity,
            amount,
            stock,
        }))
    }
}

/// A code as catalogues and imports write it: a GTIN of any length becomes 14 digits, everything
/// else the store's own. `None`: nothing that may be stored.
pub(crate) fn normal_code(text: &str) -> Option<Code> {
    match interpret(&ScanText::plain(text.as_bytes()), &[]) {
        Barcode::Gtin(gtin) => Code::new(gtin.to_string()).ok(),
        Barcode::Gs1(elements) => match elements.gtin() {
            Some(gtin) => Code::new(gtin.to_string()).ok(),
            None => in_store(elements.text()),
        },
        Barcode::Internal(text) | Barcode::Ambiguous8(text) => in_store(&text),
        Barcode::VariableMeasure { item_code, .. } => in_store(&item_code),
        Barcode::Refused(_) | Barcode::Bad { .. } => None,
    }
}

fn in_store(text: &str) -> Option<Code> {
    let text = text
        .strip_prefix(IN_STORE)
        .unwrap_or(text)
        .replace('\u{1d}', "|");
    Code::new(format!("{IN_STORE}{text}")).ok()
}

fn kind(payment: Payment) -> RefusedKind {
    match payment {
        Payment::MagneticStripe => RefusedKind::Magstripe,
        Payment::CardNumber => RefusedKind::Card,
        Payment::Wallet => RefusedKind::Wallet,
    }
}
