//! A till's shell, the session and the simulated terminal in virtual time, with a cable that breaks at
//! a given byte. The shell keeps what a real one would make durable; the checker compares that with the
//! terminal's own books.
#![allow(
    dead_code,
    reason = "shared by several test programs; none uses all of it"
)]

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use shelf_codecs::zvt::{Amount, Password, TerminalDate, TerminalTime, config_byte};
use shelf_sessions::payment::Terminal as _;
use shelf_sessions::zvt::{
    Command, Config, Effect, Input, IntentId, IntentRecord, Mono, Outcome, PaymentState, Session,
    ShopTime,
};
use shelf_sim::zvt_terminal::{Action, Direction, PaymentScript, Terminal, TerminalConfig};

/// What a break looks like to our side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Break {
    /// Both ends learn of it at once.
    Noticed,
    /// Bytes vanish; only timers tell.
    Silent,
    /// Our process dies; a new one resumes from what is durable.
    ProcessDies,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Cable {
    pub(crate) direction: Direction,
    pub(crate) after_bytes: u64,
    pub(crate) kind: Break,
    /// Milliseconds until it can be connected again; never if absent.
    pub(crate) back_after_ms: Option<u64>,
}

/// A wrong program, to prove that the checker sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mutant {
    None,
    /// Sends the payment again instead of asking for the last transaction.
    SendsAgain,
    /// Says "committed" and writes nothing.
    ForgetsCommit,
    /// Ignores that the terminal took the money back.
    IgnoresReversal,
}

pub(crate) struct World {
    pub(crate) now_ms: u64,
    pub(crate) session: Session,
    pub(crate) terminal: Terminal,
    pub(crate) config: Config,
    pub(crate) cable: Option<Cable>,
    pub(crate) mutant: Mutant,
    /// Bytes since the cable was armed, to and from the terminal.
    pub(crate) bytes: (u64, u64),
    cable_in: bool,
    back_at_ms: Option<u64>,
    restart_at_ms: Option<u64>,
    open: bool,
    inputs: VecDeque<Input>,
    commits: VecDeque<(u64, IntentId)>,
    pub(crate) commit_takes_ms: u64,
    pub(crate) commits_fail: bool,
    /// A shell that writes the record first and the sale in a later transaction.
    pub(crate) sale_after_record: bool,
    authorisation: Option<Vec<u8>>,
    /// The last command was a status enquiry: what follows is a resynchronisation.
    asked_status: bool,
    pub(crate) sales: BTreeSet<IntentId>,
    pub(crate) voided: BTreeSet<IntentId>,
    pub(crate) unknown: BTreeSet<IntentId>,
    pub(crate) durable: BTreeMap<IntentId, IntentRecord>,
    pub(crate) outcomes: Vec<Outcome>,
    pub(crate) paid: usize,
    /// Everything the shell saw, as text; and every byte, as hex.
    pub(crate) seen: String,
    pub(crate) from_terminal: Vec<u8>,
}

pub(crate) const CURRENCY: u16 = 978;

pub(crate) fn session_config(prints: bool) -> Config {
    let mut config = Config::new(Password::new("123456").unwrap(), CURRENCY);
    config.config_byte = if prints {
        config_byte::REGISTER_PRINTS
    } else {
        config_byte::TERMINAL_PRINTS
    };
    config
}

pub(crate) fn amount(minor: u64) -> Amount {
    Amount::new(minor).unwrap()
}

impl World {
    pub(crate) fn new(
        config: Config,
        terminal: TerminalConfig,
        scripts: Vec<PaymentScript>,
    ) -> Self {
        Self {
            now_ms: 0,
            session: Session::new(config.clone()),
            terminal: Terminal::new(terminal, scripts),
            config,
            cable: None,
            mutant: Mutant::None,
            bytes: (0, 0),
            cable_in: true,
            back_at_ms: None,
            restart_at_ms: None,
            open: false,
            inputs: VecDeque::new(),
            commits: VecDeque::new(),
            commit_takes_ms: 3,
            commits_fail: false,
            sale_after_record: false,
            authorisation: None,
            asked_status: false,
            sales: BTreeSet::new(),
            voided: BTreeSet::new(),
            unknown: BTreeSet::new(),
            durable: BTreeMap::new(),
            outcomes: Vec::new(),
            paid: 0,
            seen: String::new(),
            from_terminal: Vec::new(),
        }
    }

    /// The shop's clock, which agrees with the terminal's.
    pub(crate) fn shop_time(&self) -> ShopTime {
        let second = 14 * 3600 + 30 * 60 + self.now_ms / 1000;
        let part = |unit: u64, of: u64| u8::try_from(second / unit % of).unwrap();
        ShopTime {
            date: TerminalDate { month: 11, day: 21 },
            time: TerminalTime {
                hour: part(3600, 24),
                minute: part(60, 60),
                second: part(1, 60),
            },
        }
    }

    pub(crate) fn pay(&mut self, intent: u128, minor: u64) {
        self.paid += 1;
        let asked_at = Some(self.shop_time());
        let intent = IntentId(intent);
        self.input(Input::Command(Command::Pay {
            intent,
            amount: amount(minor),
            currency: CURRENCY,
            asked_at,
        }));
        self.run();
    }

    /// Arms the cable: bytes are counted from here.
    pub(crate) fn arm(&mut self, cable: Option<Cable>) {
        self.bytes = (0, 0);
        self.cable = cable;
    }

    pub(crate) fn input(&mut self, input: Input) {
        self.inputs.push_back(input);
        self.work();
    }

    fn work(&mut self) {
        loop {
            if let Some(input) = self.inputs.pop_front() {
                let mut effects = Vec::new();
                self.session.handle(Mono(self.now_ms), input, &mut effects);
                for effect in effects {
                    if self.restart_at_ms.is_none() {
                        self.perform(effect);
                    }
                }
                continue;
            }
            let actions = self.terminal.take_actions();
            if actions.is_empty() {
                return;
            }
            for action in actions {
                self.terminal_does(action);
            }
        }
    }

    fn perform(&mut self, effect: Effect) {
        self.seen.push_str(&format!("{effect:?}\n"));
        match effect {
            Effect::Connect => self.connect(),
            Effect::Disconnect => self.disconnect(),
            Effect::Send(bytes) => self.send(bytes),
            Effect::PersistState(record) => {
                let intent = record.intent;
                if record.progress.state == PaymentState::Reversed
                    && self.mutant != Mutant::IgnoresReversal
                {
                    self.voided.insert(intent);
                }
                if record.progress.state != PaymentState::Unknown {
                    self.unknown.remove(&intent);
                }
                self.durable.insert(intent, *record);
                self.inputs.push_back(Input::Persisted { intent });
            }
            Effect::CommitThenConfirm(record) => {
                let at = self.now_ms + self.commit_takes_ms;
                if !self.commits_fail {
                    self.durable.insert(record.intent, (*record).clone());
                    if self.mutant != Mutant::ForgetsCommit && !self.sale_after_record {
                        self.sales.insert(record.intent);
                    }
                }
                self.commits.push_back((at, record.intent));
            }
            Effect::Outcome(outcome) => self.take_outcome(outcome),
            _ => {}
        }
    }

    fn take_outcome(&mut self, outcome: Outcome) {
        match &outcome {
            Outcome::Unknown { record, .. } | Outcome::ReversedOther { record, .. } => {
                self.unknown.insert(record.intent);
            }
            _ => {}
        }
        self.outcomes.push(outcome);
    }

    fn connect(&mut self) {
        if self.cable_in {
            self.open = true;
            self.terminal.connected(self.now_ms);
            self.inputs.push_back(Input::Connected);
        } else if self.cable.is_none_or(|c| c.kind != Break::Silent) {
            self.inputs.push_back(Input::Disconnected);
        }
    }

    fn disconnect(&mut self) {
        if std::mem::take(&mut self.open) && self.cable_in {
            self.terminal.disconnected(self.now_ms);
        }
    }

    fn send(&mut self, mut bytes: Vec<u8>) {
        let asks_again = bytes.starts_with(&[0x06, 0x20]) && self.asked_status;
        self.asked_status &= bytes.starts_with(&[0x80]);
        self.asked_status |= bytes.starts_with(&[0x05, 0x01]);
        if bytes.starts_with(&[0x06, 0x01]) {
            self.authorisation = Some(bytes.clone());
        } else if asks_again
            && self.mutant == Mutant::SendsAgain
            && let Some(again) = self.authorisation.take()
        {
            bytes = again;
        }
        let (kept, cut) = self.through_cable(Direction::ToTerminal, &bytes);
        if self.open {
            self.terminal.receive(self.now_ms, &kept);
        }
        if cut {
            self.break_cable();
        }
    }

    fn terminal_does(&mut self, action: Action) {
        match action {
            Action::Send(bytes) => {
                self.from_terminal.extend(&bytes);
                let (kept, cut) = self.through_cable(Direction::FromTerminal, &bytes);
                if self.open && !kept.is_empty() {
                    self.inputs.push_back(Input::Bytes(kept));
                }
                if cut {
                    // What arrived before the break is still read.
                    self.drain_inputs();
                    self.break_cable();
                }
            }
            Action::Close => {
                self.terminal.disconnected(self.now_ms);
                if std::mem::take(&mut self.open) {
                    self.inputs.push_back(Input::Disconnected);
                }
            }
        }
    }

    fn drain_inputs(&mut self) {
        while let Some(input) = self.inputs.pop_front() {
            let mut effects = Vec::new();
            self.session.handle(Mono(self.now_ms), input, &mut effects);
            for effect in effects {
                self.perform(effect);
            }
        }
    }

    fn through_cable(&mut self, direction: Direction, bytes: &[u8]) -> (Vec<u8>, bool) {
        if !self.cable_in {
            return (Vec::new(), false);
        }
        let count = match direction {
            Direction::ToTerminal => &mut self.bytes.0,
            Direction::FromTerminal => &mut self.bytes.1,
        };
        let before = *count;
        *count += bytes.len() as u64;
        let armed = self.back_at_ms.is_none() && self.restart_at_ms.is_none();
        match self.cable.filter(|c| c.direction == direction && armed) {
            Some(cable) if cable.after_bytes >= before && cable.after_bytes <= *count => {
                let kept = usize::try_from(cable.after_bytes - before).unwrap();
                (bytes[..kept].to_vec(), true)
            }
            _ => (bytes.to_vec(), false),
        }
    }

    fn break_cable(&mut self) {
        let Some(cable) = self.cable else { return };
        self.cable_in = false;
        let back_at_ms = cable.back_after_ms.map_or(u64::MAX, |ms| self.now_ms + ms);
        self.back_at_ms = Some(back_at_ms);
        let was_open = std::mem::take(&mut self.open);
        match cable.kind {
            Break::Silent => self.open = was_open,
            Break::Noticed => {
                self.terminal.disconnected(self.now_ms);
                self.inputs.push_back(Input::Disconnected);
            }
            Break::ProcessDies => {
                self.terminal.disconnected(self.now_ms);
                self.inputs.clear();
                self.commits.clear();
                self.restart_at_ms = Some(back_at_ms);
                self.session = Session::new(self.config.clone());
            }
        }
    }

    /// Runs until nothing is left to happen.
    pub(crate) fn run(&mut self) {
        self.run_until(u64::MAX);
    }

    pub(crate) fn run_until(&mut self, until_ms: u64) {
        for _ in 0..100_000 {
            self.work();
            let wakes = [
                self.session.next_wakeup().map(|m| m.0),
                self.terminal.next_wakeup_ms(),
                self.commits.front().map(|(at, _)| *at),
                self.back_at_ms
                    .filter(|at| !self.cable_in && *at != u64::MAX),
                self.restart_at_ms.filter(|at| *at != u64::MAX),
            ];
            let Some(at) = wakes
                .into_iter()
                .flatten()
                .min()
                .filter(|at| *at <= until_ms)
            else {
                return;
            };
            self.now_ms = self.now_ms.max(at);
            self.pass_time();
        }
        panic!("the world never comes to rest");
    }

    fn pass_time(&mut self) {
        if self.back_at_ms.is_some_and(|at| at <= self.now_ms) && !self.cable_in {
            self.cable_in = true;
            // The old connection does not come back to life.
            if std::mem::take(&mut self.open) {
                self.terminal.disconnected(self.now_ms);
            }
        }
        if self.restart_at_ms.is_some_and(|at| at <= self.now_ms) {
            self.restart_at_ms = None;
            let open: Vec<_> = self
                .durable
                .values()
                .filter(|r| r.progress.is_open())
                .cloned()
                .collect();
            for mut record in open {
                record.progress.committed = self.sales.contains(&record.intent);
                self.inputs.push_back(Input::Resume(Box::new(record)));
            }
        }
        self.terminal.advance(self.now_ms);
        if let Some(intent) = self.due_commit() {
            if self.sale_after_record {
                self.sales.insert(intent);
            }
            self.inputs.push_back(if self.commits_fail {
                Input::CommitFailed { intent }
            } else {
                Input::Committed { intent }
            });
        }
        self.inputs.push_back(Input::Tick);
    }

    fn due_commit(&mut self) -> Option<IntentId> {
        let (at, intent) = *self.commits.front()?;
        (at <= self.now_ms).then(|| self.commits.pop_front())?;
        Some(intent)
    }

    /// The truth (the terminal's books) against ours.
    pub(crate) fn check(&self) -> Result<(), String> {
        let taken = self.terminal.standing().count();
        let sold = self.sales.difference(&self.voided).count();
        if taken > self.paid {
            return Err(format!("double charge: {taken} of {} payments", self.paid));
        }
        let open = self
            .durable
            .values()
            .filter(|r| r.progress.is_open())
            .map(|r| r.intent);
        let listed: BTreeSet<IntentId> = if self.restart_at_ms.is_some() {
            open.collect()
        } else {
            self.unknown.clone()
        };
        if taken.abs_diff(sold) > listed.len() {
            return Err(format!(
                "taken {taken}, sold {sold}, listed {}",
                listed.len()
            ));
        }
        if self.session.is_busy() {
            return Err("the session never ended".to_owned());
        }
        Ok(())
    }
}
