//! How each family hears commands and says what it reads.

use std::str::FromStr;

use shelf_codecs::uhf::{
    Strength, UhfDecoder, UhfItem, UhfTag, Wire, chafon, indy, m100, nur, thingmagic,
};

use crate::rfid::field::Sighting;

/// The address of a simulated reader.
const ADDRESS: u8 = 0;
/// Tags in one frame of the families that list several.
const FRAME_TAGS_MAX: usize = 15;

/// A family of readers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UhfModel {
    /// `chafon`: UHFReader288 and the like, with antenna and strength.
    Chafon,
    /// `chafon18`: the older UHFReader18, which names the tag alone.
    Chafon18,
    /// `m100`: YRM100, R200.
    M100,
    /// `indy`: around the Indy R2000.
    Indy,
    /// `thingmagic`: M6e and its relatives.
    Thingmagic,
    /// `nur`: Nordic ID.
    Nur,
}

impl UhfModel {
    const WORDS: [(&'static str, UhfModel); 6] = [
        ("chafon", UhfModel::Chafon),
        ("chafon18", UhfModel::Chafon18),
        ("m100", UhfModel::M100),
        ("indy", UhfModel::Indy),
        ("thingmagic", UhfModel::Thingmagic),
        ("nur", UhfModel::Nur),
    ];

    /// All of them.
    pub fn all() -> impl Iterator<Item = UhfModel> {
        Self::WORDS.into_iter().map(|it| it.1)
    }

    /// Whether it reads only when it is asked, round by round.
    pub(super) fn is_polled(self) -> bool {
        matches!(self, UhfModel::Chafon | UhfModel::Chafon18 | UhfModel::Indy)
    }

    fn dialect(self) -> chafon::Dialect {
        match self {
            UhfModel::Chafon18 => chafon::Dialect::Reader18,
            _ => chafon::Dialect::Reader288,
        }
    }
}

impl FromStr for UhfModel {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let row = Self::WORDS.iter().find(|it| it.0 == word);
        row.map(|it| it.1).ok_or_else(|| {
            format!("`{word}` is no family: chafon, chafon18, m100, indy, thingmagic or nur")
        })
    }
}

/// What a command asks of the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// Answer that it is there.
    Hello(u8),
    /// One round.
    Round,
    /// Read until told to stop.
    Stream,
    /// Stop reading.
    Stop,
}

/// The commands out of the host's bytes.
#[derive(Debug)]
pub(super) enum Hearing {
    Chafon(UhfDecoder<chafon::FromHost>),
    M100(UhfDecoder<m100::Line>),
    Indy(UhfDecoder<indy::Line>),
    Thingmagic(UhfDecoder<thingmagic::FromHost>),
    Nur(UhfDecoder<nur::Line>),
}

impl Hearing {
    pub(super) fn of(model: UhfModel) -> Hearing {
        match model {
            UhfModel::Chafon | UhfModel::Chafon18 => Hearing::Chafon(UhfDecoder::new()),
            UhfModel::M100 => Hearing::M100(UhfDecoder::new()),
            UhfModel::Indy => Hearing::Indy(UhfDecoder::new()),
            UhfModel::Thingmagic => Hearing::Thingmagic(UhfDecoder::new()),
            UhfModel::Nur => Hearing::Nur(UhfDecoder::new()),
        }
    }

    /// Takes bytes; what they ask, in turn. Noise is no command.
    pub(super) fn hear(&mut self, bytes: &[u8]) -> Vec<Asked> {
        match self {
            Hearing::Chafon(it) => frames(it, bytes, |frame| match frame.command {
                chafon::command::INVENTORY => Some(Asked::Round),
                command => Some(Asked::Hello(command)),
            }),
            Hearing::M100(it) => frames(it, bytes, |frame| match frame.command {
                m100::command::POLL_MANY => Some(Asked::Stream),
                m100::command::STOP => Some(Asked::Stop),
                command => Some(Asked::Hello(command)),
            }),
            Hearing::Indy(it) => frames(it, bytes, |frame| {
                (frame.command == indy::command::REAL_TIME_INVENTORY).then_some(Asked::Round)
            }),
            Hearing::Thingmagic(it) => frames(it, bytes, |frame| match frame.op {
                thingmagic::op::CONTINUOUS if frame.data == thingmagic::STOP_CONTINUOUS => {
                    Some(Asked::Stop)
                }
                thingmagic::op::CONTINUOUS => Some(Asked::Stream),
                op => Some(Asked::Hello(op)),
            }),
            Hearing::Nur(it) => frames(it, bytes, |frame| match frame.command {
                nur::command::START_STREAM => Some(Asked::Stream),
                command => Some(Asked::Hello(command)),
            }),
        }
    }
}

fn frames<W: Wire>(
    decoder: &mut UhfDecoder<W>,
    bytes: &[u8],
    meaning: impl Fn(W::Frame) -> Option<Asked>,
) -> Vec<Asked> {
    decoder.push(bytes);
    decoder
        .filter_map(|item| match item {
            UhfItem::Frame(frame) => meaning(frame),
            UhfItem::Fault(_) => None,
        })
        .collect()
}

/// The answer to a command that is no reading, and to the start and the end of a stream.
pub(super) fn answer(model: UhfModel, asked: Asked) -> Option<Vec<u8>> {
    let m100 = |command, parameters: &[u8]| {
        let frame = m100::Frame {
            kind: m100::kind::RESPONSE,
            command,
            parameters: parameters.to_vec(),
        };
        Some(frame.encode())
    };
    let thingmagic = |op| {
        let frame = thingmagic::Response {
            op,
            status: 0,
            data: Vec::new(),
        };
        Some(frame.encode())
    };
    let nur = |command| {
        let frame = nur::Frame {
            flags: 0,
            command,
            payload: vec![0],
        };
        Some(frame.encode())
    };
    match (model, asked) {
        (_, Asked::Round) | (UhfModel::Indy, _) => None,
        (UhfModel::Chafon | UhfModel::Chafon18, Asked::Hello(command)) => {
            let frame = chafon::Response {
                address: ADDRESS,
                command,
                status: 0,
                // Firmware 1.3, type, protocols, band, power, time of a scan.
                data: vec![1, 3, 0x0C, 3, 0x4E, 0, 0x1A, 0x0A],
            };
            Some(frame.encode())
        }
        (UhfModel::Chafon | UhfModel::Chafon18, _) => None,
        // The answers to a series of rounds are the tags.
        (UhfModel::M100, Asked::Stream) => None,
        (UhfModel::M100, Asked::Stop) => m100(m100::command::STOP, &[0]),
        (UhfModel::M100, Asked::Hello(command)) => m100(command, &[0]),
        (UhfModel::Thingmagic, Asked::Hello(op)) => thingmagic(op),
        (UhfModel::Thingmagic, _) => thingmagic(thingmagic::op::CONTINUOUS),
        (UhfModel::Nur, Asked::Hello(command)) => nur(command),
        (UhfModel::Nur, Asked::Stream) => nur(nur::command::START_STREAM),
        (UhfModel::Nur, Asked::Stop) => None,
    }
}

/// What is said of these reads; of none, too: a reader that works says so.
pub(super) fn tell(model: UhfModel, reads: &[Sighting]) -> Vec<Vec<u8>> {
    match model {
        UhfModel::Chafon | UhfModel::Chafon18 => listed(model, reads),
        UhfModel::M100 if reads.is_empty() => vec![
            m100::Frame {
                kind: m100::kind::RESPONSE,
                command: m100::command::ERROR,
                parameters: vec![m100::ERROR_NO_TAG],
            }
            .encode(),
        ],
        UhfModel::M100 => {
            let frame = |it: &Sighting| m100::Frame::of_tag(&it.epc, it.dbm).encode();
            reads.iter().map(frame).collect()
        }
        UhfModel::Indy => {
            let frame = |it: &Sighting| {
                indy::Frame::of_tag(&it.epc, short(it.antenna), it.dbm.into()).encode()
            };
            let total = u32::try_from(reads.len()).unwrap_or(u32::MAX);
            let end = indy::Frame {
                address: 1,
                command: indy::command::REAL_TIME_INVENTORY,
                data: [&[0, 0, 100][..], &total.to_be_bytes()].concat(),
            };
            reads.iter().map(frame).chain([end.encode()]).collect()
        }
        UhfModel::Thingmagic if reads.is_empty() => vec![
            thingmagic::Response {
                op: thingmagic::op::READ_MULTIPLE,
                status: 0,
                data: Vec::new(),
            }
            .encode(),
        ],
        UhfModel::Thingmagic => {
            let frame = |it: &Sighting| {
                thingmagic::Response::of_tag(&it.epc, short(it.antenna), it.dbm).encode()
            };
            reads.iter().map(frame).collect()
        }
        UhfModel::Nur => {
            let block = |it: &Sighting| (it.epc, short(it.antenna), it.dbm);
            let blocks: Vec<_> = reads.iter().map(block).collect();
            let frame = |it: &[_]| nur::Frame::of_tags(it).encode();
            match blocks.is_empty() {
                true => vec![frame(&[])],
                false => blocks.chunks(FRAME_TAGS_MAX).map(frame).collect(),
            }
        }
    }
}

/// A Chafon's lists: one frame for each antenna and each few tags, all but the last with more to come.
fn listed(model: UhfModel, reads: &[Sighting]) -> Vec<Vec<u8>> {
    use chafon::status::{DONE, MORE, NO_TAG};
    let frame = |status, data| {
        chafon::Response {
            address: ADDRESS,
            command: chafon::command::INVENTORY,
            status,
            data,
        }
        .encode()
    };
    if reads.is_empty() {
        return vec![frame(NO_TAG, Vec::new())];
    }
    let mut sorted = reads.to_vec();
    sorted.sort_by_key(|it| it.antenna);
    let parts: Vec<Vec<u8>> = sorted
        .chunk_by(|one, two| one.antenna == two.antenna)
        .flat_map(|own| own.chunks(FRAME_TAGS_MAX))
        .map(|part| {
            let antenna = part.first().map_or(1, |it| it.antenna);
            let tags: Vec<UhfTag> = part
                .iter()
                .map(|it| UhfTag {
                    strength: Some(Strength::Raw(it.dbm.unsigned_abs().wrapping_neg())),
                    ..UhfTag::of(it.epc)
                })
                .collect();
            // One-hot, as the readers with up to eight ports say it.
            let mask = 1_u8.checked_shl(u32::from(antenna) - 1).unwrap_or(1);
            chafon::list(model.dialect(), mask, &tags)
        })
        .collect();
    let last = parts.len() - 1;
    let status = |at| if at == last { DONE } else { MORE };
    let numbered = parts.into_iter().enumerate();
    numbered.map(|(at, data)| frame(status(at), data)).collect()
}

fn short(antenna: u16) -> u8 {
    u8::try_from(antenna).unwrap_or(u8::MAX)
}
