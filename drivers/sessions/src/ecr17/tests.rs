//! A terminal in the same thread and virtual time; the cable is pulled after every byte in either direction,
//! and what the terminal knows is compared with what the till believes.

use shelf_codecs::ecr17::{
    Approval, CardKind, Closing, Decoder, Item, LrcMode, RegisterId, Request, Response, Stan,
    TerminalId, TerminalState, encode_ack, encode_nak, encode_progress,
};
use shelf_codecs::zvt::Amount;

use super::*;
use crate::payment::{Ask, IntentId, PaymentState, Progress, Terminal as _};
use crate::time::Mono;

const INTENT: IntentId = IntentId(7);

fn terminal_id() -> TerminalId {
    TerminalId::new(12_345_678).unwrap()
}

/// What a terminal does that is not usual.
#[derive(Clone, Copy, Debug, Default)]
struct Habit {
    /// Refuses every payment.
    declines: bool,
    /// NAKs so many requests before it takes one.
    naks: u32,
    /// Damages the first copy of its result.
    damages_once: bool,
    /// The customer takes this long.
    customer_ms: u64,
    /// It is off after the cut, for good.
    stays_dead: bool,
    /// Takes a payment without a word until the customer is done.
    silent: bool,
    /// Another till takes a payment in the meantime.
    another_till: bool,
}

/// The terminal: charges when the customer is done, whether or not the till still listens.
struct Terminal {
    habit: Habit,
    decoder: Decoder,
    stan: u32,
    last: LastResult,
    payments_heard: u32,
    charged: Vec<u64>,
    reversed: u32,
    /// When the customer is done, and with what.
    busy: Option<(Mono, u64)>,
    unacked: Option<Vec<u8>>,
}

impl Terminal {
    fn new(habit: Habit) -> Terminal {
        let stan = 41;
        let last = LastResult {
            stan: Stan::new(stan),
            code: 0,
        };
        Terminal {
            habit,
            decoder: Decoder::new(LrcMode::Std),
            stan,
            last,
            payments_heard: 0,
            charged: Vec::new(),
            reversed: 0,
            busy: None,
            unacked: None,
        }
    }

    fn result(&self) -> Response {
        match (self.last.stan, self.last.code) {
            (Some(stan), 0) => Response::Approved(Approval {
                card: None,
                entry: "ICC".to_owned(),
                authorisation: "A1B2C3".to_owned(),
                host_time: "3251430".to_owned(),
                card_kind: CardKind::Debit,
                stan,
            }),
            (stan, code) => Response::Refused {
                code,
                words: "NEGATA".to_owned(),
                stan,
            },
        }
    }

    fn encode(&self, response: &Response) -> Vec<u8> {
        response.encode(terminal_id(), LrcMode::Std)
    }

    /// The customer is done: money moves now.
    fn work(&mut self, now: Mono) -> Option<Vec<u8>> {
        let (_, minor) = self.busy.take_if(|(at, _)| now >= *at)?;
        self.stan += 1;
        let code = u8::from(self.habit.declines);
        if code == 0 {
            self.charged.push(minor);
        }
        self.last = LastResult {
            stan: Stan::new(self.stan),
            code,
        };
        if self.habit.another_till {
            self.stan += 1;
            self.last = LastResult {
                stan: Stan::new(self.stan),
                code: 0,
            };
        }
        let result = self.encode(&self.result());
        self.unacked = Some(result.clone());
        Some(result)
    }

    fn hear(&mut self, now: Mono, bytes: &[u8]) -> Vec<Vec<u8>> {
        self.decoder.push(bytes);
        let mut said = Vec::new();
        while let Some(item) = self.decoder.next() {
            match item {
                Item::Message(payload) => {
                    let answers = self.request(now, payload.request());
                    self.unacked = answers.last().cloned().filter(|last| last.len() > 30);
                    said.extend(answers);
                }
                Item::Nak => said.extend(self.unacked.clone()),
                Item::Ack => self.unacked = None,
                _ => {}
            }
        }
        said
    }

    fn request(&mut self, now: Mono, request: Option<Request>) -> Vec<Vec<u8>> {
        if self.habit.naks > 0 {
            self.habit.naks -= 1;
            return vec![encode_nak(LrcMode::Std)];
        }
        let ack = encode_ack(LrcMode::Std);
        let answer = |response: &Response| vec![ack.clone(), self.encode(response)];
        match request {
            Some(Request::Payment { amount, .. }) => {
                self.payments_heard += 1;
                self.busy = Some((now.plus(self.habit.customer_ms), amount.minor()));
                if self.habit.silent {
                    return Vec::new();
                }
                vec![ack, encode_progress("INSERIRE CARTA")]
            }
            Some(Request::Reversal { .. }) => {
                self.reversed += 1;
                self.stan += 1;
                self.last = LastResult {
                    stan: Stan::new(self.stan),
                    code: 0,
                };
                vec![ack, self.encode(&self.result())]
            }
            Some(Request::LastResult) => answer(&self.result()),
            Some(Request::Totals) => answer(&Response::Totals {
                terminal_minor: Some(5),
            }),
            Some(Request::Close) => answer(&Response::Closed(Closing {
                terminal_minor: 5,
                host_minor: 5,
            })),
            Some(Request::Status) => answer(&Response::State(TerminalState {
                state: 0,
                release: "1".to_owned(),
            })),
            None => vec![encode_nak(LrcMode::Std)],
        }
    }
}

/// Till, cable and terminal. The cable breaks after so many bytes, once.
struct World {
    session: Session,
    terminal: Terminal,
    now: Mono,
    connected: bool,
    bytes_left: usize,
    bytes_seen: usize,
    cut: bool,
    outcomes: Vec<Outcome>,
    records: Vec<Record>,
    committed: u32,
    damaged: bool,
    commit_fails: bool,
    /// The cashier gives up as soon as the terminal shows progress.
    gives_up: bool,
}

impl World {
    fn new(habit: Habit, cut_after: usize) -> World {
        let register = RegisterId::new(1).unwrap();
        World {
            session: Session::new(Config::new(terminal_id(), register)),
            terminal: Terminal::new(habit),
            now: Mono(0),
            connected: false,
            bytes_left: cut_after,
            bytes_seen: 0,
            cut: false,
            outcomes: Vec::new(),
            records: Vec::new(),
            committed: 0,
            damaged: false,
            commit_fails: false,
            gives_up: false,
        }
    }

    /// How many of these bytes pass before the cable breaks.
    fn pass(&mut self, bytes: &[u8]) -> usize {
        self.bytes_seen += bytes.len();
        let passed = bytes.len().min(self.bytes_left);
        if !self.cut {
            self.bytes_left -= passed;
        }
        if self.cut { bytes.len() } else { passed }
    }

    fn run(&mut self, first: Input) {
        let mut inputs = vec![first];
        let mut timer = None;
        for _ in 0..2_000 {
            if inputs.is_empty() {
                let busy = self.terminal.busy.map(|(at, _)| at);
                let Some(at) = [timer, busy].into_iter().flatten().min() else {
                    break;
                };
                self.now = self.now.max(at);
                if let Some(result) = self.terminal.work(self.now) {
                    self.send_to_till(&[result], &mut inputs);
                }
                if inputs.is_empty() && timer.is_some_and(|at| self.now >= at) {
                    timer = None;
                    inputs.push(Input::Tick);
                }
                if inputs.is_empty() {
                    continue;
                }
            }
            let mut out = Vec::new();
            self.session.handle(self.now, inputs.remove(0), &mut out);
            for effect in out {
                self.perform(effect, &mut timer, &mut inputs);
            }
            if !self.session.is_busy() {
                timer = None;
            }
        }
        assert!(!self.session.is_busy(), "it never ended");
    }

    fn perform(&mut self, effect: Effect, timer: &mut Option<Mono>, inputs: &mut Vec<Input>) {
        match effect {
            Effect::Connect => {
                self.connected = !(self.cut && self.terminal.habit.stays_dead);
                self.terminal.decoder = Decoder::new(LrcMode::Std);
                inputs.push(if self.connected {
                    Input::Connected
                } else {
                    Input::Disconnected
                });
            }
            Effect::Disconnect => self.connected = false,
            Effect::Send(bytes) => self.send_to_terminal(&bytes, inputs),
            Effect::PersistState(record) => {
                let intent = record.intent;
                self.records.push(*record);
                inputs.push(Input::Persisted { intent });
            }
            Effect::CommitThenConfirm(record) => {
                let intent = record.intent;
                if self.commit_fails {
                    inputs.push(Input::CommitFailed { intent });
                } else {
                    self.committed += 1;
                    inputs.push(Input::Committed { intent });
                }
            }
            Effect::Outcome(outcome) => self.outcomes.push(outcome),
            Effect::SetTimer(at) => *timer = Some(at),
            Effect::Display(_) => {
                if std::mem::take(&mut self.gives_up) {
                    inputs.push(Input::Command(Command::GiveUp));
                }
            }
            Effect::Receipt(_) | Effect::Rejected(_) | Effect::Fault(_) => {}
        }
    }

    fn send_to_terminal(&mut self, bytes: &[u8], inputs: &mut Vec<Input>) {
        if !self.connected {
            return;
        }
        let passed = self.pass(bytes);
        let said = self.terminal.hear(self.now, &bytes[..passed]);
        if passed < bytes.len() {
            self.break_cable(inputs);
        } else {
            self.send_to_till(&said, inputs);
        }
    }

    fn send_to_till(&mut self, said: &[Vec<u8>], inputs: &mut Vec<Input>) {
        for bytes in said {
            if !self.connected {
                return;
            }
            let passed = self.pass(bytes);
            let mut heard = bytes[..passed].to_vec();
            if self.terminal.habit.damages_once && !self.damaged && heard.len() > 40 {
                self.damaged = true;
                heard[20] ^= 1;
            }
            inputs.push(Input::Bytes(heard));
            if passed < bytes.len() {
                self.break_cable(inputs);
            }
        }
    }

    fn break_cable(&mut self, inputs: &mut Vec<Input>) {
        self.cut = true;
        self.connected = false;
        inputs.push(Input::Disconnected);
    }

    fn last(&self) -> &Outcome {
        self.outcomes.last().expect("an outcome")
    }
}

fn pay(minor: u64) -> Input {
    Input::Command(Command::Pay {
        intent: INTENT,
        amount: Amount::new(minor).unwrap(),
    })
}

/// Nothing the till says may contradict what the terminal did.
fn assert_honest(world: &World, habit: Habit, at: usize) {
    let (charged, committed) = (world.terminal.charged.len(), world.committed);
    assert!(charged <= 1, "charged twice, cut at {at}, {habit:?}");
    let heard = world.terminal.payments_heard;
    assert!(heard <= 1, "sent {heard} times, cut at {at}, {habit:?}");
    match world.last() {
        Outcome::Approved(record) => {
            assert_eq!(
                (charged, committed > 0),
                (1, true),
                "cut at {at}, {habit:?}"
            );
            assert!(record.progress.committed && record.progress.confirmed);
        }
        Outcome::Declined { .. } | Outcome::Aborted(_) | Outcome::NotStarted(_) => {
            assert_eq!((charged, committed), (0, 0), "cut at {at}, {habit:?}");
        }
        Outcome::Unknown { record, .. } => assert_eq!(record.progress.state, PaymentState::Unknown),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_cable_is_pulled_after_every_byte() {
    for habit in [
        Habit::default(),
        Habit {
            customer_ms: 20_000,
            ..Habit::default()
        },
        Habit {
            declines: true,
            customer_ms: 3_000,
            ..Habit::default()
        },
        Habit {
            customer_ms: 30_000,
            stays_dead: true,
            ..Habit::default()
        },
        Habit {
            silent: true,
            customer_ms: 20_000,
            ..Habit::default()
        },
    ] {
        let mut whole = World::new(habit, usize::MAX);
        whole.run(pay(650));
        assert_honest(&whole, habit, usize::MAX);
        let mut unknown = 0;
        for at in 0..whole.bytes_seen {
            let mut world = World::new(habit, at);
            world.run(pay(650));
            assert_honest(&world, habit, at);
            unknown += u32::from(matches!(world.last(), Outcome::Unknown { .. }));
        }
        // A terminal that comes back always settles it.
        assert_eq!(unknown > 0, habit.stays_dead, "{habit:?}: {unknown}");
    }
}

#[test]
fn a_usual_payment() {
    let mut world = World::new(Habit::default(), usize::MAX);
    world.run(pay(650));
    assert_eq!(world.terminal.charged, [650]);
    let states: Vec<_> = world
        .records
        .iter()
        .map(|record| record.progress.state)
        .collect();
    use PaymentState::{Accepted, Approved, Created, InProgress, Sent};
    assert_eq!(states, [Created, Sent, Accepted, InProgress, Approved]);
    assert!(
        world.terminal.unacked.is_none(),
        "the result was acknowledged"
    );
    let before = world.records[1].previous;
    assert_eq!(
        before,
        Previous::Last(LastResult {
            stan: Stan::new(41),
            code: 0
        })
    );
}

#[test]
fn requests_are_repeated_only_when_the_terminal_asks() {
    let mut world = World::new(
        Habit {
            naks: 2,
            ..Habit::default()
        },
        usize::MAX,
    );
    world.run(pay(650));
    assert!(matches!(world.last(), Outcome::Approved(_)));
    let mut world = World::new(
        Habit {
            naks: 3,
            ..Habit::default()
        },
        usize::MAX,
    );
    world.run(pay(650));
    assert!(matches!(world.last(), Outcome::NotStarted(_)));
    assert!(world.terminal.charged.is_empty());
    // A damaged result is asked for again.
    let mut world = World::new(
        Habit {
            damages_once: true,
            ..Habit::default()
        },
        usize::MAX,
    );
    world.run(pay(650));
    assert!(world.damaged && matches!(world.last(), Outcome::Approved(_)));
}

#[test]
fn a_payment_of_another_till_in_between_is_left_to_people() {
    let habit = Habit {
        another_till: true,
        customer_ms: 20_000,
        ..Habit::default()
    };
    let mut world = World::new(habit, 300);
    world.run(pay(650));
    assert!(world.cut);
    assert!(
        matches!(
            world.last(),
            Outcome::Unknown {
                ask: Ask::Manager,
                ..
            }
        ),
        "{:?}",
        world.last()
    );
    assert_eq!(world.session.held().map(|held| held.intent), Some(INTENT));
    // The next customer is served; the unknown one steps aside for good.
    world.terminal.habit = Habit::default();
    let amount = Amount::new(100).unwrap();
    world.run(Input::Command(Command::Pay {
        intent: IntentId(8),
        amount,
    }));
    assert!(matches!(world.last(), Outcome::Approved(record) if record.intent == IntentId(8)));
    let superseded = world
        .records
        .iter()
        .filter(|record| record.progress.superseded);
    assert!(
        superseded
            .map(|record| record.intent)
            .all(|intent| intent == INTENT)
    );
    assert!(world.session.held().is_none());
}

#[test]
fn reversals_are_settled_by_their_own_answer_only() {
    let reverse = || {
        Input::Command(Command::Reverse {
            intent: INTENT,
            stan: Stan::new(41).unwrap(),
            amount: Amount::new(650).unwrap(),
        })
    };
    let mut whole = World::new(Habit::default(), usize::MAX);
    whole.run(reverse());
    assert!(matches!(whole.last(), Outcome::Approved(_)));
    for at in 0..whole.bytes_seen {
        let mut world = World::new(Habit::default(), at);
        world.run(reverse());
        assert!(world.terminal.reversed <= 1, "cut at {at}");
        match world.last() {
            Outcome::NotStarted(_) | Outcome::Aborted(_) => {
                assert_eq!(world.terminal.reversed, 0, "{at}");
            }
            Outcome::Approved(_) => assert_eq!(world.terminal.reversed, 1, "{at}"),
            Outcome::Unknown { .. } => {}
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn commands_without_a_payment() {
    let mut world = World::new(Habit::default(), usize::MAX);
    world.run(Input::Command(Command::Totals));
    assert_eq!(world.last(), &Outcome::Totals(Some(5)));
    world.run(Input::Command(Command::Close));
    assert!(matches!(world.last(), Outcome::DayClosed(day) if day.host_minor == 5));
    world.run(Input::Command(Command::Status));
    assert!(matches!(world.last(), Outcome::TerminalState(state) if state.state == 0));
    assert!(world.terminal.charged.is_empty());
    let mut world = World::new(
        Habit {
            stays_dead: true,
            ..Habit::default()
        },
        5,
    );
    world.run(Input::Command(Command::Totals));
    assert!(matches!(world.last(), Outcome::Failed { .. }));
}

#[test]
fn the_cashier_gives_up_and_the_terminal_is_asked() {
    for (customer_ms, declines, charged) in [(20_000, false, 1), (3_000, true, 0)] {
        let habit = Habit {
            customer_ms,
            declines,
            ..Habit::default()
        };
        let mut world = World::new(habit, usize::MAX);
        world.gives_up = true;
        world.run(pay(650));
        assert_honest(&world, habit, usize::MAX);
        assert_eq!(world.terminal.charged.len(), charged, "{:?}", world.last());
        assert_eq!(matches!(world.last(), Outcome::Approved(_)), charged == 1);
    }
}

#[test]
fn progress_does_not_go_on_for_ever() {
    let mut world = World::new(
        Habit {
            customer_ms: 1,
            ..Habit::default()
        },
        usize::MAX,
    );
    let mut out = Vec::new();
    let session = &mut world.session;
    session.handle(Mono(0), pay(650), &mut out);
    session.handle(Mono(0), Input::Connected, &mut out);
    let told = world.terminal.result().encode(terminal_id(), LrcMode::Std);
    session.handle(
        Mono(0),
        Input::Bytes([encode_ack(LrcMode::Std), told].concat()),
        &mut out,
    );
    session.handle(Mono(0), Input::Persisted { intent: INTENT }, &mut out);
    out.clear();
    for n in 0..200 {
        let now = Mono(n * 10_000);
        session.handle(now, Input::Bytes(encode_progress("ATTENDERE")), &mut out);
        session.handle(now, Input::Tick, &mut out);
    }
    assert!(out.contains(&Effect::Disconnect), "{:?}", out.last());
}

#[test]
fn a_sale_that_cannot_be_written_is_told() {
    let mut world = World::new(Habit::default(), usize::MAX);
    world.commit_fails = true;
    world.run(pay(650));
    let Outcome::Unknown { record, .. } = world.last() else {
        panic!("{:?}", world.last())
    };
    assert!(!record.progress.committed);
}

#[test]
fn after_a_restart_the_terminal_is_asked() {
    for (state, charged) in [
        (PaymentState::Created, false),
        (PaymentState::Sent, true),
        (PaymentState::Sent, false),
        (PaymentState::InProgress, true),
    ] {
        let mut world = World::new(Habit::default(), usize::MAX);
        let before = world.terminal.last;
        if charged {
            world.terminal.busy = Some((Mono(0), 650));
            world.terminal.work(Mono(0));
        }
        let record = Record {
            intent: INTENT,
            kind: Kind::Pay,
            amount: Amount::new(650).unwrap(),
            progress: Progress {
                state,
                ..Progress::CREATED
            },
            previous: Previous::Last(before),
            approval: None,
        };
        assert!(record.progress.is_open());
        world.run(Input::Resume(Box::new(record)));
        let approved = matches!(world.last(), Outcome::Approved(_));
        assert_eq!(approved, charged, "{state:?}: {:?}", world.last());
        assert_eq!(world.committed, u32::from(charged));
    }
}

#[test]
fn any_bytes_from_the_terminal() {
    let mut seed = 0x5EED_0006_u64;
    let mut roll = |sides: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % sides
    };
    let register = RegisterId::new(1).unwrap();
    let mut session = Session::new(Config::new(terminal_id(), register));
    let (mut out, mut now) = (Vec::new(), Mono(0));
    let approved = Terminal::new(Habit::default());
    let result = approved.encode(&approved.result());
    for _ in 0..100_000 {
        if !session.is_busy() {
            session.handle(now, pay(650), &mut out);
        }
        out.clear();
        session.handle(now, Input::Connected, &mut out);
        let bytes = match roll(4) {
            0 => encode_ack(LrcMode::Std),
            1 => result.clone(),
            _ => (0..roll(12))
                .map(|_| [2, 3, 6, 0x15, 1, 4, b'E'][usize::try_from(roll(7)).unwrap()])
                .collect(),
        };
        session.handle(now, Input::Bytes(bytes), &mut out);
        session.handle(now, Input::Persisted { intent: INTENT }, &mut out);
        if roll(3) == 0 {
            session.handle(now, Input::Committed { intent: INTENT }, &mut out);
        }
        now = now.plus(roll(4_000));
        session.handle(now, Input::Tick, &mut out);
        assert!(out.len() < 64, "{out:?}");
    }
}
