//! What a reader tells by itself, and how it answers: events and status.

use super::parameter::{Fields, Parameter, View, Views, Writer};
use super::types::tlv;

/// Status codes that a client acts on.
pub mod status {
    /// Done.
    pub const SUCCESS: u16 = 0;
    /// A parameter of the message is wrong.
    pub const PARAMETER_ERROR: u16 = 100;
    /// A field of the message is wrong.
    pub const FIELD_ERROR: u16 = 101;
    /// The message type is not supported.
    pub const UNSUPPORTED_MESSAGE: u16 = 109;
    /// The protocol version is not supported.
    pub const UNSUPPORTED_VERSION: u16 = 110;
    /// The message may not come now.
    pub const UNEXPECTED_MESSAGE: u16 = 112;
    /// The reader itself failed.
    pub const DEVICE_ERROR: u16 = 401;
}

/// How a request ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// 0 is success; see [`status`].
    pub code: u16,
    /// In the reader's words.
    pub description: String,
    /// Which field or parameter, as the reader sent it.
    pub details: Vec<Parameter>,
}

impl Status {
    /// Success without words.
    pub const OK: Status = Status {
        code: status::SUCCESS,
        description: String::new(),
        details: Vec::new(),
    };

    /// A failure.
    #[must_use]
    pub fn failed(code: u16, description: &str) -> Status {
        Status {
            code,
            description: description.to_owned(),
            details: Vec::new(),
        }
    }

    /// Whether it is success.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.code == status::SUCCESS
    }

    pub(super) fn read(body: &[u8]) -> Option<Status> {
        let mut fields = Fields::of(body);
        Some(Status {
            code: fields.u16()?,
            description: fields.text()?,
            details: fields.parameters().map(View::keep).collect(),
        })
    }

    pub(super) fn write(&self, w: &mut Writer) {
        w.tlv(tlv::LLRP_STATUS, |w| {
            w.u16(self.code)
                .text(&self.description)
                .parameters(&self.details);
        });
    }
}

/// A reader's time stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReaderTime {
    /// Microseconds since 1970, by the reader's clock, which is often wrong.
    Utc(u64),
    /// Microseconds since the reader started.
    Uptime(u64),
}

/// How a connection begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionAttempt {
    /// The reader is ours.
    Success,
    /// It has a connection that it made itself.
    ReaderInitiatedExists,
    /// Another client has it. One client per reader.
    ClientInitiatedExists,
    /// It refused for another reason.
    OtherFailure,
    /// On a living connection: somebody else tried to connect.
    AnotherAttempted,
    /// A number of another version.
    Unknown(u16),
}

impl ConnectionAttempt {
    fn of(number: u16) -> ConnectionAttempt {
        match number {
            0 => ConnectionAttempt::Success,
            1 => ConnectionAttempt::ReaderInitiatedExists,
            2 => ConnectionAttempt::ClientInitiatedExists,
            3 => ConnectionAttempt::OtherFailure,
            4 => ConnectionAttempt::AnotherAttempted,
            other => ConnectionAttempt::Unknown(other),
        }
    }

    fn number(self) -> u16 {
        match self {
            ConnectionAttempt::Success => 0,
            ConnectionAttempt::ReaderInitiatedExists => 1,
            ConnectionAttempt::ClientInitiatedExists => 2,
            ConnectionAttempt::OtherFailure => 3,
            ConnectionAttempt::AnotherAttempted => 4,
            ConnectionAttempt::Unknown(other) => other,
        }
    }
}

/// Something that a reader tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReaderEvent {
    /// An input changed.
    Gpi {
        /// Which one.
        port: u16,
        /// Its new level.
        high: bool,
    },
    /// A ROSpec started (0), ended (1) or was pre-empted (2).
    RoSpec {
        /// 0, 1 or 2.
        event: u8,
        /// Which one.
        id: u32,
        /// By which one it was pre-empted.
        preempting_id: u32,
    },
    /// The report buffer is so full.
    BufferLevel {
        /// In per cent.
        percent: u8,
    },
    /// Reports were lost in the reader: a gap in what is known.
    BufferOverflow,
    /// The reader failed at something.
    Exception {
        /// In its words.
        message: String,
        /// Where, as it sent it.
        details: Vec<Parameter>,
    },
    /// The end of an AISpec.
    AiSpec {
        /// The ROSpec.
        ro_spec_id: u32,
        /// Which AISpec of it.
        spec_index: u16,
    },
    /// An antenna was unplugged or is back.
    Antenna {
        /// Whether it is there.
        connected: bool,
        /// Which one.
        antenna_id: u16,
    },
    /// The first thing a reader says.
    ConnectionAttempt(ConnectionAttempt),
    /// The reader closes.
    ConnectionClose,
    /// Something that is not read here.
    Other(Parameter),
}

/// What stands in a `READER_EVENT_NOTIFICATION`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReaderEvents {
    /// When, by the reader's clock.
    pub at: Option<ReaderTime>,
    /// What; usually one.
    pub events: Vec<ReaderEvent>,
}

impl ReaderEvents {
    /// The event of a connection's beginning, if it is one of these.
    #[must_use]
    pub fn connection_attempt(&self) -> Option<ConnectionAttempt> {
        self.events.iter().find_map(|event| match event {
            ReaderEvent::ConnectionAttempt(attempt) => Some(*attempt),
            _ => None,
        })
    }

    pub(super) fn read(body: &[u8]) -> Option<ReaderEvents> {
        let data =
            Views { rest: body }.find(|it| it.kind == tlv::READER_EVENT_NOTIFICATION_DATA)?;
        let mut events = ReaderEvents::default();
        for view in (Views { rest: data.body }) {
            match view.kind {
                tlv::UTC_TIMESTAMP => {
                    events.at = Fields::of(view.body).u64().map(ReaderTime::Utc);
                }
                tlv::UPTIME => {
                    events.at = Fields::of(view.body).u64().map(ReaderTime::Uptime);
                }
                _ => events
                    .events
                    .push(event(view).unwrap_or_else(|| ReaderEvent::Other(view.keep()))),
            }
        }
        Some(events)
    }

    pub(super) fn write(&self, w: &mut Writer) {
        w.tlv(tlv::READER_EVENT_NOTIFICATION_DATA, |w| {
            match self.at {
                Some(ReaderTime::Utc(us)) => {
                    w.tlv(tlv::UTC_TIMESTAMP, |w| {
                        w.u64(us);
                    });
                }
                Some(ReaderTime::Uptime(us)) => {
                    w.tlv(tlv::UPTIME, |w| {
                        w.u64(us);
                    });
                }
                None => {}
            }
            self.events.iter().for_each(|event| put(event, w));
        });
    }
}

fn event(view: View<'_>) -> Option<ReaderEvent> {
    let mut fields = Fields::of(view.body);
    Some(match view.kind {
        tlv::GPI_EVENT => ReaderEvent::Gpi {
            port: fields.u16()?,
            high: fields.u8()? & 0x80 != 0,
        },
        tlv::RO_SPEC_EVENT => ReaderEvent::RoSpec {
            event: fields.u8()?,
            id: fields.u32()?,
            preempting_id: fields.u32()?,
        },
        tlv::BUFFER_LEVEL_WARNING => ReaderEvent::BufferLevel {
            percent: fields.u8()?,
        },
        tlv::BUFFER_OVERFLOW => ReaderEvent::BufferOverflow,
        tlv::READER_EXCEPTION => ReaderEvent::Exception {
            message: fields.text()?,
            details: fields.parameters().map(View::keep).collect(),
        },
        tlv::AI_SPEC_EVENT => {
            fields.u8()?;
            ReaderEvent::AiSpec {
                ro_spec_id: fields.u32()?,
                spec_index: fields.u16()?,
            }
        }
        tlv::ANTENNA_EVENT => ReaderEvent::Antenna {
            connected: fields.u8()? == 1,
            antenna_id: fields.u16()?,
        },
        tlv::CONNECTION_ATTEMPT => {
            ReaderEvent::ConnectionAttempt(ConnectionAttempt::of(fields.u16()?))
        }
        tlv::CONNECTION_CLOSE => ReaderEvent::ConnectionClose,
        _ => return None,
    })
}

fn put(event: &ReaderEvent, w: &mut Writer) {
    let kind = match event {
        ReaderEvent::Gpi { .. } => tlv::GPI_EVENT,
        ReaderEvent::RoSpec { .. } => tlv::RO_SPEC_EVENT,
        ReaderEvent::BufferLevel { .. } => tlv::BUFFER_LEVEL_WARNING,
        ReaderEvent::BufferOverflow => tlv::BUFFER_OVERFLOW,
        ReaderEvent::Exception { .. } => tlv::READER_EXCEPTION,
        ReaderEvent::AiSpec { .. } => tlv::AI_SPEC_EVENT,
        ReaderEvent::Antenna { .. } => tlv::ANTENNA_EVENT,
        ReaderEvent::ConnectionAttempt(_) => tlv::CONNECTION_ATTEMPT,
        ReaderEvent::ConnectionClose => tlv::CONNECTION_CLOSE,
        ReaderEvent::Other(parameter) => {
            w.parameter(parameter);
            return;
        }
    };
    w.tlv(kind, |w| put_fields(event, w));
}

fn put_fields(event: &ReaderEvent, w: &mut Writer) {
    match event {
        ReaderEvent::Gpi { port, high } => w.u16(*port).u8(u8::from(*high) << 7),
        ReaderEvent::RoSpec {
            event,
            id,
            preempting_id,
        } => w.u8(*event).u32(*id).u32(*preempting_id),
        ReaderEvent::BufferLevel { percent } => w.u8(*percent),
        ReaderEvent::Exception { message, details } => w.text(message).parameters(details),
        ReaderEvent::AiSpec {
            ro_spec_id,
            spec_index,
        } => w.u8(0).u32(*ro_spec_id).u16(*spec_index),
        ReaderEvent::Antenna {
            connected,
            antenna_id,
        } => w.u8(u8::from(*connected)).u16(*antenna_id),
        ReaderEvent::ConnectionAttempt(attempt) => w.u16(attempt.number()),
        ReaderEvent::BufferOverflow | ReaderEvent::ConnectionClose | ReaderEvent::Other(_) => w,
    };
}
