//! Rows: reading, quantities, keyed prices, taking back, setting aside.

use std::sync::Arc;

use shelf_stock::document::Subject;
use shelf_stock::item::{Item, ItemKind, Part};
use shelf_stock::money::Money;
use shelf_stock::name::{Code, Epc, Reason, StaffId};
use shelf_stock::quantity::{Quantity, Unit};
use shelf_stock::time::Timestamp;

use super::effect::{Sound, TillEffect};
use super::event::Change;
use super::id::BasketId;
use super::input::{Origin, PriceTarget, Read, ReadItem};
use super::line::{BasketLine, Direction, LineNo, PriceOrigin, StockFlag};
use super::state::{Basket, Stage};
use super::till::{Call, Till};
use super::view::{Mode, Notice, Refusal};

/// The most rows of one basket, voided ones included.
pub const BASKET_LINES_MAX: usize = 2_000;
/// The most baskets that may be set aside, those with an unknown payment not counted.
pub const PARKED_BASKETS_MAX: usize = 50;
/// Unknown codes shorter than this are torn scans.
pub const UNKNOWN_CODE_CHARS_MIN: usize = 6;
/// The largest price that can be keyed, in minor units: more is a barcode typed into the wrong
/// field.
pub const KEYED_PRICE_MINOR_MAX: i64 = 100_000_000;
/// The most characters of a text that a device or a person gave.
pub const TEXT_CHARS_MAX: usize = 80;

impl Till {
    pub(super) fn read(&mut self, call: &mut Call<'_>, read: Read, origin: Origin, at: Timestamp) {
        let code = match &read {
            Read::Item(item) => item.code.clone(),
            Read::Unknown { code } => Some(code.clone()),
            Read::Bad { .. } | Read::Refused { .. } => None,
        };
        if let (Origin::Scanned, Some(code)) = (origin, code)
            && self.is_duplicate(&code, at)
        {
            self.notice(Notice::Duplicate { code });
            return;
        }
        match read {
            Read::Bad { reason, masked } => self.bad_read(call, &reason, &masked),
            Read::Refused { kind } => {
                self.notice(Notice::RefusedRead { kind });
                call.sound = Some(Sound::Unknown);
            }
            Read::Unknown { code } => self.read_unknown(call, code, None, at),
            Read::Item(item) => self.read_item(call, *item, None, at),
        }
    }

    /// A thing that was read by its tag. One that stands in a basket of this till already is no second piece.
    pub(super) fn tagged(&mut self, call: &mut Call<'_>, read: Read, epc: Epc, at: Timestamp) {
        let mut baskets = self.baskets.values();
        let held = baskets.any(|it| it.live_lines().any(|line| line.epc.as_ref() == Some(&epc)));
        if held {
            return;
        }
        match read {
            Read::Unknown { code } => self.read_unknown(call, code, Some(epc), at),
            Read::Item(item) => self.read_item(call, *item, Some(epc), at),
            other => self.read(call, other, Origin::Typed, at),
        }
    }

    /// Whether the same code was read just now. Each repeat extends the time, so that an article
    /// left under a scanner in presentation mode is one article.
    fn is_duplicate(&mut self, code: &Code, at: Timestamp) -> bool {
        let last = self.volatile.last_read.replace((code.clone(), at));
        last.is_some_and(|(last_code, last_at)| {
            let gap = at.millis_since(last_at);
            last_code == *code && (0..self.config.duplicate_guard_ms).contains(&gap)
        })
    }

    fn bad_read(&mut self, call: &mut Call<'_>, reason: &str, masked: &str) {
        self.notice(Notice::BadRead {
            reason: bounded(reason),
            masked: bounded(masked),
        });
        call.sound = Some(Sound::Unknown);
    }

    fn read_unknown(&mut self, call: &mut Call<'_>, code: Code, epc: Option<Epc>, at: Timestamp) {
        let bare = code.as_str().trim_start_matches("in-store:");
        if bare.chars().count() < UNKNOWN_CODE_CHARS_MIN {
            return self.bad_read(call, "too short for a code", code.as_str());
        }
        if self.mode() == Mode::PriceCheck {
            self.notice(Notice::PriceUnknown { code });
            call.sound = Some(Sound::Unknown);
            return;
        }
        let mut line = BasketLine {
            subject: Subject::Unbound(code.clone()),
            price_origin: PriceOrigin::Keyed,
            epc,
            ..empty_line(code.as_str(), at)
        };
        line.code = Some(code);
        if self.mode() == Mode::Return {
            line.direction = Direction::Return {
                to: self.config.returns.disposition(None),
            };
        }
        if self.add_line(call, line) {
            call.sound = Some(Sound::Unknown);
        }
    }

    fn read_item(&mut self, call: &mut Call<'_>, read: ReadItem, epc: Option<Epc>, at: Timestamp) {
        let named = read.quantity.unwrap_or(Quantity::ONE);
        if !fits(named, read.item.unit) || read.amount.is_some_and(|it| it < Money::ZERO) {
            let masked = read.code.as_ref().map_or("", Code::as_str);
            return self.bad_read(call, "names an impossible quantity or price", masked);
        }
        if self.mode() == Mode::PriceCheck {
            self.notice(Notice::Price {
                name: bounded(&read.item.name),
                price: read.amount.or(read.item.price),
                quantity: read.quantity,
            });
            call.sound = Some(Sound::Ok);
            return;
        }
        let direction = match self.mode() {
            Mode::Return => Direction::Return {
                to: self.config.returns.disposition(Some(&read.item)),
            },
            _ => Direction::Sale,
        };
        let line = BasketLine {
            epc,
            ..item_line(read, direction, at)
        };
        let calm = line.stock != StockFlag::Pin && line.amount.is_some();
        if self.add_line(call, line) {
            call.sound = Some(if calm { Sound::Ok } else { Sound::Blocked });
        }
    }

    /// Adds a row to the basket on the counter; refuses while a payment is under way.
    fn add_line(&mut self, call: &mut Call<'_>, mut line: BasketLine) -> bool {
        if let Some(basket) = self.counter() {
            let refusal = match basket.stage() {
                Stage::Open if basket.lines.len() < BASKET_LINES_MAX => None,
                Stage::Open => Some(Refusal::BasketFull),
                _ => Some(Refusal::PaymentUnderWay),
            };
            if let Some(why) = refusal {
                self.refuse(call, why);
                return false;
            }
        }
        let id = self.open_basket(call);
        line.no = self.baskets.get(&id).map_or(LineNo(1), Basket::next_line);
        let line = Arc::new(line);
        self.decide(call, id, Change::LineAdded { line });
        true
    }

    /// Runs a decision on one row of the open basket; none means the current one.
    fn on_line(
        &mut self,
        call: &mut Call<'_>,
        line: Option<LineNo>,
        change: impl FnOnce(&BasketLine) -> Result<Change, Refusal>,
    ) {
        let decided = self.changeable().and_then(|basket| {
            let row = match line {
                Some(no) => basket.line(no),
                None => basket.current_line(),
            };
            let change = change(row.ok_or(Refusal::NoLine)?)?;
            Ok((basket.id, change))
        });
        match decided {
            Ok((basket, change)) => {
                self.decide(call, basket, change);
                call.sound = Some(Sound::Ok);
            }
            Err(why) => self.refuse(call, why),
        }
    }

    pub(super) fn set_quantity(
        &mut self,
        call: &mut Call<'_>,
        line: Option<LineNo>,
        quantity: Quantity,
    ) {
        self.on_line(call, line, |row| {
            // One thing is one piece.
            if row.measured || row.epc.is_some() {
                return Err(Refusal::Measured);
            }
            if !fits(quantity, row.unit) {
                return Err(Refusal::Quantity);
            }
            let line = row.no;
            Ok(Change::QuantitySet {
                line,
                quantity,
                weighed: false,
            })
        });
    }

    /// What the till's scale says of a row, asked while `basket` was on the counter. A row that was
    /// measured already stays as it is.
    pub(super) fn set_weight(
        &mut self,
        call: &mut Call<'_>,
        basket: BasketId,
        line: LineNo,
        quantity: Quantity,
    ) {
        if self.counter().map(|it| it.id) != Some(basket) {
            return self.refuse(call, Refusal::NoLine);
        }
        self.on_line(call, Some(line), |row| {
            if row.measured {
                return Err(Refusal::Measured);
            }
            if row.unit != Unit::Kilogram || !fits(quantity, row.unit) {
                return Err(Refusal::Quantity);
            }
            Ok(Change::QuantitySet {
                line: row.no,
                quantity,
                weighed: true,
            })
        });
    }

    pub(super) fn key_price(
        &mut self,
        call: &mut Call<'_>,
        target: PriceTarget,
        price: Money,
        reason: Option<Reason>,
    ) {
        if !(0..=KEYED_PRICE_MINOR_MAX).contains(&price.as_minor()) {
            return self.refuse(call, Refusal::Price);
        }
        let line = match target {
            PriceTarget::Open { label } => return self.add_open(call, &label, price, reason),
            PriceTarget::Line(no) => Some(no),
            PriceTarget::Last => self.waiting_for_price(),
        };
        self.on_line(call, line, |row| {
            Ok(Change::PriceKeyed {
                line: row.no,
                price,
                reason,
            })
        });
    }

    fn waiting_for_price(&self) -> Option<LineNo> {
        let mut rows = self.counter()?.lines.iter().rev();
        rows.find(|it| it.needs_price()).map(|it| it.no)
    }

    fn add_open(&mut self, call: &mut Call<'_>, label: &str, price: Money, reason: Option<Reason>) {
        let mut line = empty_line(label, call.now);
        line.reason = reason;
        line.unit_price = Some(price);
        if self.mode() == Mode::Return {
            line.direction = Direction::Return {
                to: self.config.returns.disposition(None),
            };
        }
        line.amount = Some(line.signed(price));
        if self.add_line(call, line) {
            call.sound = Some(Sound::Ok);
        }
    }

    pub(super) fn void_line(&mut self, call: &mut Call<'_>, line: LineNo) {
        self.on_line(call, Some(line), |row| {
            Ok(Change::LineVoided { line: row.no })
        });
    }

    pub(super) fn approve_line(&mut self, call: &mut Call<'_>, line: LineNo, staff: StaffId) {
        self.on_line(call, Some(line), |row| {
            if !row.needs_approval() {
                return Err(Refusal::NoLine);
            }
            let line = row.no;
            Ok(Change::LineApproved { line, staff })
        });
    }

    pub(super) fn undo(&mut self, call: &mut Call<'_>) {
        let decided = self.changeable().and_then(|basket| {
            let can = basket.can_undo().then_some(basket.id);
            can.ok_or(Refusal::NothingToUndo)
        });
        match decided {
            Ok(basket) => {
                self.decide(call, basket, Change::Undone);
                call.sound = Some(Sound::Ok);
            }
            Err(why) => self.refuse(call, why),
        }
    }

    pub(super) fn set_mode(&mut self, call: &mut Call<'_>, mode: Mode) {
        match self.counter().map(|it| (it.id, it.mode)) {
            Some((_, now)) if now == mode => {}
            Some((basket, _)) => self.decide(call, basket, Change::ModeSet { mode }),
            None => self.volatile.mode = mode,
        }
    }

    pub(super) fn void_basket(&mut self, call: &mut Call<'_>) {
        let decided = self.changeable().and_then(|basket| {
            let free = basket.approved().next().is_none();
            free.then_some(basket.id).ok_or(Refusal::AlreadyPaid)
        });
        match decided {
            Ok(basket) => self.abandon(call, basket),
            Err(why) => self.refuse(call, why),
        }
    }

    fn abandon(&mut self, call: &mut Call<'_>, basket: BasketId) {
        self.decide(call, basket, Change::Voided);
        self.baskets.remove(&basket);
        self.volatile.mode = Mode::Sell;
        call.out.push(TillEffect::Clear(basket));
    }

    pub(super) fn park(&mut self, call: &mut Call<'_>) {
        if let Err(why) = self.set_aside(call) {
            self.refuse(call, why);
        }
    }

    /// Takes the open basket off the counter; an empty one is abandoned.
    fn set_aside(&mut self, call: &mut Call<'_>) -> Result<(), Refusal> {
        let basket = self.changeable()?;
        let id = basket.id;
        if basket.live_lines().next().is_none() && basket.approved().next().is_none() {
            self.abandon(call, id);
            return Ok(());
        }
        let parked = |it: &&Basket| it.stage() == Stage::Parked;
        if self.baskets.values().filter(parked).count() >= PARKED_BASKETS_MAX {
            return Err(Refusal::TooManyParked);
        }
        self.decide(call, id, Change::Parked);
        self.volatile.mode = Mode::Sell;
        Ok(())
    }

    pub(super) fn resume(&mut self, call: &mut Call<'_>, id: BasketId) {
        let parked = self.baskets.get(&id).map(Basket::stage) == Some(Stage::Parked);
        if !parked {
            return self.refuse(call, Refusal::NoBasket);
        }
        if self.counter().is_some()
            && let Err(why) = self.set_aside(call)
        {
            return self.refuse(call, why);
        }
        self.decide(call, id, Change::Resumed);
    }
}

/// A row of one open piece without price, to be filled in.
fn empty_line(name: &str, effective: Timestamp) -> BasketLine {
    BasketLine {
        no: LineNo(0),
        name: bounded(name),
        subject: Subject::Open,
        code: None,
        epc: None,
        quantity: Quantity::ONE,
        quantity_missing: false,
        unit: Unit::Piece,
        unit_price: None,
        amount: None,
        price_origin: PriceOrigin::Keyed,
        reason: None,
        direction: Direction::Sale,
        parts: Vec::new(),
        measured: false,
        stock: StockFlag::Fine,
        approved_by: None,
        acknowledged: false,
        voided: false,
        effective,
    }
}

fn item_line(read: ReadItem, direction: Direction, at: Timestamp) -> BasketLine {
    let item = read.item;
    let by_measure = item.unit != Unit::Piece;
    let price = item.price.filter(|it| *it > Money::ZERO);
    let from_amount = match (read.amount, price) {
        (Some(amount), Some(price)) if by_measure => quantity_for(amount, price),
        _ => None,
    };
    let quantity = read.quantity.or(from_amount);
    let mut line = BasketLine {
        subject: Subject::Item(item.id.clone()),
        code: read.code,
        quantity: quantity.unwrap_or(Quantity::ONE),
        quantity_missing: by_measure && quantity.is_none() && read.amount.is_none(),
        unit: item.unit,
        unit_price: item.price,
        price_origin: PriceOrigin::Catalogue,
        parts: composition(&item),
        measured: read.amount.is_some() || (by_measure && quantity.is_some()),
        stock: read.stock,
        direction,
        ..empty_line(&item.name, at)
    };
    if let Some(amount) = read.amount {
        line.price_origin = PriceOrigin::Code;
        line.unit_price = if by_measure { item.price } else { read.amount };
        line.amount = Some(line.signed(amount));
    } else if !line.quantity_missing {
        let amount = |price: Money| line.signed(price.times(line.quantity));
        line.amount = line.unit_price.map(amount);
    }
    line
}

/// How much of something costs `amount` at `price` per unit, to the nearest thousandth.
fn quantity_for(amount: Money, price: Money) -> Option<Quantity> {
    let (amount, price) = (i128::from(amount.as_minor()), i128::from(price.as_minor()));
    let thousandths = (amount * 1000 + price / 2).checked_div(price)?;
    let quantity = Quantity::thousandths(i64::try_from(thousandths).ok()?.max(1));
    quantity.fits_a_line().then_some(quantity)
}

/// What one unit of an item takes from stock; empty for an item that is itself.
fn composition(item: &Item) -> Vec<Part> {
    match item.kind {
        ItemKind::Standard | ItemKind::Weighed => Vec::new(),
        ItemKind::Pack(_) | ItemKind::Bundle(_) => item.explode(Quantity::ONE),
    }
}

fn fits(quantity: Quantity, unit: Unit) -> bool {
    quantity.fits_a_line() && (unit != Unit::Piece || quantity.is_whole())
}

pub(super) fn bounded(text: &str) -> String {
    let clean = text.chars().filter(|it| !it.is_control());
    clean.take(TEXT_CHARS_MAX).collect()
}
