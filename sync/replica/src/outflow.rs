//! Sending logs: a window over several logs, in order within each, again from the ack on doubt.
//!
//! Both machines send with it: a PC its own logs, the hub to each PC what that lacks. It keeps no
//! document, only numbers; the documents are read from the store when they are sent. A document
//! counts as arrived only when the other side acked it. After a timeout everything after the ack
//! is sent again, except ranges that the other side said it has: a hole is always filled first.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use shelf_stock::identity::{NodeId, Seq};
use shelf_wire::frame::{
    FORMAT_COLUMNS, FORMAT_PLAIN, FRAME_BYTES_MAX, PackError, pack, pack_for, pack_tightly_for,
};
use shelf_wire::key::SignedHead;
use shelf_wire::message::{BATCH_DOCUMENTS_MAX, LogBatch, Message, NackReason};
use shelf_wire::sealed::Sealed;

use crate::store::{LogId, ReadLimits, Store};
use crate::time::Jitter;

/// The most batches that may be un-acked at once.
pub const WINDOW_BATCHES: usize = 8;
/// The most documents of one batch to a peer that doesn't read columns, and of the first batch to
/// any other.
pub const SEND_DOCUMENTS_MAX: usize = 1000;
/// The most bytes of the documents of such a batch: with its framing it stays below the limit of a
/// payload even if nothing can be compressed.
pub const SEND_BYTES_MAX: usize = 48 * 1024;
/// The most bytes of the documents of a batch in columns, which grows as far as a payload has room.
pub(crate) const SEND_COLUMNS_BYTES_MAX: usize = 768 * 1024;
/// What a payload leaves free for what a relay adds: the author's name and a predecessor.
pub(crate) const RELAY_BYTES_FREE: usize = 256;
/// How long an ack may take at first.
pub const ACK_TIMEOUT_MS: u64 = 5_000;
/// How long an ack may take after many timeouts.
pub const ACK_TIMEOUT_MS_MAX: u64 = 120_000;

/// Batches of more documents carry their predecessor, which then costs next to nothing.
const PREV_DOCUMENTS_MIN: usize = 8;

const USUAL: ReadLimits = ReadLimits {
    documents_max: SEND_DOCUMENTS_MAX,
    bytes_max: SEND_BYTES_MAX,
};
/// For the rest of a batch that an author sent with larger limits than ours.
const WIDEST: ReadLimits = ReadLimits {
    documents_max: BATCH_DOCUMENTS_MAX,
    bytes_max: SEND_COLUMNS_BYTES_MAX,
};

/// A payload, or why it doesn't fit one.
pub(crate) type Payload = Result<Vec<u8>, PackError>;

/// Who signs what is sent.
pub(crate) trait Signer<S: Store + ?Sized> {
    /// Whether the documents are others': then batches name their author, and end where the
    /// author signed.
    const RELAYS: bool;

    /// How many of these consecutive documents can be sent as one batch, with the signed head of
    /// the last of them; `None` if no signature fits.
    fn sign(
        &self,
        store: &S,
        documents: &[Sealed],
    ) -> Result<Option<(usize, SignedHead)>, S::Error>;
}

/// A refused document: the other side takes nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) seq: Seq,
    pub(crate) reason: NackReason,
}

#[derive(Debug)]
struct Flight {
    first: u64,
    last: u64,
    deadline_ms: u64,
}

#[derive(Debug)]
struct Stream {
    acked: u64,
    upto: u64,
    next: u64,
    beyond: Vec<(u64, u64)>,
    refused: BTreeSet<u64>,
    flights: VecDeque<Flight>,
    attempts: u32,
    with_prev: bool,
    one_by_one: bool,
    /// One batch at a time, until the peer takes something: what follows a refused batch is
    /// refused as well, and each refusal would send the whole window again.
    alone: bool,
}

/// What is being sent to one peer.
#[derive(Debug)]
pub(crate) struct Outflow {
    streams: BTreeMap<LogId, Stream>,
    jitter: Jitter,
    packer: Packer,
}

/// How much goes into a payload.
#[derive(Debug)]
struct Packer {
    /// Up to which format the peer reads.
    reads: u32,
    /// What the last payloads had room for.
    room: ReadLimits,
}

impl Outflow {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            streams: BTreeMap::new(),
            jitter: Jitter::new(seed),
            packer: Packer {
                reads: u32::from(FORMAT_PLAIN),
                room: USUAL,
            },
        }
    }

    /// The same to a peer that said up to which format it reads.
    pub(crate) fn for_reader(mut self, reads: u32) -> Self {
        self.packer.reads = reads;
        self
    }

    /// A log ends at `upto`; if it wasn't known, the peer has it up to `acked`.
    pub(crate) fn offer(&mut self, log: LogId, acked: Seq, upto: Seq) {
        let stream = self.streams.entry(log).or_insert(Stream::after(acked));
        stream.upto = stream.upto.max(upto.0);
    }

    pub(crate) fn knows(&self, log: LogId) -> bool {
        self.streams.contains_key(&log)
    }

    /// Up to where the peer has a log that is being sent.
    pub(crate) fn acked(&self, log: LogId) -> Option<Seq> {
        self.streams.get(&log).map(|it| Seq(it.acked))
    }

    /// Ends sending a log.
    pub(crate) fn forget(&mut self, log: LogId) {
        self.streams.remove(&log);
    }

    /// The logs of one author that are being sent.
    pub(crate) fn logs_of(&self, author: NodeId) -> Vec<LogId> {
        let logs = self.streams.keys().filter(|it| it.node == author);
        logs.copied().collect()
    }

    /// How many documents the peer hasn't acked, and the first of each log.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = (LogId, Seq, u64)> {
        let behind = self.streams.iter().filter(|(_, it)| it.acked < it.upto);
        behind.map(|(log, it)| (*log, Seq(it.acked + 1), it.upto - it.acked))
    }

    /// The peer has committed a log up to `upto` and the ranges beyond. Returns the new cursor if
    /// it moved; a peer can't ack what isn't there.
    pub(crate) fn ack(&mut self, log: LogId, upto: Seq, beyond: &[(Seq, Seq)]) -> Option<Seq> {
        let stream = self.streams.get_mut(&log)?;
        let upto = upto.0.min(stream.upto);
        if upto < stream.acked {
            return None;
        }
        let moved = upto > stream.acked;
        stream.acked = upto;
        stream.beyond = beyond
            .iter()
            .map(|(first, last)| (first.0, last.0))
            .collect();
        stream.next = stream.next.max(upto.saturating_add(1));
        let beyond = &stream.beyond;
        let has = |last: u64| {
            beyond
                .iter()
                .any(|(first, end)| (*first..=*end).contains(&last))
        };
        stream.flights.retain(|it| it.last > upto && !has(it.last));
        if moved {
            stream.attempts = 0;
            stream.alone = false;
        }
        moved.then_some(Seq(upto))
    }

    /// The peer refused a batch. Returns a document that it will never take, which is then left
    /// out until the next hello.
    pub(crate) fn nack(
        &mut self,
        log: LogId,
        first: Seq,
        last: Seq,
        reason: NackReason,
    ) -> Option<Refused> {
        let stream = self.streams.get_mut(&log)?;
        let flights = &stream.flights;
        let flies = flights
            .iter()
            .any(|it| (it.first, it.last) == (first.0, last.0));
        if first.0 <= stream.acked || !flies {
            // Of a batch that is not on its way any more: what came after it has been told already.
            return None;
        }
        let never = first == last && stream.one_by_one;
        match reason {
            NackReason::Predecessor | NackReason::Hello => {}
            NackReason::Forged | NackReason::Oversized if never => {
                stream.refused.insert(first.0);
            }
            NackReason::Forged | NackReason::Oversized => stream.one_by_one = true,
        }
        stream.go_back();
        stream.alone = true;
        stream
            .refused
            .contains(&first.0)
            .then_some(Refused { seq: first, reason })
    }

    /// Begins again from the ack where an ack is overdue.
    pub(crate) fn expire(&mut self, now_ms: u64) -> bool {
        !self.expired(now_ms).is_empty()
    }

    /// The same, with the logs that it happened to.
    pub(crate) fn expired(&mut self, now_ms: u64) -> Vec<LogId> {
        let mut expired = Vec::new();
        for (log, stream) in &mut self.streams {
            if stream
                .flights
                .front()
                .is_some_and(|it| it.deadline_ms <= now_ms)
            {
                stream.attempts = stream.attempts.saturating_add(1);
                stream.go_back();
                expired.push(*log);
            }
        }
        expired
    }

    /// When [`Outflow::expire`] has something to do.
    pub(crate) fn wake_at_ms(&self) -> Option<u64> {
        let first = self.streams.values().filter_map(|it| it.flights.front());
        first.map(|it| it.deadline_ms).min()
    }

    /// The next batch that may be sent now, as a payload. A relay names the author in it.
    pub(crate) fn next_payload<S: Store + ?Sized>(
        &mut self,
        now_ms: u64,
        store: &S,
        signer: &impl Signer<S>,
    ) -> Result<Option<Payload>, S::Error> {
        let in_flight: usize = self.streams.values().map(|it| it.flights.len()).sum();
        if in_flight >= WINDOW_BATCHES {
            return Ok(None);
        }
        for (log, stream) in &mut self.streams {
            if stream.alone && !stream.flights.is_empty() {
                continue;
            }
            let Some((last, payload)) = stream.cut(*log, store, signer, &mut self.packer)? else {
                continue;
            };
            let timeout_ms =
                self.jitter
                    .backoff_ms(ACK_TIMEOUT_MS, ACK_TIMEOUT_MS_MAX, stream.attempts);
            let first = std::mem::replace(&mut stream.next, last.0.saturating_add(1));
            stream.with_prev = false;
            stream.flights.push_back(Flight {
                first,
                last: last.0,
                deadline_ms: now_ms.saturating_add(timeout_ms),
            });
            return Ok(Some(payload));
        }
        Ok(None)
    }
}

impl Packer {
    fn limits(&self) -> ReadLimits {
        match self.reads >= u32::from(FORMAT_COLUMNS) {
            true => self.room,
            false => USUAL,
        }
    }

    /// A payload of so many documents. What an author signs must fit a payload in any format, or
    /// no relay could pass it on to a peer that doesn't read columns.
    fn pack<S: Store + ?Sized, G: Signer<S>>(
        &mut self,
        message: &Message,
        count: usize,
    ) -> Payload {
        let relayable = match G::RELAYS || bytes_of(message) <= SEND_BYTES_MAX {
            true => Ok(0),
            false => pack(message).map(|it| it.len()),
        };
        let payload = pack_for(message, self.reads);
        let used = match (&relayable, &payload) {
            (Ok(plain), Ok(payload)) => payload.len().max(*plain),
            _ => FRAME_BYTES_MAX,
        };
        if used > FRAME_BYTES_MAX - RELAY_BYTES_FREE && !G::RELAYS {
            self.room.documents_max = less(count);
            return Err(relayable
                .err()
                .unwrap_or(PackError::TooLarge { bytes: used }));
        }
        let full = count >= self.room.documents_max;
        let widest = self.room.bytes_max >= WIDEST.bytes_max;
        if used < FRAME_BYTES_MAX / 10 * 8 && (full || !widest) && count >= PREV_DOCUMENTS_MIN {
            let more = self.room.documents_max + self.room.documents_max / 4;
            self.room.documents_max = more.clamp(1, WIDEST.documents_max);
            self.room.bytes_max = WIDEST.bytes_max;
        }
        payload
    }
}

fn bytes_of(message: &Message) -> usize {
    match message {
        Message::LogBatch(batch) => batch.bodies.iter().map(Vec::len).sum(),
        _ => 0,
    }
}

/// Documents to try where so many were too many.
fn less(count: usize) -> usize {
    (count - count.div_ceil(8)).max(1)
}

/// One payload of what authors signed of a log after a number and not beyond another, with its
/// last number; `None` where nothing that is signed fits. For files: it stands on its own.
pub(crate) fn cut_relayed<S: Store + ?Sized>(
    store: &S,
    log: LogId,
    (after, upto): (Seq, Seq),
    documents_max: usize,
) -> Result<Option<(Seq, Payload)>, S::Error> {
    let mut stream = Stream::after(after);
    stream.upto = upto.0;
    let mut packer = Packer {
        reads: u32::from(FORMAT_COLUMNS),
        room: ReadLimits {
            documents_max,
            bytes_max: WIDEST.bytes_max,
        },
    };
    stream.cut(log, store, &crate::hub::AuthorsWord, &mut packer)
}

impl Stream {
    /// Of a log that the peer has up to a number.
    fn after(acked: Seq) -> Self {
        Self {
            acked: acked.0,
            upto: acked.0,
            next: acked.0.saturating_add(1),
            beyond: Vec::new(),
            refused: BTreeSet::new(),
            flights: VecDeque::new(),
            attempts: 0,
            with_prev: true,
            one_by_one: false,
            alone: false,
        }
    }

    fn go_back(&mut self) {
        self.flights.clear();
        self.next = self.acked.saturating_add(1);
        self.with_prev = true;
    }

    /// Steps over what the peer has or will never take.
    fn skip(&mut self) {
        loop {
            let range = self
                .beyond
                .iter()
                .find(|it| (it.0..=it.1).contains(&self.next));
            match range {
                Some((_, last)) => self.next = last.saturating_add(1),
                None if self.refused.contains(&self.next) => self.next += 1,
                None => return,
            }
            self.with_prev = true;
        }
    }

    /// Where a batch from `next` has to stop: before what the peer has or will never take.
    fn stop(&self) -> u64 {
        let ranges = self.beyond.iter().map(|it| it.0);
        let stops = ranges.chain(self.refused.iter().copied());
        let before = stops.filter(|it| *it > self.next).min();
        before.map_or(self.upto, |it| (it - 1).min(self.upto))
    }

    /// The next payload and its last number.
    fn cut<S: Store + ?Sized, G: Signer<S>>(
        &mut self,
        log: LogId,
        store: &S,
        signer: &G,
        packer: &mut Packer,
    ) -> Result<Option<(Seq, Payload)>, S::Error> {
        self.skip();
        if self.next > self.upto {
            return Ok(None);
        }
        for limits in [packer.limits(), WIDEST] {
            let documents = store.read(log, Seq(self.next - 1), limits)?;
            let mut documents = self.fitting(&documents);
            let mut too_large = None;
            while let Some((count, head)) = signer.sign(store, documents)? {
                documents = documents.get(..count).unwrap_or_default();
                let with_prev = self.with_prev || count >= PREV_DOCUMENTS_MIN;
                let Some(batch) = LogBatch::of(documents, &head, with_prev) else {
                    return Ok(None);
                };
                let last = batch.last();
                let message = Message::LogBatch(match G::RELAYS {
                    true => batch.by(log.node),
                    false => batch,
                });
                match packer.pack::<S, G>(&message, count) {
                    Ok(payload) => return Ok(Some((last, Ok(payload)))),
                    Err(_) if count > 1 => {
                        documents = documents.get(..less(count)).unwrap_or_default();
                        too_large = Some((last, message));
                    }
                    Err(error) => return Ok(Some((last, Err(error)))),
                }
            }
            if let Some((last, message)) = too_large {
                // Its author signed no smaller part.
                return Ok(Some((last, pack_tightly_for(&message, packer.reads))));
            }
        }
        // Nothing readable or signed there: wait until the log is offered again.
        self.upto = self.next - 1;
        Ok(None)
    }

    /// The documents of one batch: linked, and before the stop.
    fn fitting<'a>(&self, documents: &'a [Sealed]) -> &'a [Sealed] {
        let stop = if self.one_by_one {
            self.next
        } else {
            self.stop()
        };
        let mut count = 0;
        let mut prev = None;
        for document in documents {
            let linked = prev.is_none_or(|it| it == document.prev());
            if document.place().seq.0 > stop || !linked {
                break;
            }
            prev = Some(document.digest());
            count += 1;
        }
        documents.get(..count).unwrap_or_default()
    }
}
