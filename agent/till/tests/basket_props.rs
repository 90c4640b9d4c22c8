//! Random customers, terminals and power cuts: what a till promises whatever happens.

#![allow(clippy::unwrap_used, reason = "test support")]

mod shop;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use proptest::prelude::*;
use shelf_stock::money::Money;
use shelf_stock::quantity::Quantity;
use shelf_stock::time::Timestamp;
use shelf_till::basket::*;
use shop::*;

/// What can happen, with small numbers that pick among what is there.
#[derive(Clone, Debug)]
enum Step {
    Scan(u8),
    Unknown(u8),
    Quantity(u8, i64),
    Price(Option<u8>, i64),
    Mode(Mode),
    Undo,
    VoidLine(u8),
    VoidBasket,
    Park,
    Resume(u8),
    Approve(u8),
    Acknowledge,
    Cash(Option<i64>),
    Card(Option<i64>),
    Terminal(u8, u8),
    Settle(u8, bool),
    Reverse(u8),
    /// The next record fails.
    Sabotage,
    Retry,
    /// The ledger answers only after the next input.
    Slow,
    /// Power cut after so many effects of the next call; 255 is between calls.
    Cut(u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let amount = || prop::option::of(1_i64..400);
    let step = prop_oneof![
        6 => (0..4_u8).prop_map(Step::Scan),
        2 => (0..3_u8).prop_map(Step::Unknown),
        1 => (0..6_u8, -1_000..4_000_i64).prop_map(|(line, it)| Step::Quantity(line, it)),
        3 => (prop::option::of(0..6_u8), -1..300_i64).prop_map(|(line, it)| Step::Price(line, it)),
        1 => prop_oneof![Just(Mode::Sell), Just(Mode::Return), Just(Mode::PriceCheck)].prop_map(Step::Mode),
        1 => Just(Step::Undo),
        1 => (0..6_u8).prop_map(Step::VoidLine),
        1 => Just(Step::VoidBasket),
        1 => Just(Step::Park),
        2 => (0..4_u8).prop_map(Step::Resume),
        1 => (0..6_u8).prop_map(Step::Approve),
        1 => Just(Step::Acknowledge),
        3 => amount().prop_map(Step::Cash),
        4 => amount().prop_map(Step::Card),
        8 => (0..4_u8, 0..6_u8).prop_map(|(which, what)| Step::Terminal(which, what)),
        2 => (0..4_u8, any::<bool>()).prop_map(|(which, it)| Step::Settle(which, it)),
        1 => (0..4_u8).prop_map(Step::Reverse),
        1 => Just(Step::Sabotage),
        1 => Just(Step::Retry),
        2 => Just(Step::Slow),
        1 => prop_oneof![0..6_u8, Just(255)].prop_map(Step::Cut),
    ];
    prop::collection::vec(step, 1..60)
}

/// The world around the till, and what it has seen.
struct World {
    shop: Shop,
    sabotage: bool,
    slow: bool,
    records: VecDeque<(What, Vec<shelf_stock::document::Draft>)>,
    cut: Option<u8>,
    started: BTreeSet<IntentId>,
    recorded: BTreeMap<IntentId, BasketId>,
    all_events: Vec<BasketEvent>,
    ids: u16,
}

impl World {
    fn new() -> Self {
        Self {
            shop: Shop::new(Fiscal::Declared),
            sabotage: false,
            slow: false,
            records: VecDeque::new(),
            cut: None,
            started: BTreeSet::new(),
            recorded: BTreeMap::new(),
            all_events: vec![],
            ids: 0,
        }
    }

    fn intents(&self) -> Vec<IntentId> {
        let view = self.shop.view();
        let baskets = view
            .basket
            .iter()
            .chain(&view.parked)
            .chain(&view.unsettled)
            .chain(&view.closing);
        baskets
            .flat_map(|it| it.payments.iter().map(|it| it.intent))
            .collect()
    }

    fn step(&mut self, step: Step) {
        if let Some(input) = self.selling(&step).or_else(|| self.paying(&step)) {
            return self.run(input);
        }
        match step {
            Step::Sabotage => self.sabotage = true,
            Step::Slow => self.slow = true,
            Step::Cut(255) => self.restart(),
            Step::Cut(after) => self.cut = Some(after),
            _ => {}
        }
    }

    fn selling(&self, step: &Step) -> Option<TillInput> {
        let line = |it: u8| LineNo(u32::from(it) + 1);
        Some(match step.clone() {
            Step::Scan(which) => {
                let mut read = match which {
                    0 => of_item(item("mug", Some(250))),
                    1 => of_item(item("gift", None)),
                    2 => of_item(kilo("nuts", 1_000)),
                    _ => of_item(item("tea", Some(199))),
                };
                read.stock = if which == 3 && self.ids.is_multiple_of(5) {
                    StockFlag::Pin
                } else {
                    StockFlag::Fine
                };
                self.read(Read::Item(Box::new(read)))
            }
            Step::Unknown(which) => self.read(Read::Unknown {
                code: code(&format!("777777{which}")),
            }),
            Step::Quantity(at, it) => TillInput::Quantity {
                line: (at > 0).then(|| line(at)),
                quantity: Quantity::thousandths(it),
            },
            Step::Price(at, it) => TillInput::KeyedPrice {
                target: at.map_or(PriceTarget::Last, |at| PriceTarget::Line(line(at))),
                price: Money::minor(it),
                reason: None,
            },
            Step::Mode(mode) => TillInput::SetMode(mode),
            Step::Undo => TillInput::Undo,
            Step::VoidLine(at) => TillInput::VoidLine(line(at)),
            Step::VoidBasket => TillInput::VoidBasket,
            Step::Park => TillInput::Park,
            Step::Resume(which) => {
                TillInput::Resume(self.shop.view().parked.get(usize::from(which))?.id)
            }
            Step::Approve(at) => TillInput::ApproveLine {
                line: line(at),
                staff: "9".parse().unwrap(),
            },
            Step::Acknowledge => TillInput::Acknowledge,
            _ => return None,
        })
    }

    fn paying(&self, step: &Step) -> Option<TillInput> {
        let intents = self.intents();
        let pick = |which: u8| {
            intents
                .get(usize::from(which) % intents.len().max(1))
                .copied()
        };
        let money = |it: Option<i64>| it.map(Money::minor);
        Some(match step.clone() {
            Step::Cash(given) => TillInput::Pay(PayWith::Cash {
                given: money(given),
            }),
            Step::Card(amount) => TillInput::Pay(PayWith::Card {
                amount: money(amount),
            }),
            Step::Terminal(which, what) => {
                let intent = pick(which)?;
                let text = String::new();
                let update = match what {
                    0 | 1 => Update::Approved {
                        amount: None,
                        reference: None,
                    },
                    2 => Update::Declined { text },
                    3 => Update::Aborted { text },
                    4 => Update::Unknown,
                    _ => Update::Reversed,
                };
                TillInput::PaymentUpdate { intent, update }
            }
            Step::Settle(which, paid) => {
                let intent = pick(which)?;
                let outcome = if paid {
                    Outcome::Approved { slip: None }
                } else {
                    Outcome::NotCharged
                };
                TillInput::Settle {
                    intent,
                    outcome,
                    staff: None,
                }
            }
            Step::Reverse(which) => TillInput::ReversePayment(pick(which)?),
            Step::Retry => TillInput::RetryCommit(What::Sale(self.shop.view().closing.first()?.id)),
            _ => return None,
        })
    }

    fn read(&self, read: Read) -> TillInput {
        let read_at = Timestamp::from_millis(self.shop.now);
        TillInput::Read {
            read,
            origin: Origin::Scanned,
            read_at,
        }
    }

    /// One input, and the answers of the ledger, one at a time.
    fn run(&mut self, input: TillInput) {
        let mut next = Some(input);
        while let Some(input) = next.take() {
            let mut effects = self.decide(input);
            let cut = self.cut.take();
            if let Some(after) = cut {
                effects.truncate(usize::from(after));
            }
            for effect in effects {
                self.carry_out(effect);
            }
            if cut.is_some() {
                return self.restart();
            }
            if std::mem::take(&mut self.slow) {
                return;
            }
            next = self
                .records
                .pop_front()
                .map(|(what, drafts)| self.record(what, drafts));
        }
    }

    fn decide(&mut self, input: TillInput) -> Vec<TillEffect> {
        self.shop.now += 1_000;
        self.ids += 1;
        let mut fresh = [0; 16];
        fresh[..2].copy_from_slice(&self.ids.to_be_bytes());
        let mut effects = vec![];
        let now = Timestamp::from_millis(self.shop.now);
        self.shop
            .till
            .handle(now, FreshId(fresh), input, &mut effects);
        effects
    }

    fn carry_out(&mut self, effect: TillEffect) {
        match effect {
            TillEffect::Persist(event) => {
                // Through JSON, as the ledger keeps it.
                let json = serde_json::to_string(&event).unwrap();
                assert_eq!(serde_json::from_str::<BasketEvent>(&json).unwrap(), event);
                let events = self.shop.durable.events.entry(event.basket).or_default();
                assert_eq!(events.len(), event.n as usize, "gap-free numbers");
                self.all_events.push(event.clone());
                events.push(event);
            }
            TillEffect::Clear(basket) => {
                self.shop.durable.events.remove(&basket);
            }
            TillEffect::Show(view) => {
                let restored = Till::restore(self.shop.config.clone(), self.shop.durable.all());
                assert_eq!(
                    durable_part(*view),
                    durable_part(restored.view()),
                    "shown but not durable"
                );
            }
            TillEffect::StartPayment { intent, amount } => {
                assert!(self.started.insert(intent), "a payment was sent twice");
                let events = self.shop.durable.all();
                let durable = events.iter().any(|it| matches!(&it.change, Change::PaymentAdded { payment } if payment.intent == intent && payment.amount == amount));
                assert!(durable, "sent before it was durable");
            }
            TillEffect::ConfirmTerminal { intent } => {
                let approved = |it: &BasketEvent| matches!(&it.change, Change::PaymentChanged { intent: of, state: PaymentState::Approved, .. } if *of == intent);
                let partial = self.shop.durable.all().iter().any(approved);
                assert!(
                    partial || self.recorded.contains_key(&intent),
                    "confirmed before anything was durable"
                );
                let closing = self.shop.view().closing;
                assert!(
                    !closing
                        .iter()
                        .flat_map(|it| &it.payments)
                        .any(|it| it.intent == intent),
                    "confirmed before the commit"
                );
            }
            TillEffect::Record { what, drafts } => self.records.push_back((what, drafts)),
            TillEffect::Sound(_)
            | TillEffect::AskTerminal { .. }
            | TillEffect::CancelPayment { .. }
            | TillEffect::ReversePayment { .. } => {}
        }
    }

    fn record(&mut self, what: What, drafts: Vec<shelf_stock::document::Draft>) -> TillInput {
        if std::mem::take(&mut self.sabotage) {
            return TillInput::CommitFailed {
                what,
                message: "no".into(),
            };
        }
        let bill: Money = drafts
            .iter()
            .flat_map(|it| &it.lines)
            .filter_map(|it| it.amount)
            .sum();
        let paid: Money = drafts
            .iter()
            .flat_map(|it| &it.tenders)
            .map(|it| it.amount)
            .sum();
        assert_eq!(bill, paid, "recorded without being covered");
        if let What::Sale(basket) = what {
            for event in &self.shop.durable.events[&basket] {
                if let Change::PaymentAdded { payment } = &event.change {
                    self.recorded.insert(payment.intent, basket);
                }
            }
        }
        let place = self.shop.durable.record(what, drafts);
        TillInput::Committed { what, place }
    }

    fn restart(&mut self) {
        self.records.clear();
        self.slow = false;
        self.shop.till = Till::restore(self.shop.config.clone(), self.shop.durable.all());
        self.run(TillInput::Started);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn a_view_shows_only_what_is_durable_and_a_restart_gives_it_back(steps in steps()) {
        let mut world = World::new();
        for step in steps {
            world.step(step);
        }
        every_prefix_is_a_state(&world);
        finish(&mut world);
    }
}

/// Restores every prefix of everything that was ever persisted: no basket is lost from the view,
/// and work can go on.
fn every_prefix_is_a_state(world: &World) {
    for end in 0..=world.all_events.len() {
        let events = &world.all_events[..end];
        let mut till = Till::restore(world.shop.config.clone(), events.iter().cloned());
        let voided = |id: &BasketId| {
            events
                .iter()
                .any(|it| it.basket == *id && it.change == Change::Voided)
        };
        let ids: BTreeSet<_> = events
            .iter()
            .map(|it| it.basket)
            .filter(|it| !voided(it))
            .collect();
        let view = till.view();
        let shown: BTreeSet<_> = view
            .basket
            .iter()
            .chain(&view.parked)
            .chain(&view.unsettled)
            .chain(&view.closing)
            .map(|it| it.id)
            .collect();
        assert_eq!(ids, shown);
        let mut by_basket = events.to_vec();
        by_basket.sort_by_key(|it| (it.basket, it.n));
        assert_eq!(
            Till::restore(world.shop.config.clone(), by_basket).view(),
            view
        );
        let fresh = FreshId([0xFF; 16]);
        let now = Timestamp::from_millis(world.shop.now);
        till.handle(now, fresh, TillInput::Started, &mut vec![]);
    }
}

/// Nothing stays stuck: every basket can be brought to an end.
fn finish(world: &mut World) {
    world.sabotage = false;
    world.cut = None;
    world.restart();
    for intent in world.intents() {
        world.run(TillInput::PaymentUpdate {
            intent,
            update: Update::Aborted {
                text: String::new(),
            },
        });
    }
    loop {
        let view = world.shop.view();
        assert!(
            view.closing.is_empty() && view.unsettled.is_empty(),
            "{view:?}"
        );
        match (&view.basket, view.parked.first()) {
            (None, None) => break,
            (None, Some(parked)) => world.run(TillInput::Resume(parked.id)),
            (Some(basket), _) => {
                for payment in basket
                    .payments
                    .iter()
                    .filter(|it| it.state == PaymentState::Approved)
                {
                    world.run(TillInput::ReversePayment(payment.intent));
                    world.run(TillInput::PaymentUpdate {
                        intent: payment.intent,
                        update: Update::Reversed,
                    });
                }
                world.run(TillInput::VoidBasket);
            }
        }
    }
    assert!(world.shop.durable.events.is_empty());
}
