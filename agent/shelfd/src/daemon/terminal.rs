//! A payment terminal on its cable: carries bytes between the dialogue machine and the socket,
//! makes its records durable, and passes what it learns to the till.
//!
//! The machine decides everything about the payment; this only performs its effects in their
//! order. A payment is never started from here by itself: only the till's command does, and the
//! till has written it down before.

mod mapping;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use shelf_ledger::tables::TableError;
use shelf_ledger::{PaymentIntent, Tx, Writer};
use shelf_sessions::zvt::{Config, Effect, Input, IntentRecord, Mono, Outcome, Rejection, Session};
use shelf_stock::document::{Document, SourceAction, SourceKey};
use shelf_stock::money::Money;
use shelf_stock::name::{ReceiptNo, SourceId, TenderRef, TillId};
use shelf_till::basket::{BasketId, IntentId, TillInput, Update};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};

use super::counter::Counter;
use crate::platform::{self, MonoClock};

pub(crate) use mapping::terminal_address;

/// Commands that may wait for a terminal; a till has at most one payment under way and a few
/// questions.
const COMMANDS_MAX: usize = 32;
/// Bytes read from a terminal at once.
const READ_BYTES: usize = 2048;

/// What a till asks of its terminal.
#[derive(Clone, Debug)]
pub(crate) enum TerminalCommand {
    /// Take (or, if negative, give back) money.
    Pay {
        /// The payment.
        intent: IntentId,
        /// How much.
        amount: Money,
        /// The basket that it pays for.
        basket: Option<BasketId>,
    },
    /// Find out what became of a payment.
    Ask {
        /// The payment.
        intent: IntentId,
    },
    /// Break off whatever is under way.
    Cancel,
    /// Give a payment back.
    Reverse {
        /// The payment.
        intent: IntentId,
        /// How much was paid.
        amount: Money,
        /// What the terminal calls it.
        reference: Option<TenderRef>,
    },
    /// The sale is durable.
    Confirm {
        /// The payment.
        intent: IntentId,
    },
}

/// The till's side of its terminal.
#[derive(Clone, Debug)]
pub(crate) struct TerminalDesk {
    commands: mpsc::Sender<TerminalCommand>,
    doing: watch::Receiver<String>,
}

/// The terminal's side, for [`run`].
#[derive(Debug)]
pub(crate) struct TerminalEnd {
    commands: mpsc::Receiver<TerminalCommand>,
    doing: watch::Sender<String>,
}

/// Both sides.
pub(crate) fn desk() -> (TerminalDesk, TerminalEnd) {
    let (to, commands) = mpsc::channel(COMMANDS_MAX);
    let (doing, seen) = watch::channel("ready".to_owned());
    (TerminalDesk { commands: to, doing: seen }, TerminalEnd { commands, doing })
}

impl TerminalDesk {
    /// Hands a command over. A desk that is full drops it loudly: the till asks again.
    pub(crate) fn send(&self, command: TerminalCommand) {
        if let Err(error) = self.commands.try_send(command) {
            tracing::error!(%error, "the payment terminal takes no more commands");
        }
    }

    /// What it is doing, for the status page.
    pub(crate) fn doing(&self) -> String {
        self.doing.borrow().clone()
    }
}

/// One terminal at work; ends when its till is gone.
pub(crate) async fn run(
    address: SocketAddr,
    config: Config,
    mut end: TerminalEnd,
    counter: Arc<Counter>,
    writer: Writer,
    clock: MonoClock,
) {
    let session = Session::new(config.clone());
    let doing = end.doing.clone();
    let baskets = BTreeMap::new();
    let mut cable =
        Cable { address, session, config, counter, writer, clock, stream: None, doing, baskets };
    cable.resume().await;
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let wake = cable.session.next_wakeup().map(|it| cable.clock.at_millis(it.0));
        let input = tokio::select! {
            command = end.commands.recv() => match command {
                Some(command) => cable.translate(command).await,
                None => return,
            },
            read = read(&mut cable.stream, &mut buffer) => match read {
                Some(count) => buffer.get(..count).map(|it| Input::Bytes(it.to_vec())),
                None => {
                    cable.stream = None;
                    Some(Input::Disconnected)
                }
            },
            () = sleep_until(wake) => Some(Input::Tick),
        };
        if let Some(input) = input {
            cable.feed(input).await;
        }
    }
}

/// Waits for ever without a connection.
async fn read(stream: &mut Option<TcpStream>, buffer: &mut [u8]) -> Option<usize> {
    match stream {
        Some(stream) => stream.read(buffer).await.ok().filter(|it| *it > 0),
        None => std::future::pending().await,
    }
}

async fn sleep_until(at: Option<std::time::Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

struct Cable {
    address: SocketAddr,
    session: Session,
    config: Config,
    counter: Arc<Counter>,
    writer: Writer,
    clock: MonoClock,
    stream: Option<TcpStream>,
    doing: watch::Sender<String>,
    /// Which basket a payment is for, while it is open.
    baskets: BTreeMap<IntentId, BasketId>,
}

/// What is kept about a payment beside its own record.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    basket: Option<BasketId>,
    record: IntentRecord,
}

impl Cable {
    /// After a restart: every payment that was left open is taken up again.
    async fn resume(&mut self) {
        let open = move |tx: &mut Tx<'_>| tx.intents_open();
        let rows = match self.writer.execute("intents", open).await {
            Ok(rows) => rows,
            Err(error) => {
                tracing::error!(%error, "open payments can't be read");
                return;
            }
        };
        let till = self.counter.till().clone();
        for row in rows.iter().filter(|it| it.till == till) {
            if let Some(record) = self.kept(&row.body) {
                self.feed(Input::Resume(Box::new(record))).await;
            }
        }
    }

    /// A payment's record as it was kept; remembers its basket.
    fn kept(&mut self, json: &str) -> Option<IntentRecord> {
        match serde_json::from_str::<Kept>(json) {
            Ok(kept) => {
                if let Some(basket) = kept.basket {
                    self.baskets.insert(mapping::to_till(kept.record.intent), basket);
                }
                Some(kept.record)
            }
            Err(error) => {
                tracing::error!(%error, "a payment's record can't be read");
                None
            }
        }
    }

    async fn translate(&mut self, command: TerminalCommand) -> Option<Input> {
        let asked_at = mapping::shop_time(platform::wall_now());
        let currency = self.config.currency;
        match command {
            TerminalCommand::Pay { intent, amount, basket } => {
                if let Some(basket) = basket {
                    self.baskets.insert(intent, basket);
                }
                let intent = mapping::to_session(intent);
                let (kind, amount) = mapping::amount(amount)?;
                Some(match kind {
                    mapping::Way::In => Input::Pay { intent, amount, currency, asked_at },
                    mapping::Way::Out => Input::Refund { intent, amount, currency, asked_at },
                })
            }
            TerminalCommand::Ask { intent } => self.ask(intent).await,
            TerminalCommand::Cancel => Some(Input::AbortPayment),
            TerminalCommand::Reverse { intent, amount, reference } => {
                let receipt = reference.as_ref().and_then(mapping::receipt_of);
                let amount = mapping::amount(amount);
                match (receipt, amount) {
                    (Some(receipt), Some((_, amount))) => Some(Input::Reverse {
                        intent: mapping::to_session(intent),
                        receipt,
                        amount,
                        currency,
                    }),
                    _ => {
                        self.tell(intent, Update::Unknown).await;
                        None
                    }
                }
            }
            TerminalCommand::Confirm { intent } => {
                Some(Input::Committed { intent: mapping::to_session(intent) })
            }
        }
    }

    /// A payment without a record was never sent: the record is written before the first byte.
    async fn ask(&mut self, intent: IntentId) -> Option<Input> {
        let id = mapping::to_session(intent);
        if self.session.held().is_some_and(|it| it.intent == id) {
            return Some(Input::Resync { intent: id });
        }
        let key = intent.to_string();
        let load = move |tx: &mut Tx<'_>| tx.intent(&key);
        match self.writer.execute("intent", load).await {
            Ok(Some(row)) => match self.kept(&row.body) {
                Some(record) if record.is_open() => Some(Input::Resume(Box::new(record))),
                Some(record) => {
                    self.tell(intent, mapping::settled(&record)).await;
                    None
                }
                None => {
                    self.tell(intent, Update::Unknown).await;
                    None
                }
            },
            Ok(None) => {
                let text = "it was never sent to the terminal".into();
                self.tell(intent, Update::Aborted { text }).await;
                None
            }
            Err(error) => {
                tracing::error!(%error, %intent, "a payment's record can't be read");
                None
            }
        }
    }

    /// One input and everything that follows from it.
    async fn feed(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let mut effects = Vec::new();
            self.session.handle(Mono(self.clock.millis()), input, &mut effects);
            for effect in effects {
                if let Some(input) = self.perform(effect).await {
                    inputs.push_back(input);
                }
            }
        }
    }

    async fn perform(&mut self, effect: Effect) -> Option<Input> {
        match effect {
            Effect::Connect => Some(self.connect().await),
            Effect::Disconnect => {
                if let Some(mut stream) = self.stream.take() {
                    let _closed = stream.shutdown().await;
                }
                None
            }
            Effect::Send(bytes) => self.send(&bytes).await,
            Effect::PersistState(record) => {
                let intent = record.intent;
                self.persist(&record).await.then_some(Input::Persisted { intent })
            }
            Effect::CommitThenConfirm(record) => self.commit(&record).await,
            Effect::Display(text) => {
                self.progress(text).await;
                None
            }
            Effect::Outcome(outcome) => {
                self.outcome(outcome).await;
                None
            }
            Effect::Rejected(rejection) => {
                self.rejected(rejection);
                None
            }
            Effect::Fault(fault) => {
                tracing::warn!(till = %self.counter.till(), ?fault, "unreadable bytes from the terminal");
                None
            }
            Effect::Receipt(_) | Effect::SetTimer(_) => None,
        }
    }

    async fn send(&mut self, bytes: &[u8]) -> Option<Input> {
        if let Some(stream) = &mut self.stream
            && stream.write_all(bytes).await.is_ok()
        {
            return None;
        }
        self.stream = None;
        Some(Input::Disconnected)
    }

    async fn connect(&mut self) -> Input {
        let limit = std::time::Duration::from_millis(self.config.reply_ms_max);
        match tokio::time::timeout(limit, TcpStream::connect(self.address)).await {
            Ok(Ok(stream)) => {
                let _fast = stream.set_nodelay(true);
                self.stream = Some(stream);
                Input::Connected
            }
            _ => Input::Disconnected,
        }
    }

    async fn persist(&self, record: &IntentRecord) -> bool {
        let id = mapping::to_till(record.intent);
        let kept = Kept { basket: self.baskets.get(&id).copied(), record: record.clone() };
        let body = match serde_json::to_string(&kept) {
            Ok(body) => body,
            Err(error) => {
                tracing::error!(%error, "a payment's record can't be written");
                return false;
            }
        };
        let till = self.counter.till().clone();
        let is_open = record.is_open();
        let row = PaymentIntent { id: id.to_string(), till, is_open, body };
        let put = move |tx: &mut Tx<'_>| tx.intent_put(&row);
        match self.writer.execute("intent", put).await {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(%error, "a payment's record is not durable");
                false
            }
        }
    }

    /// The till writes the sale and answers with [`TerminalCommand::Confirm`].
    async fn commit(&mut self, record: &IntentRecord) -> Option<Input> {
        let intent = record.intent;
        if !self.persist(record).await {
            return Some(Input::CommitFailed { intent });
        }
        let id = mapping::to_till(intent);
        if self.is_recorded(id).await {
            // The PC died between the commit and the terminal's acknowledgement.
            self.give(TillInput::AlreadyRecorded(id)).await;
        } else {
            self.tell(id, mapping::approved(record)).await;
        }
        None
    }

    /// Whether the sale that a payment was for stands in the ledger.
    async fn is_recorded(&self, intent: IntentId) -> bool {
        let Some(basket) = self.baskets.get(&intent).copied() else { return false };
        let till = self.counter.till().clone();
        let find = move |tx: &mut Tx<'_>| sale_of(tx, &till, basket);
        match self.writer.execute("sale of a payment", find).await {
            Ok(sale) => !sale.is_empty(),
            Err(error) => {
                tracing::error!(%error, %intent, "a payment's sale can't be looked up");
                false
            }
        }
    }

    async fn outcome(&mut self, outcome: Outcome) {
        let doing = mapping::in_words(&outcome);
        self.doing.send_replace(doing.clone());
        match mapping::news(&outcome) {
            Some(mapping::News::Update(intent, update)) => self.tell(intent, update).await,
            Some(mapping::News::ReversedAfterCommit(intent)) => self.reversed(intent).await,
            None => self.progress(String::new()).await,
        }
        if let Some(record) = mapping::record_of(&outcome) {
            self.persist(record).await;
        }
    }

    /// The sale stands in the ledger; the till voids it by a new document.
    async fn reversed(&mut self, intent: IntentId) {
        let Some(basket) = self.baskets.get(&intent).copied() else {
            tracing::error!(%intent, "a payment was reversed whose basket is not known");
            self.tell(intent, Update::Reversed).await;
            return;
        };
        let till = self.counter.till().clone();
        let find = move |tx: &mut Tx<'_>| sale_of(tx, &till, basket);
        match self.writer.execute("sale of a payment", find).await {
            Ok(sale) => self.give(TillInput::ReversedAfterCommit { intent, sale }).await,
            Err(error) => {
                tracing::error!(%error, %intent, "a reversed payment's sale can't be read");
            }
        }
    }

    fn rejected(&self, rejection: Rejection) {
        tracing::warn!(till = %self.counter.till(), ?rejection, "the terminal is busy");
    }

    async fn progress(&self, text: String) {
        self.doing.send_replace(text.clone());
    }

    async fn tell(&self, intent: IntentId, update: Update) {
        self.give(TillInput::PaymentUpdate { intent, update }).await;
    }

    /// The till waits for the disk, so it runs outside the async threads.
    async fn give(&self, input: TillInput) {
        let counter = self.counter.clone();
        let given = tokio::task::spawn_blocking(move || counter.input(input)).await;
        if let Ok(Err(error)) = given {
            tracing::error!(%error, "a till can't go on");
        }
    }
}

/// Every document of a basket's sale: its parts are keyed by their first line.
fn sale_of(tx: &Tx<'_>, till: &TillId, basket: BasketId) -> Result<Vec<Document>, TableError> {
    let damaged = |_| TableError::Damaged { what: "basket" };
    let mut key = SourceKey {
        source: SourceId::new(till.as_str()).map_err(damaged)?,
        receipt: ReceiptNo::new(basket.to_string()).map_err(damaged)?,
        action: SourceAction::Record,
        part: 0,
    };
    let mut sale = Vec::new();
    while let Some(place) = tx.tables().counted_for(&key)? {
        let document = tx.tables().read_document(place)?;
        let lines = u32::try_from(document.draft.lines.len()).unwrap_or(u32::MAX);
        sale.push(document);
        if lines == 0 {
            break;
        }
        key.part = key.part.saturating_add(lines);
    }
    Ok(sale)
}
