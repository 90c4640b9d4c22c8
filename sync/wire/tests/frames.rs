//! Payloads: limits, sizes, and whatever bytes a stranger may send.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

mod samples;

use proptest::prelude::*;
use shelf_stock::identity::{Digest, Incarnation, Seq};
use shelf_wire::frame::{
    FRAME_BYTES_MAX, PackError, UNPACKED_BYTES_MAX, UnpackError, pack, unpack,
};
use shelf_wire::key::SIGNATURE_BYTES;
use shelf_wire::message::{Hello, LogBatch, Message, MessageError};
use shelf_wire::sealed::{Authored, Sealed};

#[test]
fn one_live_movement_is_at_most_64_bytes_without_its_signature() {
    let frame = pack(&Message::LogBatch(samples::live_batch())).unwrap();
    let bytes = frame.len() - SIGNATURE_BYTES;
    assert!(bytes <= 64, "{bytes} bytes");
}

#[test]
fn a_batch_restores_exactly_what_its_author_wrote() {
    let batch = samples::live_batch();
    let sold = Authored::write(samples::sale()).unwrap();
    let prev = sold.sealed().prev();
    let author = samples::key().node_id();
    let (documents, head) = batch.restore(author, prev).unwrap();
    assert_eq!(documents, [sold.sealed().clone()]);
    assert!(head.verify(&samples::key().public_key()));
    let (_, other) = batch.restore(author, Digest::from_bytes([8; 32])).unwrap();
    assert!(
        !other.verify(&samples::key().public_key()),
        "another predecessor"
    );
}

#[test]
fn a_hello_is_only_read_with_its_owners_signature() {
    let hello = Hello::new(samples::key().public_key(), 1).signed(&samples::key());
    let mut frame = pack(&Message::Hello(Box::new(hello))).unwrap();
    assert!(unpack(&frame).is_ok());
    let last = frame.len() - 1;
    frame[last] ^= 1;
    assert_eq!(
        unpack(&frame),
        Err(UnpackError::Message(MessageError::Forged))
    );
}

#[test]
fn a_bomb_is_refused_before_it_is_unpacked() {
    let bomb = zstd::bulk::compress(&vec![0; UNPACKED_BYTES_MAX + 1], 3).unwrap();
    let frame = [vec![0x11, 3], bomb].concat();
    assert!(frame.len() < 1000);
    assert_eq!(unpack(&frame), Err(UnpackError::TooLarge));
    assert_eq!(
        unpack(&vec![0x10; FRAME_BYTES_MAX + 1]),
        Err(UnpackError::TooLarge)
    );
    let streamed = zstd::stream::encode_all(&[0_u8; 4096][..], 3).unwrap();
    let undeclared = [vec![0x11, 3], streamed].concat();
    assert_eq!(
        unpack(&undeclared),
        Err(UnpackError::Compression),
        "no declared size"
    );
}

#[test]
fn other_formats_flags_and_types_are_named() {
    assert_eq!(unpack(&[0x30, 3]), Err(UnpackError::Format { format: 3 }));
    assert_eq!(unpack(&[0x14, 3]), Err(UnpackError::Flags { flags: 4 }));
    assert_eq!(unpack(&[0x10]), Err(UnpackError::TooShort { bytes: 1 }));
    let kind = MessageError::Kind { kind: 200 };
    assert_eq!(unpack(&[0x10, 200]), Err(UnpackError::Message(kind)));
}

#[test]
fn a_message_that_stays_too_large_is_not_sent() {
    let mut state = 1_u64;
    let noise = (0..FRAME_BYTES_MAX)
        .map(|_| random(&mut state).to_le_bytes()[0])
        .collect();
    let batch = LogBatch {
        node: None,
        incarnation: Incarnation(1),
        first: Seq(2),
        prev: None,
        bodies: vec![noise],
        signature: [0; SIGNATURE_BYTES],
    };
    let packed = pack(&Message::LogBatch(batch));
    assert!(matches!(packed, Err(PackError::TooLarge { .. })));
}

proptest! {
    #[test]
    fn batches_of_any_documents_come_back(
        documents in prop::collection::vec(shelf_wire::arbitrary::document(), 1..6),
        with_prev: bool,
    ) {
        let key = samples::key();
        let mut log: Vec<Sealed> = Vec::new();
        for (index, mut document) in documents.into_iter().enumerate() {
            document.place.node = key.node_id();
            document.place.incarnation = Incarnation(5);
            document.place.seq = Seq(u64::try_from(index).unwrap() + 2);
            document.prev = log.last().map_or(document.prev, Sealed::digest);
            log.push(Authored::write(document).unwrap().sealed().clone());
        }
        let head = key.sign_head(&log.last().unwrap().head());
        let batch = LogBatch::of(&log, &head, with_prev).unwrap();
        let message = Message::LogBatch(batch.clone());
        prop_assert_eq!(unpack(&pack(&message).unwrap()).unwrap(), message);
        let (restored, signed) = batch.restore(key.node_id(), log[0].prev()).unwrap();
        prop_assert_eq!(restored, log);
        prop_assert!(signed.verify(&key.public_key()));
    }
}

fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// Changes, cuts, doubles and splices frames and documents; reading them must only ever return.
#[test]
fn no_bytes_whatever_make_a_reader_panic() {
    const EXECUTIONS: u64 = 200_000;
    let seed = 0x5EED_0001_u64;
    let mut corpus: Vec<Vec<u8>> = samples::messages()
        .iter()
        .map(|(_, message)| pack(message).unwrap())
        .collect();
    corpus.push(shelf_wire::document::encode(&samples::sale()));
    let mut state = seed;
    let (mut frames, mut documents) = (0_u64, 0_u64);
    for _ in 0..EXECUTIONS {
        let bytes = mutated(&corpus, &mut state);
        frames += u64::from(unpack(&bytes).is_ok());
        documents += u64::from(Authored::read(bytes.clone()).is_ok());
        if let Ok(Message::LogBatch(batch)) = unpack(&bytes) {
            let _ = batch
                .restore(samples::key().node_id(), Digest::ZERO)
                .is_ok();
        }
    }
    assert!(
        frames > 1_000 && documents > 100,
        "the mutations reach no reader: {frames} {documents}"
    );
}

fn mutated(corpus: &[Vec<u8>], state: &mut u64) -> Vec<u8> {
    let mut pick = |below: usize| usize::try_from(random(state) >> 16).unwrap() % below.max(1);
    let mut bytes = corpus[pick(corpus.len())].clone();
    for _ in 0..pick(4) {
        let at = pick(bytes.len());
        match pick(6) {
            0 => bytes[at] = u8::try_from(pick(256)).unwrap(),
            1 => bytes[at] ^= 1 << pick(8),
            2 => bytes.truncate(at.max(1)),
            3 => bytes.insert(at, u8::try_from(pick(256)).unwrap()),
            4 => drop(bytes.remove(at)),
            _ => {
                let other = &corpus[pick(corpus.len())];
                bytes.extend(&other[pick(other.len())..]);
            }
        }
        if bytes.is_empty() {
            bytes.push(0x10);
        }
    }
    bytes
}
