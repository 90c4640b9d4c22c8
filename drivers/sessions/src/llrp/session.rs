//! The machine: connection, greeting, questions and answers, reports, and the one timer.

use shelf_codecs::llrp::{Frame, FrameDecoder, FrameItem, Message, MessageType, TagReport};

use super::clock::ReaderClock;
use super::interface::{Config, Effect, Gap, Input, Now, ReadSink, SetupStep, State, Trouble};
use super::setup::{Known, OwnWork, own_id};
use crate::time::Mono;

/// How long a reader may take for its good-bye, in milliseconds.
const GOODBYE_MS_MAX: u64 = 1_000;
/// How long a connection must have run before pauses begin at the shortest again, in milliseconds.
const SETTLED_MS: u64 = 30_000;

/// A question that waits for its answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) step: SetupStep,
    pub(super) id: u32,
    pub(super) until: Mono,
}

/// One reader's machine. See the module for the shell's duties.
#[derive(Debug)]
pub struct Session {
    pub(super) config: Config,
    pub(super) state: State,
    pub(super) decoder: FrameDecoder,
    pub(super) connected: bool,
    pub(super) sink_ready: bool,
    pub(super) known: Known,
    pub(super) asked: Option<Asked>,
    /// Behind a connection that died though the reader's work had been kept: set all up again.
    pub(super) distrust_kept: bool,
    pub(super) kept: bool,
    /// What the reader already does for us.
    pub(super) own_work: Option<OwnWork>,
    pub(super) clock: ReaderClock,
    /// The last value of each field in this connection.
    pub(super) last: TagReport<'static>,
    pub(super) next_id: u32,
    pub(super) failures: u32,
    pub(super) random: u64,
    /// When the state ends by itself: a pause, a greeting, a good-bye.
    pub(super) state_until: Option<Mono>,
    pub(super) last_byte_at: Mono,
    pub(super) last_read_at: Mono,
    pub(super) quiet_told: bool,
    pub(super) poll_at: Option<Mono>,
    pub(super) running_since: Option<Mono>,
    pub(super) reads_before_ready: u64,
    pub(super) timer: Option<Mono>,
}

impl Session {
    /// A machine at rest.
    #[must_use]
    pub fn new(mut config: Config) -> Session {
        if config.ro_spec.id == 0 {
            config.ro_spec.id = own_id(&config.ro_spec);
        }
        Session {
            random: config.seed,
            config,
            state: State::Stopped,
            decoder: FrameDecoder::new(),
            connected: false,
            sink_ready: false,
            known: Known::default(),
            asked: None,
            distrust_kept: false,
            kept: false,
            own_work: None,
            clock: ReaderClock::default(),
            last: TagReport::default(),
            next_id: 1,
            failures: 0,
            state_until: None,
            last_byte_at: Mono(0),
            last_read_at: Mono(0),
            quiet_told: false,
            poll_at: None,
            running_since: None,
            reads_before_ready: 0,
            timer: None,
        }
    }

    /// Where the session is.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// Takes one input, appends what is to be done to `out`, and gives reads to `sink`.
    pub fn handle(
        &mut self,
        now: Now,
        input: Input<'_>,
        out: &mut Vec<Effect>,
        sink: &mut impl ReadSink,
    ) {
        match input {
            Input::Start if self.state == State::Stopped => self.connect(now.mono, out),
            // A shell that connects by itself needn't be asked to.
            Input::Connected if !self.connected && self.state != State::Closing => {
                if self.state != State::Connecting {
                    self.connect(now.mono, out);
                }
                self.connected = true;
                self.last_byte_at = now.mono;
                self.state_until = Some(now.mono.plus(self.config.reply_ms_max));
            }
            Input::Disconnected => {
                if let Some(cut) = self.decoder.finish() {
                    let bytes = cut.bytes_total;
                    out.push(Effect::Gap(Gap::Unreadable { bytes }));
                }
                self.lost(now.mono, false, out);
            }
            Input::Bytes(bytes) if self.connected => self.bytes(now, bytes, out, sink),
            Input::Tick => self.tick(now.mono, out),
            Input::SinkReady => {
                self.sink_ready = true;
                if self.state == State::Holding {
                    self.release(now.mono, out);
                }
            }
            Input::Stop => self.stop(now.mono, out),
            _ => {}
        }
        self.set_timer(out);
    }

    pub(super) fn enter(&mut self, state: State, until: Option<Mono>, out: &mut Vec<Effect>) {
        self.state_until = until;
        if self.state != state {
            self.state = state;
            out.push(Effect::State(state));
        }
    }

    fn connect(&mut self, now: Mono, out: &mut Vec<Effect>) {
        self.decoder = FrameDecoder::new();
        self.connected = false;
        self.asked = None;
        self.known = Known::default();
        self.kept = false;
        self.own_work = None;
        self.clock = ReaderClock::default();
        self.last = TagReport::default();
        self.running_since = None;
        let until = now.plus(self.config.reply_ms_max);
        self.enter(State::Connecting, Some(until), out);
        out.push(Effect::Connect);
    }

    /// The connection is gone or was given up: pause, then try again.
    fn lost(&mut self, now: Mono, refused: bool, out: &mut Vec<Effect>) {
        if matches!(self.state, State::Stopped | State::Waiting) {
            return;
        }
        self.connected = false;
        self.asked = None;
        self.poll_at = None;
        if self.reads_before_ready > 0 {
            let reads = std::mem::take(&mut self.reads_before_ready);
            out.push(Effect::Gap(Gap::NotReady { reads }));
        }
        if self.state == State::Closing {
            self.enter(State::Stopped, None, out);
            return;
        }
        let settled = self
            .running_since
            .is_some_and(|since| since.plus(SETTLED_MS) <= now);
        if settled {
            self.failures = 0;
        }
        let range = if refused {
            self.config.refused_retry_ms
        } else {
            self.config.retry_ms
        };
        let pause = self.pause_ms(range);
        self.enter(State::Waiting, Some(now.plus(pause)), out);
    }

    pub(super) fn hang_up(&mut self, now: Mono, refused: bool, out: &mut Vec<Effect>) {
        out.push(Effect::Disconnect);
        self.lost(now, refused, out);
    }

    /// The next pause: doubling between the ends of the range, shortened by up to a quarter.
    fn pause_ms(&mut self, (least, most): (u64, u64)) -> u64 {
        let doubled = 1_u64.checked_shl(self.failures).unwrap_or(u64::MAX);
        let whole = least.saturating_mul(doubled).min(most);
        self.failures = self.failures.saturating_add(1);
        // splitmix64: any seed gives a usable sequence.
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        whole - (z ^ (z >> 31)) % (whole / 4 + 1)
    }

    fn stop(&mut self, now: Mono, out: &mut Vec<Effect>) {
        match self.state {
            State::Stopped | State::Closing => {}
            _ if !self.connected => {
                if self.state == State::Connecting {
                    out.push(Effect::Disconnect);
                }
                self.enter(State::Stopped, None, out);
            }
            _ => {
                // Its work goes on: a reader that holds reports gathers for our return.
                self.send(&Message::CloseConnection, out);
                self.enter(State::Closing, Some(now.plus(GOODBYE_MS_MAX)), out);
            }
        }
    }

    pub(super) fn send(&mut self, message: &Message, out: &mut Vec<Effect>) -> u32 {
        let id = self.next_id;
        // 0 is what readers use where they have no id.
        self.next_id = self.next_id.checked_add(1).unwrap_or(1);
        out.push(Effect::Send(message.encode(id)));
        id
    }

    pub(super) fn ask(&mut self, now: Mono, step: SetupStep, out: &mut Vec<Effect>) {
        let message = step.message(&self.config, &self.known);
        let id = self.send(&message, out);
        let until = now.plus(self.config.reply_ms_max);
        self.asked = Some(Asked { step, id, until });
        if step != SetupStep::Start || self.state != State::Running {
            self.enter(State::SettingUp, None, out);
        }
    }

    fn tick(&mut self, now: Mono, out: &mut Vec<Effect>) {
        self.timer = None;
        let due = |at: Option<Mono>| at.is_some_and(|at| at <= now);
        if due(self.state_until) {
            match self.state {
                State::Waiting => self.connect(now, out),
                State::Connecting => {
                    out.push(Effect::Trouble(Trouble::NoAnswer));
                    self.hang_up(now, false, out);
                }
                State::Closing => self.hang_up(now, false, out),
                _ => self.state_until = None,
            }
            return;
        }
        if !self.connected {
            return;
        }
        if due(self.asked.map(|asked| asked.until)) {
            out.push(Effect::Trouble(Trouble::NoAnswer));
            self.hang_up(now, false, out);
        } else if due(self.dead_at()) {
            self.distrust_kept = self.kept;
            out.push(Effect::Trouble(Trouble::Silent));
            self.hang_up(now, false, out);
        } else {
            if due(self.quiet_at()) {
                self.quiet_told = true;
                out.push(Effect::Trouble(Trouble::NoReads));
            }
            if due(self.poll_at) {
                self.send(&Message::GetReport, out);
                self.poll_at = self.next_poll(now);
            }
        }
    }

    /// When to ask for reports: by configuration, or because nothing else shows that the reader lives.
    pub(super) fn next_poll(&self, now: Mono) -> Option<Mono> {
        let mute = self.known.is_mute;
        let alive_ms = mute.then_some(u64::from(self.config.keepalive_ms));
        let ms = self.config.report_poll_ms.or(alive_ms)?;
        Some(now.plus(ms.max(1)))
    }

    fn dead_at(&self) -> Option<Mono> {
        let watched = matches!(self.state, State::Running | State::Holding);
        watched.then(|| self.last_byte_at.plus(self.config.dead_after_ms()))
    }

    fn quiet_at(&self) -> Option<Mono> {
        let quiet_ms_max = self.config.quiet_ms_max?;
        (self.state == State::Running && !self.quiet_told)
            .then(|| self.last_read_at.plus(quiet_ms_max))
    }

    fn set_timer(&mut self, out: &mut Vec<Effect>) {
        let asked = self.asked.map(|asked| asked.until);
        let times = [
            self.state_until,
            asked,
            self.dead_at(),
            self.quiet_at(),
            self.poll_at,
        ];
        let next = times.into_iter().flatten().min();
        if let Some(at) = next
            && self.timer != next
        {
            out.push(Effect::SetTimer(at));
        }
        self.timer = next;
    }

    fn bytes(&mut self, now: Now, bytes: &[u8], out: &mut Vec<Effect>, sink: &mut impl ReadSink) {
        self.last_byte_at = now.mono;
        let mut decoder = std::mem::take(&mut self.decoder);
        decoder.push(bytes);
        while self.connected
            && let Some(item) = decoder.next_item()
        {
            match item {
                FrameItem::Frame(frame) => self.frame(now, &frame, out, sink),
                FrameItem::Fault(fault) => {
                    // A stream without its beginning means nothing: begin again.
                    out.push(Effect::Trouble(Trouble::NotLlrp(fault)));
                    self.hang_up(now.mono, false, out);
                }
            }
        }
        if self.connected {
            self.decoder = decoder;
        }
    }

    fn frame(
        &mut self,
        now: Now,
        frame: &Frame<'_>,
        out: &mut Vec<Effect>,
        sink: &mut impl ReadSink,
    ) {
        match frame.kind {
            MessageType::KEEPALIVE => {
                out.push(Effect::Send(Message::KeepaliveAck.encode(frame.id)));
            }
            MessageType::RO_ACCESS_REPORT => self.report(now, frame.body, out, sink),
            // What can't be read is as good as an answer that never came: its time limit acts.
            _ => match Message::read(frame) {
                Ok(Message::ReaderEventNotification(events)) => self.events(now, &events, out),
                Ok(Message::CloseConnectionResponse(_)) if self.state == State::Closing => {
                    self.hang_up(now.mono, false, out);
                }
                Ok(message) => self.answer(now.mono, frame.id, message, out),
                Err(_) => {}
            },
        }
    }
}
