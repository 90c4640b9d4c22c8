//! A reader, and the session before it, in one thread and virtual time.

use shelf_codecs::llrp::{
    AntennaInventory, Capabilities, ConnectionAttempt, Frame, Message, ReaderEvent, ReaderEvents,
    ReaderTime, ReportContent, ReportSpec, RoSpec, SpecCommand, Status, TagReport, encode_report,
    status,
};

use super::super::*;
use crate::time::Mono;

pub(super) const EPC: [u8; 12] = [
    0x30, 0x74, 0x25, 0x7B, 0xF7, 0x19, 0x4E, 0x40, 0, 0, 0x1A, 0x85,
];
pub(super) const WALL_US: u64 = 1_900_000_000_000_000;

pub(super) fn spec() -> RoSpec {
    RoSpec {
        id: 4711,
        inventories: vec![AntennaInventory {
            antennas: vec![1, 2],
            ..AntennaInventory::default()
        }],
        report: Some(ReportSpec {
            trigger: 1,
            n: 1,
            content: ReportContent::PRESENCE,
            ..ReportSpec::default()
        }),
        ..RoSpec::default()
    }
}

/// A reader: what it has and how it behaves.
pub(super) struct Reader {
    pub(super) specs: Vec<RoSpec>,
    pub(super) holds: bool,
    /// Messages it was asked, by name.
    pub(super) asked: Vec<String>,
    pub(super) refuse: Option<(u16, u16)>,
    pub(super) silent: bool,
    pub(super) clock_us: u64,
}

impl Reader {
    pub(super) fn new() -> Reader {
        Reader {
            specs: Vec::new(),
            holds: true,
            asked: Vec::new(),
            refuse: None,
            silent: false,
            clock_us: WALL_US,
        }
    }

    pub(super) fn event(&self, event: ReaderEvent) -> Vec<u8> {
        let at = Some(ReaderTime::Utc(self.clock_us));
        Message::ReaderEventNotification(ReaderEvents {
            at,
            events: vec![event],
        })
        .encode(0)
    }

    pub(super) fn greeting(&self, attempt: ConnectionAttempt) -> Vec<u8> {
        self.event(ReaderEvent::ConnectionAttempt(attempt))
    }

    pub(super) fn answer(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        let (frame, rest) = Frame::split(bytes).unwrap();
        assert!(rest.is_empty());
        let message = Message::read(&frame).unwrap();
        self.asked.push(format!("{:?}", message.kind()));
        if self.silent {
            return None;
        }
        if let Some((_, code)) = self.refuse.filter(|it| it.0 == message.kind().0) {
            let status = Status::failed(code, "no");
            return Some(Message::ErrorMessage(status).encode(frame.id));
        }
        let answer = match message {
            Message::GetReaderCapabilities { .. } => Message::GetReaderCapabilitiesResponse {
                status: Status::OK,
                capabilities: Box::new(Capabilities {
                    holds_reports: self.holds,
                    antennas_max: 4,
                    ..Capabilities::default()
                }),
            },
            Message::GetRoSpecs => Message::GetRoSpecsResponse {
                status: Status::OK,
                specs: self.specs.clone(),
            },
            Message::SetReaderConfig(config) => {
                if self.refuse.is_none() {
                    assert_eq!(config.hold_events_and_reports, self.holds.then_some(true));
                }
                Message::SetReaderConfigResponse(Status::OK)
            }
            Message::AddRoSpec(spec) => {
                self.specs.push(*spec);
                Message::AddRoSpecResponse(Status::OK)
            }
            Message::Spec { command, id } => {
                let state = match command {
                    SpecCommand::EnableRoSpec => 1,
                    SpecCommand::StartRoSpec => 2,
                    _ => 0,
                };
                let known = self.specs.iter_mut().find(|it| it.id == id);
                let found = known.map(|it| it.state = state).is_some();
                if command == SpecCommand::DeleteRoSpec {
                    self.specs.retain(|it| it.id != id);
                }
                let status = if found {
                    Status::OK
                } else {
                    Status::failed(status::FIELD_ERROR, "")
                };
                Message::SpecResponse { command, status }
            }
            Message::CloseConnection => Message::CloseConnectionResponse(Status::OK),
            // A reader that does not know message 64 says so, with an id of its own.
            Message::EnableEventsAndReports => {
                let unknown = Status::failed(status::UNSUPPORTED_MESSAGE, "unsupported");
                return Some(Message::ErrorMessage(unknown).encode(0));
            }
            _ => return None,
        };
        Some(answer.encode(frame.id))
    }
}

pub(super) struct Rig {
    pub(super) session: Session,
    pub(super) reader: Reader,
    pub(super) now_ms: u64,
    pub(super) timer: Option<u64>,
    pub(super) effects: Vec<Effect>,
    pub(super) reads: Vec<(u16, i8, Option<u64>, TimeSource)>,
}

impl Rig {
    pub(super) fn new(config: Config) -> Rig {
        Rig {
            session: Session::new(config),
            reader: Reader::new(),
            now_ms: 1_000,
            timer: None,
            effects: Vec::new(),
            reads: Vec::new(),
        }
    }

    pub(super) fn usual() -> Rig {
        Rig::new(Config::new(spec(), 7))
    }

    pub(super) fn wall_us(&self) -> u64 {
        WALL_US + self.now_ms * 1_000
    }

    /// One input, and all that follows from it at once.
    pub(super) fn input(&mut self, input: Input<'_>) {
        let mut out = Vec::new();
        let reads = &mut self.reads;
        let mut sink = |read: &TagRead<'_>| {
            assert_eq!(read.epc.as_slice(), EPC);
            let report = &read.report;
            reads.push((
                report.antenna_id,
                report.peak_rssi_dbm,
                read.at_us,
                read.time_source,
            ));
        };
        let now = Now {
            mono: Mono(self.now_ms),
            wall_us: Some(WALL_US + self.now_ms * 1_000),
        };
        self.session.handle(now, input, &mut out, &mut sink);
        for effect in out {
            self.effects.push(effect.clone());
            match effect {
                Effect::Send(bytes) => {
                    if let Some(answer) = self.reader.answer(&bytes) {
                        self.input(Input::Bytes(&answer));
                    }
                }
                Effect::SetTimer(at) => self.timer = Some(at.0),
                _ => {}
            }
        }
    }

    pub(super) fn connected(&mut self) {
        self.input(Input::Connected);
        let greeting = self.reader.greeting(ConnectionAttempt::Success);
        self.input(Input::Bytes(&greeting));
    }

    pub(super) fn start(&mut self) {
        self.input(Input::Start);
        self.connected();
    }

    /// Lets time pass to the timer.
    pub(super) fn wait(&mut self) {
        let at = self.timer.take().unwrap();
        assert!(
            at >= self.now_ms,
            "a timer in the past: the machine would spin"
        );
        self.now_ms = at;
        self.input(Input::Tick);
    }

    pub(super) fn asked(&mut self) -> String {
        std::mem::take(&mut self.reader.asked).join(" ")
    }

    pub(super) fn troubles(&self) -> Vec<&Trouble> {
        self.effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Trouble(trouble) => Some(trouble),
                _ => None,
            })
            .collect()
    }

    pub(super) fn gaps(&self) -> Vec<Gap> {
        let gap = |effect: &Effect| match effect {
            Effect::Gap(gap) => Some(*gap),
            _ => None,
        };
        self.effects.iter().filter_map(gap).collect()
    }

    pub(super) fn report(&mut self, tag: TagReport<'_>) {
        let report = encode_report(1, &[tag]);
        self.input(Input::Bytes(&report));
    }
}
