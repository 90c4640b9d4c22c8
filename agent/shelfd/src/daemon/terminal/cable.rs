//! A payment terminal on its cable: carries bytes between the dialogue machine and the line, makes
//! its records durable, and passes what it learns to the till.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use shelf_ledger::{Tx, Writer};
use shelf_sessions::payment::{Effect, Input, PaymentRecord as _, Rejection, Terminal as _};
use shelf_sessions::time::Mono;
use shelf_stock::money::Money;
use shelf_stock::name::TenderRef;
use shelf_till::basket::{BasketId, IntentId, TillInput, Update};
use tokio::sync::{mpsc, watch};

use super::super::counter::Counter;
use super::line::{Line, LineEvent};
use super::protocol::{
    Asked, Command, News, Outcome, Protocol, Record, Session, news, to_session, to_till,
};
use super::{Errand, SLIP_LINES_MAX, TerminalCommand, TerminalStanding, TerminalTask};
use crate::platform::{self, MonoClock};

/// What the till is told when the terminal is asked for a payment while it does something else.
const BUSY: &str = "the terminal is busy: nothing was sent";
/// What the till is told about an amount that this terminal can't be asked for.
const NOT_POSSIBLE: &str = "this terminal can't be asked for that: nothing was sent";

/// Performs what the machine wants until the till is gone.
pub(super) async fn run<P: Protocol>(
    protocol: P,
    task: TerminalTask,
    writer: Writer,
    clock: MonoClock,
) {
    let (mut cable, mut commands) = Cable::new(protocol, task, writer, clock);
    cable.resume().await;
    loop {
        let wake = cable.session.next_wakeup();
        let wake = wake.map(|it| cable.clock.at_millis(it.0));
        let clock = cable.clock;
        tokio::select! {
            command = commands.recv() => match command {
                Some(command) => cable.command(command).await,
                None => return,
            },
            event = cable.line.event(&clock) => cable.heard(event).await,
            () = sleep_until(wake) => cable.feed(Input::Tick).await,
        }
    }
}

/// Waits for ever for `None`.
pub(crate) async fn sleep_until(at: Option<std::time::Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

/// One terminal, its line and its till.
pub(super) struct Cable<P: Protocol> {
    pub(super) protocol: P,
    pub(super) session: Session<P>,
    pub(super) counter: Arc<Counter>,
    pub(super) writer: Writer,
    line: Line,
    clock: MonoClock,
    standing: watch::Sender<TerminalStanding>,
    /// The payment that was last told to be under way: whose progress the cashier reads.
    current: Option<IntentId>,
    /// Pages have not been told of the last change.
    has_news: bool,
    /// Lines of the slip that is being printed.
    slip: Vec<String>,
    /// Which basket a payment is for, while it is open.
    pub(super) baskets: BTreeMap<IntentId, BasketId>,
    /// Which payment a reversal (an intent of its own) takes back.
    pub(super) reversals: BTreeMap<IntentId, IntentId>,
}

impl<P: Protocol> Cable<P> {
    fn new(
        protocol: P,
        task: TerminalTask,
        writer: Writer,
        clock: MonoClock,
    ) -> (Self, mpsc::Receiver<TerminalCommand>) {
        let limit = Duration::from_millis(protocol.connect_ms_max());
        let cable = Self {
            session: protocol.session(),
            line: Line::new(task.address, limit),
            protocol,
            counter: task.counter,
            writer,
            clock,
            standing: task.end.standing,
            current: None,
            has_news: false,
            slip: Vec::new(),
            baskets: BTreeMap::new(),
            reversals: BTreeMap::new(),
        };
        (cable, task.end.commands)
    }

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

    async fn command(&mut self, command: TerminalCommand) {
        match command {
            TerminalCommand::Pay {
                intent,
                amount,
                basket,
            } => self.pay(intent, amount, basket).await,
            TerminalCommand::Ask { intent } => {
                if let Some(input) = self.ask(intent).await {
                    self.feed(input).await;
                }
            }
            TerminalCommand::Cancel => self.feed(Input::Command(self.protocol.abort())).await,
            TerminalCommand::Settled { intent } => {
                let intent = to_session(intent);
                self.feed(Input::Settled { intent }).await;
            }
            TerminalCommand::Reverse {
                intent,
                amount,
                reference,
            } => self.reverse(intent, amount, reference.as_ref()).await,
            TerminalCommand::Confirm { intent } => {
                let intent = to_session(intent);
                self.feed(Input::Committed { intent }).await;
            }
            TerminalCommand::Errand(errand) => self.errand(errand).await,
        }
    }

    async fn pay(&mut self, intent: IntentId, amount: Money, basket: Option<BasketId>) {
        if let Some(basket) = basket {
            self.baskets.insert(intent, basket);
        }
        let asked = Asked {
            intent: to_session(intent),
            amount,
            now: platform::wall_now(),
        };
        let not_sent = match self.protocol.charge(asked) {
            None => NOT_POSSIBLE,
            // The machine would refuse it, too; said here, the till hears of it.
            Some(_) if self.session.is_busy() => BUSY,
            Some(command) => {
                self.current = Some(intent);
                self.slip.clear();
                return self.feed(Input::Command(command)).await;
            }
        };
        let text = not_sent.into();
        self.tell(intent, Update::Aborted { text }).await;
    }

    async fn reverse(&mut self, intent: IntentId, amount: Money, reference: Option<&TenderRef>) {
        let own = match self.session.is_busy() {
            true => None,
            false => self.new_reversal(intent),
        };
        let command = own.zip(reference).and_then(|(intent, paid)| {
            let now = platform::wall_now();
            let asked = Asked {
                intent,
                amount,
                now,
            };
            self.protocol.reverse(asked, paid)
        });
        match command {
            Some(command) => {
                self.current = Some(intent);
                self.slip.clear();
                self.feed(Input::Command(command)).await;
            }
            None => {
                self.note(|it| NOT_POSSIBLE.clone_into(&mut it.doing));
                self.tell(intent, Update::Unknown).await;
            }
        }
    }

    async fn errand(&mut self, errand: Errand) {
        let Some(command) = self.protocol.errand(errand) else {
            self.note(|it| NOT_POSSIBLE.clone_into(&mut it.doing));
            self.counter.terminal_changed();
            return;
        };
        if !self.session.is_busy() {
            self.current = None;
            self.slip.clear();
        }
        self.feed(Input::Command(command)).await;
    }

    async fn heard(&mut self, event: LineEvent) {
        match event {
            LineEvent::Bytes(bytes) => self.feed(Input::Bytes(bytes)).await,
            LineEvent::Gone => self.feed(Input::Disconnected).await,
            LineEvent::Fault(fault) => self.fault(&fault),
            LineEvent::Nothing => {}
        }
    }

    /// One input and everything that follows from it.
    pub(super) async fn feed(&mut self, input: Input<Command<P>, Record<P>>) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let mut effects = Vec::new();
            self.session
                .handle(Mono(self.clock.millis()), input, &mut effects);
            for effect in effects {
                inputs.extend(self.perform(effect).await);
            }
        }
        let busy = self.session.is_busy();
        let mut news = std::mem::take(&mut self.has_news);
        self.standing.send_if_modified(|it| {
            news |= std::mem::replace(&mut it.busy, busy) != busy;
            news
        });
        if news {
            self.counter.terminal_changed();
        }
    }

    /// Changes what pages show of it; they are told when the current input has been dealt with.
    fn note(&mut self, change: impl FnOnce(&mut TerminalStanding)) {
        self.standing.send_modify(change);
        self.has_news = true;
    }

    async fn perform(
        &mut self,
        effect: super::protocol::EffectOf<P>,
    ) -> Option<Input<Command<P>, Record<P>>> {
        match effect {
            Effect::Connect => Some(match self.line.connect().await {
                true => Input::Connected,
                false => Input::Disconnected,
            }),
            Effect::Disconnect => {
                self.line.close().await;
                None
            }
            Effect::Send(bytes) => {
                let now = Mono(self.clock.millis());
                let sent = self.line.send(now, bytes).await;
                (!sent).then_some(Input::Disconnected)
            }
            Effect::PersistState(record) => {
                let intent = record.intent();
                self.persist(&record)
                    .await
                    .then_some(Input::Persisted { intent })
            }
            Effect::CommitThenConfirm(record) => self.commit(&record).await,
            Effect::Display(text) => {
                self.progress(text).await;
                None
            }
            Effect::Receipt(lines) => {
                let room = SLIP_LINES_MAX.saturating_sub(self.slip.len());
                self.slip.extend(lines.into_iter().take(room));
                None
            }
            Effect::Outcome(outcome) => {
                self.outcome(&outcome).await;
                None
            }
            Effect::Rejected(rejection) => {
                self.rejected(rejection);
                None
            }
            Effect::Fault(fault) => {
                self.fault(&fault);
                None
            }
            Effect::SetTimer(_) => None,
        }
    }

    async fn outcome(&mut self, outcome: &Outcome<P>) {
        let words = P::in_words(outcome);
        let day = P::day(outcome, platform::wall_now());
        let slip = std::mem::take(&mut self.slip);
        self.note(|it| {
            it.doing.clone_from(&words);
            if !slip.is_empty() {
                it.slip = slip;
            }
            it.day = day.or(it.day.take());
        });
        let Some((record, ending)) = P::ending(outcome) else {
            return;
        };
        self.persist(record).await;
        let intent = to_till(record.intent());
        match news(record, ending, &words) {
            Some(News::Update(update)) => {
                let payment = self.payment_of(intent);
                self.tell(payment, update).await;
            }
            Some(News::ReversedAfterCommit) => self.reversed(intent).await,
            Some(News::ForTheManager(what)) => {
                self.for_the_manager(intent, &words, what).await;
                if record.is_reversal() {
                    let payment = self.payment_of(intent);
                    self.tell(payment, Update::Unknown).await;
                }
            }
            None => {}
        }
    }

    fn rejected(&self, rejection: Rejection) {
        tracing::warn!(till = %self.counter.till(), ?rejection, "the terminal is busy");
    }

    fn fault(&mut self, fault: &impl std::fmt::Debug) {
        tracing::warn!(till = %self.counter.till(), ?fault, "unreadable bytes from the terminal");
        self.note(|it| it.faults += 1);
    }

    async fn progress(&mut self, text: String) {
        self.note(|it| it.doing.clone_from(&text));
        if let Some(intent) = self.current {
            self.tell(intent, Update::Progress { text }).await;
        }
    }

    pub(super) async fn tell(&self, intent: IntentId, update: Update) {
        self.give(TillInput::PaymentUpdate { intent, update }).await;
    }

    /// The till waits for the disk, so it runs outside the async threads.
    pub(super) async fn give(&self, input: TillInput) {
        let counter = self.counter.clone();
        let given = tokio::task::spawn_blocking(move || counter.input(input)).await;
        if let Ok(Err(error)) = given {
            tracing::error!(%error, "a till can't go on");
        }
    }
}
