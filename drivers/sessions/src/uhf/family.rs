//! What is particular to each family of readers.

use shelf_codecs::uhf::{
    UhfDecoder, UhfFault, UhfItem, UhfTag, chafon, indy, m100, nur, thingmagic,
};

/// How many rounds an M100 is asked for at once.
const M100_ROUNDS: u16 = 10_000;

/// A family and what must be known of the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Chafon and its relatives, polled.
    Chafon {
        /// The reader's address; FF is any.
        address: u8,
        /// How it lists tags.
        dialect: chafon::Dialect,
    },
    /// YRM100, R200 and the like; streams in long series.
    M100,
    /// ThingMagic; streams.
    ThingMagic {
        /// The region's number, for example 8 for Europe (EU3).
        region: u8,
    },
    /// Readers around the Indy R2000, polled.
    Indy {
        /// The reader's address.
        address: u8,
    },
    /// Nordic ID's NUR; streams.
    Nur,
}

/// What a frame means to the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// The answer to a command.
    Answer { command: u8, is_ok: bool },
    /// A round of a polled reader is over.
    RoundOver,
    /// A stream ended by itself.
    Stopped,
    /// It lives, and has nothing to say.
    Alive,
    /// The antenna is unplugged or broken.
    AntennaFault,
    /// A frame that could be read only in part.
    Partly,
    /// Bytes that are no frame.
    Fault(UhfFault),
}

/// The decoder of a family.
#[derive(Debug)]
pub(super) enum Decoder {
    Chafon(UhfDecoder<chafon::FromReader>, chafon::Dialect),
    M100(UhfDecoder<m100::Line>),
    ThingMagic(UhfDecoder<thingmagic::FromReader>),
    Indy(UhfDecoder<indy::Line>),
    Nur(UhfDecoder<nur::Line>),
}

impl Family {
    /// Commands that set the reader up, in turn, with the number by which each is answered.
    pub(super) fn setup(self) -> Vec<(Vec<u8>, u8)> {
        match self {
            Family::Chafon { address, .. } => {
                let ask = chafon::command::GET_INFO;
                vec![(chafon::encode_command(address, ask, &[]), ask)]
            }
            Family::M100 => vec![(m100_command(m100::command::STOP, &[]), m100::command::STOP)],
            Family::ThingMagic { region } => [
                // A reader that was left streaming must stop before it answers anything.
                (thingmagic::op::CONTINUOUS, &thingmagic::STOP_CONTINUOUS[..]),
                (thingmagic::op::VERSION, &[]),
                (thingmagic::op::SET_PROTOCOL, &[0x00, 0x05]),
                (thingmagic::op::SET_REGION, &[region]),
            ]
            .map(|(op, data)| (thingmagic::encode_command(op, data), op))
            .to_vec(),
            Family::Indy { .. } => Vec::new(),
            Family::Nur => vec![(nur_command(nur::command::PING), nur::command::PING)],
        }
    }

    /// The command that makes it read: one round, or a stream.
    pub(super) fn go(self) -> Vec<u8> {
        match self {
            Family::Chafon { address, dialect } => {
                let data: &[u8] = match dialect {
                    chafon::Dialect::Reader18 => &[],
                    // Q 4, session 0.
                    chafon::Dialect::Reader288 => &[0x04, 0x00],
                };
                chafon::encode_command(address, chafon::command::INVENTORY, data)
            }
            Family::M100 => {
                let [high, low] = M100_ROUNDS.to_be_bytes();
                m100_command(m100::command::POLL_MANY, &[0x22, high, low])
            }
            Family::ThingMagic { .. } => thingmagic::encode_command(
                thingmagic::op::CONTINUOUS,
                &thingmagic::START_CONTINUOUS,
            ),
            Family::Indy { address } => indy::Frame {
                address,
                command: indy::command::REAL_TIME_INVENTORY,
                data: vec![1],
            }
            .encode(),
            Family::Nur => nur_command(nur::command::START_STREAM),
        }
    }

    /// Whether each round must be asked for.
    pub(super) fn is_polled(self) -> bool {
        matches!(self, Family::Chafon { .. } | Family::Indy { .. })
    }

    /// The command that ends a stream; `None` where there is none.
    pub(super) fn stop(self) -> Option<Vec<u8>> {
        match self {
            Family::M100 => Some(m100_command(m100::command::STOP, &[])),
            Family::ThingMagic { .. } => Some(thingmagic::encode_command(
                thingmagic::op::CONTINUOUS,
                &thingmagic::STOP_CONTINUOUS,
            )),
            _ => None,
        }
    }

    pub(super) fn decoder(self) -> Decoder {
        match self {
            Family::Chafon { dialect, .. } => Decoder::Chafon(UhfDecoder::new(), dialect),
            Family::M100 => Decoder::M100(UhfDecoder::new()),
            Family::ThingMagic { .. } => Decoder::ThingMagic(UhfDecoder::new()),
            Family::Indy { .. } => Decoder::Indy(UhfDecoder::new()),
            Family::Nur => Decoder::Nur(UhfDecoder::new()),
        }
    }
}

fn m100_command(command: u8, parameters: &[u8]) -> Vec<u8> {
    m100::Frame {
        kind: m100::kind::COMMAND,
        command,
        parameters: parameters.to_vec(),
    }
    .encode()
}

fn nur_command(command: u8) -> Vec<u8> {
    nur::Frame {
        flags: 0,
        command,
        payload: Vec::new(),
    }
    .encode()
}

impl Decoder {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        match self {
            Decoder::Chafon(decoder, _) => decoder.push(bytes),
            Decoder::M100(decoder) => decoder.push(bytes),
            Decoder::ThingMagic(decoder) => decoder.push(bytes),
            Decoder::Indy(decoder) => decoder.push(bytes),
            Decoder::Nur(decoder) => decoder.push(bytes),
        }
    }

    pub(super) fn flush_idle(&mut self) {
        match self {
            Decoder::Chafon(decoder, _) => decoder.flush_idle(),
            Decoder::M100(decoder) => decoder.flush_idle(),
            Decoder::ThingMagic(decoder) => decoder.flush_idle(),
            Decoder::Indy(decoder) => decoder.flush_idle(),
            Decoder::Nur(decoder) => decoder.flush_idle(),
        }
    }

    pub(super) fn has_pending(&self) -> bool {
        match self {
            Decoder::Chafon(decoder, _) => decoder.has_pending(),
            Decoder::M100(decoder) => decoder.has_pending(),
            Decoder::ThingMagic(decoder) => decoder.has_pending(),
            Decoder::Indy(decoder) => decoder.has_pending(),
            Decoder::Nur(decoder) => decoder.has_pending(),
        }
    }

    /// The next frame's meaning; its tags go to `tags`.
    pub(super) fn next(&mut self, tags: &mut Vec<UhfTag>) -> Option<Heard> {
        match self {
            Decoder::Chafon(decoder, dialect) => {
                let dialect = *dialect;
                of(decoder.next()?, |frame| of_chafon(&frame, dialect, tags))
            }
            Decoder::M100(decoder) => of(decoder.next()?, |frame| of_m100(&frame, tags)),
            Decoder::ThingMagic(decoder) => {
                of(decoder.next()?, |frame| of_thingmagic(&frame, tags))
            }
            Decoder::Indy(decoder) => of(decoder.next()?, |frame| of_indy(&frame, tags)),
            Decoder::Nur(decoder) => of(decoder.next()?, |frame| of_nur(&frame, tags)),
        }
    }
}

fn of<F>(item: UhfItem<F>, read: impl FnOnce(F) -> Heard) -> Option<Heard> {
    Some(match item {
        UhfItem::Frame(frame) => read(frame),
        UhfItem::Fault(fault) => Heard::Fault(fault),
    })
}

fn of_chafon(frame: &chafon::Response, dialect: chafon::Dialect, tags: &mut Vec<UhfTag>) -> Heard {
    use chafon::{command, status};
    let (own, whole) = frame.tags(dialect);
    tags.extend(own);
    if !whole {
        return Heard::Partly;
    }
    match (frame.command, frame.status) {
        (_, status::ANTENNA_ERROR) => Heard::AntennaFault,
        (command::REAL_TIME, _) | (command::INVENTORY, status::MORE) => Heard::Alive,
        (command::INVENTORY, status::STATISTICS) => Heard::Alive,
        (command::INVENTORY, _) => Heard::RoundOver,
        (command, status) => Heard::Answer {
            command,
            is_ok: status == 0,
        },
    }
}

fn of_m100(frame: &m100::Frame, tags: &mut Vec<UhfTag>) -> Heard {
    use m100::{command, kind};
    match (frame.kind, frame.command) {
        (kind::NOTIFICATION, _) => match frame.tag() {
            Some(tag) => {
                tags.push(tag);
                Heard::Alive
            }
            None => Heard::Partly,
        },
        (_, command::ERROR) => Heard::Alive,
        (_, command) => Heard::Answer {
            command,
            is_ok: true,
        },
    }
}

fn of_thingmagic(frame: &thingmagic::Response, tags: &mut Vec<UhfTag>) -> Heard {
    if frame.op != thingmagic::op::READ_MULTIPLE {
        return Heard::Answer {
            command: frame.op,
            is_ok: frame.status == 0,
        };
    }
    if frame.status != 0 && !frame.is_keepalive() {
        return Heard::Stopped;
    }
    tags.extend(frame.tag());
    Heard::Alive
}

fn of_indy(frame: &indy::Frame, tags: &mut Vec<UhfTag>) -> Heard {
    match frame.inventory() {
        Some(indy::Inventory::Tag(tag)) => {
            tags.push(tag);
            Heard::Alive
        }
        Some(indy::Inventory::End { .. }) => Heard::RoundOver,
        // 22: no antenna; the makers' tables agree on little else.
        Some(indy::Inventory::Error(0x22)) => Heard::AntennaFault,
        Some(indy::Inventory::Error(_)) => Heard::RoundOver,
        None => Heard::Partly,
    }
}

fn of_nur(frame: &nur::Frame, tags: &mut Vec<UhfTag>) -> Heard {
    let Some(stream) = frame.stream() else {
        return Heard::Answer {
            command: frame.command,
            is_ok: frame.payload.first() == Some(&0),
        };
    };
    tags.extend(stream.tags);
    if stream.stopped {
        Heard::Stopped
    } else if stream.whole {
        Heard::Alive
    } else {
        Heard::Partly
    }
}
