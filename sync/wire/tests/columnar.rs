//! Documents in columns: the exact bytes come back, whatever they are, and nothing panics.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

mod samples;

use proptest::prelude::*;
use shelf_wire::columnar::{BODIES_BYTES_MAX, ColumnarError, pack, unpack};
use shelf_wire::document::encode;
use shelf_wire::message::BATCH_DOCUMENTS_MAX;
use shelf_wire::sealed::Sealed;

fn body(document: &shelf_stock::document::Document) -> Vec<u8> {
    Sealed::read(encode(document)).unwrap().body().to_vec()
}

fn comes_back(bodies: &[Vec<u8>]) -> usize {
    let packed = pack(bodies).unwrap().bytes;
    assert_eq!(unpack(&packed).unwrap(), bodies);
    packed.len()
}

#[test]
fn what_is_not_in_the_shortest_form_travels_as_it_is() {
    let sale = body(&samples::sale());
    let with = |more: &[u8]| [sale.as_slice(), more].concat();
    for odd in [
        Vec::new(),
        with(&[0xC2, 0x3E, 0x03, b'n', b'e', b'w']), // a field of the future
        with(&[0x28, 0x01]),                         // fields out of order
        with(&[0x28]),                               // cut off
        vec![0x28, 0x80, 0x00],                      // a number in two bytes that fits one
        vec![0xA8, 0x00, 0x01],                      // a tag in two bytes
        vec![0x62, 0x02, 0x08],                      // a line that is longer than the document
        vec![0x62, 0x08, 0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80], // a broken number
        vec![
            0x38, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01,
        ],
        vec![
            0x38, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02,
        ],
        vec![0xFF; 300],
        vec![0x62, 0x00],
        vec![0x30, 0x00],
    ] {
        comes_back(&[sale.clone(), odd.clone(), sale.clone()]);
        comes_back(&[odd]);
    }
}

#[test]
fn like_documents_cost_next_to_nothing() {
    let bodies: Vec<Vec<u8>> = (0..1_000_i64)
        .map(|it| {
            let mut sale = samples::sale();
            sale.wall = sale.wall.plus_millis(it * 1_000);
            sale.hlc = shelf_stock::time::Hlc::at(sale.wall);
            body(&sale)
        })
        .collect();
    let packed = comes_back(&bodies);
    let sent = zstd::bulk::compress(&pack(&bodies).unwrap().bytes, 3).unwrap();
    assert!(packed < 20_000, "{packed}");
    assert!(sent.len() < 1_000, "{}", sent.len());
}

#[test]
fn limits_hold_in_both_directions() {
    let many = vec![Vec::new(); BATCH_DOCUMENTS_MAX + 1];
    assert_eq!(pack(&many), None);
    assert_eq!(pack(&[vec![0; BODIES_BYTES_MAX + 1]]), None);
    // One long text, named by every document: 60 bytes that would become 40 MiB.
    let long = [&[0x52, 0x90, 0x4E][..], &[b'a'; 10_000]].concat();
    let mut packed = pack(&vec![long; 100]).unwrap().bytes;
    assert!(packed.len() < 11_000);
    assert_eq!(packed[1], 100, "the count of documents");
    let columns = packed.split_off(2);
    let documents = [&packed[..1], &[0x80, 0x20][..], &columns].concat();
    assert!(unpack(&documents).is_err());
    let huge = [&[1, 0xFF, 0xFF, 0x7F][..], &columns].concat();
    assert_eq!(unpack(&huge), Err(ColumnarError::TooLarge));
    assert_eq!(unpack(&[2, 0, 0]), Err(ColumnarError::Layout { layout: 2 }));
}

proptest! {
    #[test]
    fn any_documents_come_back(
        documents in prop::collection::vec(shelf_wire::arbitrary::document(), 0..6),
        noise in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let mut bodies: Vec<_> = documents.iter().map(body).collect();
        comes_back(&bodies);
        bodies.insert(bodies.len() / 2, noise);
        comes_back(&bodies);
    }

    #[test]
    fn changed_documents_come_back_changed(
        document in shelf_wire::arbitrary::document(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut body = body(&document);
        for (at, byte) in changes {
            if !body.is_empty() {
                let at = at.index(body.len());
                body[at] = byte;
            }
        }
        comes_back(&[body.clone(), body]);
    }
}

fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// Changes, cuts and doubles packed documents; reading them must only ever return, and never more
/// than the limit.
#[test]
fn no_bytes_whatever_make_the_reader_panic() {
    const EXECUTIONS: u64 = 200_000;
    let mut state = 0x5EED_0003_u64;
    let backlog = samples::backlog_batch().bodies;
    let odd = vec![vec![0xFF; 9], backlog[0].clone(), vec![0x62, 0x00]];
    let corpus = [pack(&backlog).unwrap().bytes, pack(&odd).unwrap().bytes];
    let mut read = 0_u64;
    for _ in 0..EXECUTIONS {
        let mut pick = |below: usize| usize::try_from(random(&mut state) >> 16).unwrap() % below;
        let mut bytes = corpus[pick(corpus.len())].clone();
        for _ in 0..1 + pick(3) {
            let at = pick(bytes.len());
            match pick(5) {
                0 => bytes[at] = u8::try_from(pick(256)).unwrap(),
                1 => bytes[at] ^= 1 << pick(8),
                2 => bytes.insert(at, u8::try_from(pick(256)).unwrap()),
                3 if bytes.len() > 1 => drop(bytes.remove(at)),
                _ => bytes.truncate(at.max(1)),
            }
        }
        if let Ok(bodies) = unpack(&bytes) {
            read += 1;
            let bytes: usize = bodies.iter().map(Vec::len).sum();
            assert!(bytes <= BODIES_BYTES_MAX && bodies.len() <= BATCH_DOCUMENTS_MAX);
        }
    }
    assert!(read > 1_000, "the mutations reach no reader: {read}");
}
