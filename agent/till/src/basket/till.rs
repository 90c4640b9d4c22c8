//! The machine: one till with its baskets.
//!
//! [`Till::handle`] is the only way in. It decides, folds the events it decided on, and lists the
//! effects: first what must be durable, then the work for terminal and ledger, then the view and
//! one sound.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use shelf_stock::document::Draft;
use shelf_stock::name::{StaffId, TillId};
use shelf_stock::returns::ReturnRules;
use shelf_stock::time::Timestamp;

use super::effect::{Sound, TillEffect};
use super::event::{BasketEvent, Change};
use super::id::{BasketId, FreshId, IntentId};
use super::input::TillInput;
use super::line::Goods;
use super::payment::PaymentKind;
use super::state::{Basket, Stage};
use super::view::{Alert, LastSale, Mode, NOTICES_MAX, Notice, Refusal, TillView};

/// The duplicate guard unless the configuration says otherwise.
pub const DUPLICATE_GUARD_MS_DEFAULT: i64 = 300;
/// The most volatile alerts that are kept; the oldest gives way.
pub const ALERTS_MAX: usize = 32;

/// Whether this till may settle cash. It is no fiscal till: it knows no tax and prints no receipt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fiscal {
    /// Cash is refused.
    #[default]
    None,
    /// The store declared that settling cash here is lawful.
    Declared,
}

/// What a till is told at its start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TillConfig {
    /// Its name; also the source name in its sales' keys.
    pub till: TillId,
    /// Whether cash may be settled.
    pub fiscal: Fiscal,
    /// The same code within this time of its last read is one read (milliseconds of the device's
    /// own times; 0 turns the guard off).
    pub duplicate_guard_ms: i64,
    /// Where returned goods go by item group, where the item itself doesn't say.
    pub returns: ReturnRules,
}

impl TillConfig {
    /// The defaults: no cash, 300 ms, returns are inspected.
    pub fn new(till: TillId) -> Self {
        Self {
            till,
            fiscal: Fiscal::None,
            duplicate_guard_ms: DUPLICATE_GUARD_MS_DEFAULT,
            returns: ReturnRules::default(),
        }
    }
}

/// One till.
#[derive(Clone, Debug)]
pub struct Till {
    pub(super) config: TillConfig,
    pub(super) baskets: BTreeMap<BasketId, Basket>,
    pub(super) volatile: Volatile,
}

/// What a restart forgets.
#[derive(Clone, Debug, Default)]
pub(super) struct Volatile {
    pub(super) mode: Mode,
    pub(super) staff: Option<StaffId>,
    pub(super) notices: VecDeque<Notice>,
    pub(super) alerts: VecDeque<Alert>,
    pub(super) silenced: BTreeSet<IntentId>,
    pub(super) progress: Option<String>,
    pub(super) last_sale: Option<LastSale>,
    pub(super) last_read: Option<(shelf_stock::name::Code, Timestamp)>,
    /// Sales that the ledger is recording, with the drafts it was given.
    pub(super) recording: BTreeMap<BasketId, Vec<Draft>>,
    /// Voids that the ledger is recording.
    pub(super) voiding: BTreeMap<IntentId, Vec<Draft>>,
    /// Payments given back while their sale is being recorded.
    pub(super) reversed: BTreeMap<IntentId, BasketId>,
    /// Payments of recorded sales whose terminals were told, the latest ones.
    pub(super) confirmed: VecDeque<IntentId>,
}

/// One call: its time, its fresh id and what it has decided so far.
pub(super) struct Call<'a> {
    pub(super) now: Timestamp,
    pub(super) fresh: FreshId,
    pub(super) out: &'a mut Vec<TillEffect>,
    pub(super) sound: Option<Sound>,
}

impl Till {
    /// A till without baskets.
    pub fn new(config: TillConfig) -> Self {
        Self {
            config,
            baskets: BTreeMap::new(),
            volatile: Volatile::default(),
        }
    }

    /// Rebuilds a till from its persisted events: in their order inside each basket, baskets in any
    /// order. Follow it with [`TillInput::Started`].
    pub fn restore(config: TillConfig, events: impl IntoIterator<Item = BasketEvent>) -> Self {
        let mut till = Self::new(config);
        for event in events {
            till.fold(&event);
        }
        till
    }

    fn fold(&mut self, event: &BasketEvent) {
        let new = || Basket::new(event.basket, event.at);
        self.baskets
            .entry(event.basket)
            .or_insert_with(new)
            .apply(event);
    }

    /// Takes one input. `fresh` must be new random bytes at each call. Effects are appended to
    /// `out` in the order in which they must be carried out.
    pub fn handle(
        &mut self,
        now: Timestamp,
        fresh: FreshId,
        input: TillInput,
        out: &mut Vec<TillEffect>,
    ) {
        let mut call = Call {
            now,
            fresh,
            out,
            sound: None,
        };
        self.dispatch(&mut call, input);
        let sound = call.sound;
        out.push(TillEffect::Show(Box::new(self.view())));
        out.extend(sound.map(TillEffect::Sound));
    }

    fn dispatch(&mut self, call: &mut Call<'_>, input: TillInput) {
        match input {
            TillInput::Started => self.start(call),
            TillInput::Read {
                read,
                origin,
                read_at,
            } => self.read(call, read, origin, read_at),
            TillInput::TagRefused(why) => self.refuse(call, why),
            TillInput::Tagged { read, epc, read_at } => self.tagged(call, read, epc, read_at),
            TillInput::Quantity { line, quantity } => self.set_quantity(call, line, quantity),
            TillInput::Weighed {
                basket,
                line,
                quantity,
            } => self.set_weight(call, basket, line, quantity),
            TillInput::KeyedPrice {
                target,
                price,
                reason,
            } => self.key_price(call, target, price, reason),
            TillInput::SetMode(mode) => self.set_mode(call, mode),
            TillInput::Undo => self.undo(call),
            TillInput::VoidLine(line) => self.void_line(call, line),
            TillInput::VoidBasket => self.void_basket(call),
            TillInput::Park => self.park(call),
            TillInput::Resume(basket) => self.resume(call, basket),
            TillInput::ApproveLine { line, staff } => self.approve_line(call, line, staff),
            TillInput::Acknowledge => self.acknowledge(call),
            TillInput::SetStaff(staff) => self.volatile.staff = staff,
            TillInput::StorageFailed { message } => {
                self.alert(call, Alert::StorageFailed { message });
            }
            other => self.dispatch_payment(call, other),
        }
    }

    /// Decides on a change: folds it and asks for its persistence.
    pub(super) fn decide(&mut self, call: &mut Call<'_>, basket: BasketId, change: Change) {
        let n = self.baskets.get(&basket).map_or(0, |it| it.next_n);
        let event = BasketEvent {
            basket,
            n,
            at: call.now,
            change,
        };
        self.fold(&event);
        // What was refused before may be possible now.
        let lasting = |it: &Notice| !matches!(it, Notice::Refused { .. });
        self.volatile.notices.retain(lasting);
        call.out.push(TillEffect::Persist(event));
    }

    /// The basket on the counter.
    pub fn counter(&self) -> Option<&Basket> {
        self.baskets.values().find(|it| it.on_counter())
    }

    /// The open basket that may be changed now; otherwise says why not.
    pub(super) fn changeable(&self) -> Result<&Basket, Refusal> {
        let basket = self.counter().ok_or(Refusal::NoBasket)?;
        match basket.stage() {
            Stage::Open => Ok(basket),
            _ => Err(Refusal::PaymentUnderWay),
        }
    }

    /// The basket on the counter, begun now if there is none.
    pub(super) fn open_basket(&mut self, call: &mut Call<'_>) -> BasketId {
        if let Some(basket) = self.counter() {
            return basket.id;
        }
        let id = BasketId::from(call.fresh);
        let opened = Change::Opened {
            mode: self.volatile.mode,
            staff: self.volatile.staff.clone(),
        };
        self.decide(call, id, opened);
        self.volatile.mode = Mode::Sell;
        self.volatile.notices.clear();
        id
    }

    pub(super) fn refuse(&mut self, call: &mut Call<'_>, why: Refusal) {
        self.notice(Notice::Refused { why });
        call.sound = Some(Sound::Blocked);
    }

    pub(super) fn notice(&mut self, notice: Notice) {
        while self.volatile.notices.len() >= NOTICES_MAX {
            self.volatile.notices.pop_front();
        }
        self.volatile.notices.push_back(notice);
    }

    pub(super) fn alert(&mut self, call: &mut Call<'_>, alert: Alert) {
        while self.volatile.alerts.len() >= ALERTS_MAX {
            self.volatile.alerts.pop_front();
        }
        if !self.volatile.alerts.contains(&alert) {
            self.volatile.alerts.push_back(alert);
        }
        call.sound = Some(Sound::Blocked);
    }

    pub(super) fn mode(&self) -> Mode {
        self.counter().map_or(self.volatile.mode, |it| it.mode)
    }

    fn start(&mut self, call: &mut Call<'_>) {
        let ids: Vec<BasketId> = self.baskets.keys().copied().collect();
        for id in ids {
            self.take_up(call, id);
        }
    }

    /// Continues whatever a restart interrupted in one basket.
    fn take_up(&mut self, call: &mut Call<'_>, id: BasketId) {
        let Some(basket) = self.baskets.get(&id) else {
            return;
        };
        for payment in basket.payments.iter().filter(|it| it.state.is_open()) {
            call.out.push(TillEffect::AskTerminal {
                intent: payment.intent,
                amount: payment.amount,
            });
        }
        match basket.stage() {
            Stage::Voided => {
                self.baskets.remove(&id);
                call.out.push(TillEffect::Clear(id));
            }
            Stage::Closing => self.record_sale(call, id),
            _ => {
                self.complete_if_covered(call, id);
                self.confirm_partial(call, id);
            }
        }
    }

    /// A payment that covers a part of an unfinished basket is durable in its events; whether its
    /// terminal was told before the restart is not.
    fn confirm_partial(&self, call: &mut Call<'_>, id: BasketId) {
        let unfinished = |it: &&Basket| it.stage() != Stage::Closing;
        let basket = self.baskets.get(&id).filter(unfinished);
        for payment in basket.into_iter().flat_map(Basket::approved) {
            if payment.kind == PaymentKind::Card && payment.settled_by.is_none() {
                let intent = payment.intent;
                call.out.push(TillEffect::ConfirmTerminal { intent });
            }
        }
    }

    /// What the page shows now. Valid to show only after the effects so far are carried out; use
    /// the view in [`TillEffect::Show`] otherwise.
    pub fn view(&self) -> TillView {
        let with = |stage| self.by_age().filter(move |it| it.stage() == stage);
        let views = |stage| with(stage).map(Basket::view).collect();
        let parked = self.by_age().filter(|it| {
            !it.on_counter() && matches!(it.stage(), Stage::Parked | Stage::Open | Stage::Paying)
        });
        TillView {
            till: self.config.till.clone(),
            staff: self.volatile.staff.clone(),
            mode: self.mode(),
            cash_allowed: self.config.fiscal == Fiscal::Declared,
            basket: self.counter().map(Basket::view),
            parked: parked.map(Basket::view).collect(),
            unsettled: views(Stage::PaymentUnknown),
            closing: views(Stage::Closing),
            alerts: self.alerts(),
            notices: self.volatile.notices.iter().cloned().collect(),
            progress: self.volatile.progress.clone(),
            last_sale: self.volatile.last_sale,
        }
    }

    /// What goes out or comes back with a basket, for whoever follows single things.
    pub fn goods(&self, basket: BasketId) -> Vec<Goods> {
        let basket = self.baskets.get(&basket);
        let lines = basket.into_iter().flat_map(Basket::live_lines);
        lines.map(|it| Goods::of(it)).collect()
    }

    fn by_age(&self) -> impl Iterator<Item = &Basket> {
        let mut baskets: Vec<&Basket> = self.baskets.values().collect();
        baskets.sort_by_key(|it| (it.opened, it.id));
        baskets.into_iter()
    }
}
