//! One till at work: runs the till's machine and carries out what it wants, in its order.
//!
//! Whoever brings an input (the thread of a scanner, a request of the page, the terminal's task)
//! runs it to the end behind this till's lock, so that nothing is shown before it is durable and
//! no queue lies between a scan and the disk. Never called from an async task directly: it waits
//! for the disk.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use shelf_ledger::tables::TableError;
use shelf_ledger::{RecordError, Tx, Writer};
use shelf_stock::document::Draft;
use shelf_stock::identity::Place;
use shelf_stock::name::TillId;
use shelf_till::basket::{
    BasketEvent, BasketId, Change, FreshId, Goods, IntentId, Sound, Till, TillConfig, TillEffect,
    TillInput, TillView, What,
};
use shelf_till::evidence::SalesSource;
use tokio::sync::watch;

use super::rfid::{SoldChanges, SoldTags, sale_name, write_sale, write_void};
use super::shop::Bell;
use super::terminal::{Errand, TerminalCommand, TerminalDesk, TerminalStanding};
use crate::platform;

/// A till with everything it needs to act.
#[derive(Debug)]
pub(crate) struct Counter {
    config: TillConfig,
    machine: Mutex<Till>,
    writer: Writer,
    terminal: Option<TerminalDesk>,
    bell: Bell,
    sold: Arc<SoldTags>,
    shown: watch::Sender<Arc<Shown>>,
    sales: AtomicU64,
}

/// What the page shows, and the sound that goes with it.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    /// Grows with every change, so that a page knows what it has.
    pub(crate) revision: u64,
    /// What to show.
    pub(crate) view: TillView,
    /// What to play, once.
    pub(crate) sound: Option<Sound>,
    /// How the payment terminal is, if there is one.
    pub(crate) terminal: Option<TerminalStanding>,
}

/// A till can't go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CounterError {
    /// Its events can't be read.
    #[error("the events of till `{till}` can't be read")]
    Restore {
        /// Which till.
        till: TillId,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No random bytes.
    #[error("till `{till}` can't draw an id")]
    Entropy {
        /// Which till.
        till: TillId,
        /// Why.
        #[source]
        source: platform::EntropyError,
    },
}

impl Counter {
    /// Rebuilds the till from its events and takes up what was unfinished.
    pub(crate) fn open(
        config: TillConfig,
        writer: Writer,
        terminal: Option<TerminalDesk>,
        bell: Bell,
        sold: Arc<SoldTags>,
    ) -> Result<Arc<Self>, CounterError> {
        let till = restore(&config, &writer)?;
        let view = till.view();
        let (shown, _) = watch::channel(Arc::new(Shown {
            revision: 0,
            view,
            sound: None,
            terminal: terminal.as_ref().map(TerminalDesk::standing),
        }));
        let counter = Self {
            config,
            machine: Mutex::new(till),
            writer,
            terminal,
            bell,
            sold,
            shown,
            sales: AtomicU64::new(0),
        };
        counter.input(TillInput::Started)?;
        Ok(Arc::new(counter))
    }

    /// Which till this is.
    pub(crate) fn till(&self) -> &TillId {
        &self.config.till
    }

    /// Sales recorded since the start.
    pub(crate) fn sales(&self) -> u64 {
        self.sales.load(Ordering::Relaxed)
    }

    /// What the payment terminal is doing, if there is one.
    pub(crate) fn terminal_doing(&self) -> Option<String> {
        self.terminal.as_ref().map(TerminalDesk::doing)
    }

    /// The terminal's standing has changed: pages are told.
    pub(crate) fn terminal_changed(&self) {
        self.shown.send_modify(|shown| {
            *shown = Arc::new(Shown {
                revision: shown.revision + 1,
                view: shown.view.clone(),
                sound: None,
                terminal: self.terminal.as_ref().map(TerminalDesk::standing),
            });
        });
    }

    /// Asks the terminal for something that moves no money; `false`: there is none, or it takes no
    /// more.
    pub(crate) fn errand(&self, errand: Errand) -> bool {
        let command = TerminalCommand::Errand(errand);
        self.terminal.as_ref().is_some_and(|it| it.send(command))
    }

    /// What the page shows now, and from now on.
    pub(crate) fn watch(&self) -> watch::Receiver<Arc<Shown>> {
        self.shown.subscribe()
    }

    /// What the page shows now.
    pub(crate) fn view(&self) -> Arc<Shown> {
        self.shown.borrow().clone()
    }

    /// Takes one input and everything that follows from it. Returns when all of it is durable
    /// and shown.
    pub(crate) fn input(&self, input: TillInput) -> Result<Arc<Shown>, CounterError> {
        let mut machine = self.machine.lock().unwrap_or_else(PoisonError::into_inner);
        let settled = match &input {
            TillInput::Settle { intent, .. } => Some(*intent),
            _ => None,
        };
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let fresh =
                platform::random_bytes()
                    .map(FreshId)
                    .map_err(|source| CounterError::Entropy {
                        till: self.config.till.clone(),
                        source,
                    })?;
            let mut effects = Vec::new();
            machine.handle(platform::wall_now(), fresh, input, &mut effects);
            if let Err(message) = self.carry_out(effects, &machine, &mut inputs) {
                tracing::error!(till = %self.config.till, %message, "a till event is not durable");
                *machine = restore(&self.config, &self.writer)?;
                inputs = VecDeque::from([TillInput::StorageFailed { message }]);
            }
        }
        if let (Some(intent), Some(terminal)) = (settled, &self.terminal) {
            terminal.send(TerminalCommand::Settled { intent });
        }
        Ok(self.view())
    }

    /// Effects in their order; persisted events wait until something depends on them, so that one
    /// transaction carries them all. An error drops the effects behind it.
    fn carry_out(
        &self,
        effects: Vec<TillEffect>,
        machine: &Till,
        inputs: &mut VecDeque<TillInput>,
    ) -> Result<(), String> {
        let mut events = Vec::new();
        let mut paid_by = None;
        for effect in effects {
            match effect {
                TillEffect::Persist(event) => {
                    if let Change::PaymentAdded { payment } = &event.change {
                        paid_by = Some((payment.intent, event.basket));
                    }
                    events.push(event);
                }
                TillEffect::Record { what, drafts } => {
                    let before = std::mem::take(&mut events);
                    let goods = match what {
                        What::Sale(basket) => machine.goods(basket),
                        What::Void(_) => Vec::new(),
                    };
                    inputs.push_back(self.record(&before, what, drafts, goods));
                }
                other => {
                    self.persist(std::mem::take(&mut events))?;
                    self.act(other, paid_by)?;
                }
            }
        }
        self.persist(events)
    }

    fn persist(&self, events: Vec<BasketEvent>) -> Result<(), String> {
        if events.is_empty() {
            return Ok(());
        }
        let till = self.config.till.clone();
        let events = written(&events).map_err(|it| chain(&it))?;
        let job = move |tx: &mut Tx<'_>| append(tx, &till, &events);
        self.writer.run("basket", job).map_err(|it| chain(&it))
    }

    /// One transaction: the events before it, the documents, and the end of the basket.
    /// With it goes which very things were sold.
    fn record(
        &self,
        events: &[BasketEvent],
        what: What,
        drafts: Vec<Draft>,
        goods: Vec<Goods>,
    ) -> TillInput {
        let till = self.config.till.clone();
        let failed = |message| TillInput::CommitFailed { what, message };
        let events = match written(events) {
            Ok(events) => events,
            Err(error) => return failed(chain(&error)),
        };
        let now = platform::wall_now();
        let leaving: Vec<Goods> = goods
            .into_iter()
            .map(|it| Goods { at: now, ..it })
            .collect();
        let job = move |tx: &mut Tx<'_>| {
            append(tx, &till, &events)?;
            let key = drafts.first().and_then(|it| it.source.as_ref());
            let name = key.map(|it| sale_name(SalesSource::Basket.as_str(), it));
            let changes = match (what, name) {
                (What::Sale(_), Some(name)) => write_sale(tx, &name, &leaving, true)?,
                (What::Void(_), Some(name)) => write_void(tx, &name, now, &drafts)?,
                (_, None) => SoldChanges::default(),
            };
            let mut first: Option<Place> = None;
            for draft in &drafts {
                first.get_or_insert(tx.record(draft)?.place());
            }
            if let What::Sale(basket) = what {
                tx.basket_clear(&till, &basket.to_string())?;
            }
            Ok::<_, RecordError>((first, changes))
        };
        match self.writer.run("sale", job) {
            Ok((Some(place), changes)) => {
                if matches!(what, What::Sale(_)) {
                    self.sales.fetch_add(1, Ordering::Relaxed);
                }
                self.sold.committed(&changes);
                self.bell.ring();
                TillInput::Committed { what, place }
            }
            Ok((None, _)) => failed("nothing to record".into()),
            Err(error) => failed(chain(&error)),
        }
    }

    fn act(&self, effect: TillEffect, paid_by: Option<(IntentId, BasketId)>) -> Result<(), String> {
        let command = match effect {
            TillEffect::Persist(_) | TillEffect::Record { .. } => return Ok(()),
            TillEffect::Show(view) => {
                self.show(*view, None);
                return Ok(());
            }
            TillEffect::Sound(sound) => {
                let view = self.view().view.clone();
                self.show(view, Some(sound));
                return Ok(());
            }
            TillEffect::Clear(basket) => {
                let till = self.config.till.clone();
                let clear = move |tx: &mut Tx<'_>| tx.basket_clear(&till, &basket.to_string());
                let cleared = self.writer.run("clear", clear);
                return cleared.map_err(|it| chain(&it));
            }
            TillEffect::StartPayment { intent, amount } => {
                let basket = paid_by
                    .filter(|(it, _)| *it == intent)
                    .map(|(_, basket)| basket);
                TerminalCommand::Pay {
                    intent,
                    amount,
                    basket,
                }
            }
            TillEffect::AskTerminal { intent, .. } => TerminalCommand::Ask { intent },
            TillEffect::CancelPayment { .. } => TerminalCommand::Cancel,
            TillEffect::ReversePayment {
                intent,
                amount,
                reference,
            } => TerminalCommand::Reverse {
                intent,
                amount,
                reference,
            },
            TillEffect::ConfirmTerminal { intent } => TerminalCommand::Confirm { intent },
        };
        if let Some(terminal) = &self.terminal {
            terminal.send(command);
        }
        Ok(())
    }

    fn show(&self, view: TillView, sound: Option<Sound>) {
        self.shown.send_modify(|shown| {
            *shown = Arc::new(Shown {
                revision: shown.revision + 1,
                view,
                sound,
                terminal: self.terminal.as_ref().map(TerminalDesk::standing),
            });
        });
    }
}

/// Events as the ledger keeps them: basket, number, JSON.
fn written(events: &[BasketEvent]) -> Result<Vec<(String, u64, String)>, serde_json::Error> {
    let row = |event: &BasketEvent| {
        Ok((
            event.basket.to_string(),
            event.n.into(),
            serde_json::to_string(event)?,
        ))
    };
    events.iter().map(row).collect()
}

fn append(
    tx: &mut Tx<'_>,
    till: &TillId,
    events: &[(String, u64, String)],
) -> Result<(), TableError> {
    events
        .iter()
        .try_for_each(|(basket, n, json)| tx.basket_append(till, basket, *n, json))
}

fn restore(config: &TillConfig, writer: &Writer) -> Result<Till, CounterError> {
    let till = config.till.clone();
    let error = |source| CounterError::Restore {
        till: config.till.clone(),
        source,
    };
    let name = till.clone();
    let load = move |tx: &mut Tx<'_>| tx.basket_load(&name);
    let rows = writer.execute_blocking("restore", load).wait();
    let rows = rows.map_err(|it| error(Box::new(it)))?;
    let events: Result<Vec<BasketEvent>, _> = rows
        .iter()
        .map(|row| serde_json::from_str(&row.event))
        .collect();
    Ok(Till::restore(
        config.clone(),
        events.map_err(|it| error(Box::new(it)))?,
    ))
}

/// An error with its causes, as one line for people.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
