//! ZVT over a serial line: the layer between [`super::Session`] and the port.
//!
//! The session speaks units as on TCP; here each becomes a checked frame that the other side answers with a
//! bare byte. A frame that was refused is sent again. One that got no answer at all is sent again only if it
//! moves no money: of a payment nobody knows then whether it arrived, and the session asks instead. Inside a
//! damaged frame nothing is taken for an answer (the decoder sees to that).
//!
//! Duties of the shell: [`LinkInput::Reset`] when the session wants to connect, [`LinkEffect::Lost`] given to
//! the session as [`super::Input::Disconnected`], [`LinkEffect::ToSession`] as [`super::Input::Bytes`].

use std::collections::VecDeque;

use shelf_codecs::zvt::{
    Acknowledgement, Apdu, Fault, Item, SerialDecoder, SerialItem, TcpDecoder, encode_serial,
};

use crate::time::Mono;

/// T1: the longest gap between two bytes of a frame.
pub const BYTE_GAP_MS_MAX: u64 = 200;
/// T2: from a frame to its bare answer.
pub const ANSWER_MS_MAX: u64 = 5_000;
/// How often a frame is sent in all.
pub const TRIES_MAX: u32 = 3;
/// Frames that wait for their turn; the session never has more than a few.
pub const WAITING_MAX: usize = 64;

/// What happened on either side.
#[derive(Clone, Debug)]
pub enum LinkInput {
    /// The port was opened anew, or the session begins again: nothing is owed.
    Reset,
    /// Bytes of one [`super::Effect::Send`].
    FromSession(Vec<u8>),
    /// Bytes from the port.
    FromPort(Vec<u8>),
    /// The time of the last [`LinkEffect::SetTimer`] has come.
    Tick,
}

/// What is to be done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkEffect {
    /// Write these bytes to the port.
    ToPort(Vec<u8>),
    /// Give these bytes to the session.
    ToSession(Vec<u8>),
    /// The other side does not answer: tell the session that the connection is gone.
    Lost,
    /// Unreadable bytes, masked; an event. The other side was told to say them again.
    Fault(Fault),
    /// Call [`LinkInput::Tick`] at this time; replaces an earlier one.
    SetTimer(Mono),
}

/// A frame on its way.
#[derive(Debug)]
struct Sent {
    apdu: Apdu,
    tries: u32,
    due_at: Mono,
}

/// One serial line's machine.
#[derive(Debug, Default)]
pub struct SerialLink {
    decoder: SerialDecoder,
    waiting: VecDeque<Apdu>,
    sent: Option<Sent>,
    /// When a begun frame is given up.
    gap_ends_at: Option<Mono>,
}

impl SerialLink {
    /// A line at rest.
    #[must_use]
    pub fn new() -> SerialLink {
        SerialLink::default()
    }

    /// Takes one input and appends what is to be done to `out`.
    pub fn handle(&mut self, now: Mono, input: LinkInput, out: &mut Vec<LinkEffect>) {
        match input {
            LinkInput::Reset => *self = SerialLink::new(),
            LinkInput::FromSession(bytes) => self.queue(&bytes, out),
            LinkInput::FromPort(bytes) => {
                self.decoder.push(&bytes);
                self.gap_ends_at = Some(now.plus(BYTE_GAP_MS_MAX));
                self.read(now, out);
            }
            LinkInput::Tick => self.tick(now, out),
        }
        self.send_next(now, out);
        let due = [self.gap_ends_at, self.sent.as_ref().map(|sent| sent.due_at)];
        out.extend(due.into_iter().flatten().min().map(LinkEffect::SetTimer));
    }

    fn queue(&mut self, bytes: &[u8], out: &mut Vec<LinkEffect>) {
        let mut units = TcpDecoder::new();
        units.push(bytes);
        while let Some(Item::Apdu(apdu)) = units.next_item() {
            if self.waiting.len() >= WAITING_MAX {
                self.fail(out);
                return;
            }
            self.waiting.push_back(apdu);
        }
    }

    fn read(&mut self, now: Mono, out: &mut Vec<LinkEffect>) {
        while let Some(item) = self.decoder.next_item() {
            match item {
                SerialItem::Apdu(apdu) => {
                    out.push(LinkEffect::ToPort(vec![Acknowledgement::Ack.byte()]));
                    out.push(LinkEffect::ToSession(apdu.encode()));
                }
                SerialItem::Answer(Acknowledgement::Ack) => self.sent = None,
                SerialItem::Answer(Acknowledgement::Nak) => self.again(now, out),
                SerialItem::Fault(fault) => {
                    out.push(LinkEffect::ToPort(vec![Acknowledgement::Nak.byte()]));
                    out.push(LinkEffect::Fault(fault));
                }
            }
        }
    }

    fn tick(&mut self, now: Mono, out: &mut Vec<LinkEffect>) {
        if self.gap_ends_at.is_some_and(|at| now >= at) {
            self.gap_ends_at = None;
            self.decoder.silence();
            self.read(now, out);
        }
        match &self.sent {
            Some(sent) if now >= sent.due_at && moves_money(&sent.apdu) => self.fail(out),
            Some(sent) if now >= sent.due_at => self.again(now, out),
            _ => {}
        }
    }

    fn again(&mut self, now: Mono, out: &mut Vec<LinkEffect>) {
        let Some(sent) = &mut self.sent else { return };
        if sent.tries >= TRIES_MAX {
            self.fail(out);
            return;
        }
        sent.tries += 1;
        sent.due_at = now.plus(ANSWER_MS_MAX);
        out.push(LinkEffect::ToPort(encode_serial(&sent.apdu)));
    }

    fn send_next(&mut self, now: Mono, out: &mut Vec<LinkEffect>) {
        if self.sent.is_none()
            && let Some(apdu) = self.waiting.pop_front()
        {
            out.push(LinkEffect::ToPort(encode_serial(&apdu)));
            let due_at = now.plus(ANSWER_MS_MAX);
            let tries = 1;
            self.sent = Some(Sent {
                apdu,
                tries,
                due_at,
            });
        }
    }

    fn fail(&mut self, out: &mut Vec<LinkEffect>) {
        self.waiting.clear();
        self.sent = None;
        out.push(LinkEffect::Lost);
    }
}

/// Authorisation, reversal, refund and the day's end.
fn moves_money(apdu: &Apdu) -> bool {
    matches!(apdu.control(), (0x06, 0x01 | 0x30 | 0x31 | 0x50))
}
