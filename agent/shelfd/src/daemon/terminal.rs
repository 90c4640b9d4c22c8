//! A payment terminal on its cable: carries bytes between the dialogue machine and the socket,
//! makes its records durable, and passes what it learns to the till.
//!
//! The machine decides everything about the payment; this only performs its effects in their
//! order. A payment is never started from here by itself: only the till's command does, and the
//! till has written it down before.

mod mapping;
mod records;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

use shelf_ledger::{Tx, Writer};
use shelf_sessions::zvt::{Config, Effect, Input, Mono, Outcome, Rejection, Session};
use shelf_stock::money::Money;
use shelf_stock::name::TenderRef;
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
    /// Somebody settled an unknown payment from the slip: stop asking about it.
    Settled {
        /// The payment.
        intent: IntentId,
    },
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
    (
        TerminalDesk {
            commands: to,
            doing: seen,
        },
        TerminalEnd { commands, doing },
    )
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
    let (baskets, reversals) = (BTreeMap::new(), BTreeMap::new());
    let mut cable = Cable {
        address,
        session,
        config,
        counter,
        writer,
        clock,
        stream: None,
        doing,
        baskets,
        reversals,
    };
    cable.resume().await;
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let wake = cable
            .session
            .next_wakeup()
            .map(|it| cable.clock.at_millis(it.0));
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
    /// Which payment a reversal (an intent of its own) takes back.
    reversals: BTreeMap<IntentId, IntentId>,
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
            if let Some(record) = self.kept(&row.body).await {
                self.feed(Input::Resume(Box::new(record))).await;
            }
        }
    }

    async fn translate(&mut self, command: TerminalCommand) -> Option<Input> {
        let asked_at = mapping::shop_time(platform::wall_now());
        let currency = self.config.currency;
        match command {
            TerminalCommand::Pay {
                intent,
                amount,
                basket,
            } => {
                if let Some(basket) = basket {
                    self.baskets.insert(intent, basket);
                }
                let intent = mapping::to_session(intent);
                let (kind, amount) = mapping::amount(amount)?;
                Some(match kind {
                    mapping::Way::In => Input::Pay {
                        intent,
                        amount,
                        currency,
                        asked_at,
                    },
                    mapping::Way::Out => Input::Refund {
                        intent,
                        amount,
                        currency,
                        asked_at,
                    },
                })
            }
            TerminalCommand::Ask { intent } => self.ask(intent).await,
            TerminalCommand::Cancel => Some(Input::AbortPayment),
            TerminalCommand::Settled { intent } => Some(Input::Settled {
                intent: mapping::to_session(intent),
            }),
            TerminalCommand::Reverse {
                intent,
                amount,
                reference,
            } => {
                let receipt = reference.as_ref().and_then(mapping::receipt_of);
                let amount = mapping::amount(amount);
                match (receipt, amount) {
                    (Some(receipt), Some((_, amount))) => {
                        let own = self.new_reversal(intent)?;
                        Some(Input::Reverse {
                            intent: own,
                            receipt,
                            amount,
                            currency,
                        })
                    }
                    _ => {
                        self.tell(intent, Update::Unknown).await;
                        None
                    }
                }
            }
            TerminalCommand::Confirm { intent } => Some(Input::Committed {
                intent: mapping::to_session(intent),
            }),
        }
    }

    /// One input and everything that follows from it.
    async fn feed(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let mut effects = Vec::new();
            self.session
                .handle(Mono(self.clock.millis()), input, &mut effects);
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
                self.persist(&record)
                    .await
                    .then_some(Input::Persisted { intent })
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

    async fn outcome(&mut self, outcome: Outcome) {
        let doing = mapping::in_words(&outcome);
        self.doing.send_replace(doing.clone());
        if let Some(record) = mapping::record_of(&outcome) {
            self.persist(record).await;
        }
        match mapping::news(&outcome) {
            Some(mapping::News::Update(intent, update)) => {
                let payment = self.payment_of(intent);
                self.tell(payment, update).await;
            }
            Some(mapping::News::ReversedAfterCommit(intent)) => self.reversed(intent).await,
            Some(mapping::News::ForTheManager(intent)) => {
                self.for_the_manager(intent, &doing).await;
            }
            None => self.progress(String::new()).await,
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
