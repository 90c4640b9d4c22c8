//! Documents drawn from small numbers, so that seeds and property tests share one generator.
//!
//! The pools are tiny (three PCs, three items, two sessions, a few minutes) because faults live
//! where things collide.

use crate::document::{
    CountLine, CountScope, Document, DocumentRef, Draft, Group, Kind, Line, SourceAction,
    SourceKey, Subject,
};
use crate::identity::{Digest, Incarnation, NODE_ID_BYTES, NodeId, Place, Seq};
use crate::item::Part;
use crate::location::Location;
use crate::name::{AreaId, Code, ItemId, Reason, ReceiptNo, SessionId, SourceId};
use crate::quantity::Quantity;
use crate::time::{Hlc, Timestamp};

/// Numbers that one document (or one group of two) is made from.
pub type Spec = [u8; 16];

/// Effective times are multiples of this, so that equal ones and close ones are common.
const STEP_MS: i64 = 40_000;

/// A name that is known to fit.
pub(super) fn name<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect("a name of the suite fits")
}

/// A small generator of numbers (SplitMix64): the same seed gives the same numbers everywhere.
pub struct Random(u64);

impl Random {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }

    /// Numbers for one document.
    pub fn spec(&mut self) -> Spec {
        let (high, low) = (self.next().to_be_bytes(), self.next().to_be_bytes());
        let mut spec = [0; 16];
        for (to, from) in spec.iter_mut().zip(high.into_iter().chain(low)) {
            *to = from;
        }
        spec
    }
}

/// All documents in an order of the seed, about a third of them once more.
pub fn shuffled(documents: &[Document], seed: u64) -> Vec<Document> {
    let mut random = Random::new(seed);
    let mut order = documents.to_vec();
    for document in documents {
        if random.below(3) == 0 {
            order.push(document.clone());
        }
    }
    for index in (1..order.len()).rev() {
        let limit = u64::try_from(index).unwrap_or(u64::MAX).saturating_add(1);
        let other = usize::try_from(random.below(limit)).unwrap_or(0);
        order.swap(index, other);
    }
    order
}

/// The documents that some numbers stand for.
pub fn documents(specs: &[Spec]) -> Vec<Document> {
    let mut documents = Vec::new();
    for (seq, spec) in (1_u64..).zip(specs) {
        if spec[0] % 20 == 19 {
            documents.extend(group(spec, seq));
        } else {
            documents.push(document(spec, seq * 2, draft(spec)));
        }
    }
    // A storage that keeps the encoded bytes can't read back what breaks the rules.
    documents.retain(|it| it.draft.validate().is_ok());
    documents
}

/// Both parts of a group, or one where the other got lost.
fn group(spec: &Spec, seq: u64) -> Vec<Document> {
    let mut parts: Vec<Document> = (0..2)
        .map(|index| {
            let mut spec = *spec;
            spec[3] = spec[3].wrapping_add(index);
            let mut draft = lines(Kind::Sale, &spec);
            draft.source = source(spec[7], SourceAction::Record, u32::from(index));
            draft.group = Some(Group {
                id: name(["g", "h"][usize::from(spec[9] % 2)]),
                index: u32::from(index),
                of: 2,
            });
            document(&spec, seq * 2 + u64::from(index), draft)
        })
        .collect();
    match spec[10] % 4 {
        0 => drop(parts.pop()),
        1 => drop(parts.remove(0)),
        _ => {}
    }
    parts
}

fn document(spec: &Spec, seq: u64, draft: Draft) -> Document {
    // Clocks disagree: what is written and when it was effective are drawn apart.
    let wall = Timestamp::from_millis(i64::from(spec[2] % 32) * STEP_MS);
    Document {
        place: Place {
            node: NodeId::from_bytes([spec[1] % 3; NODE_ID_BYTES]),
            incarnation: Incarnation(u64::from(spec[1] / 240)),
            seq: Seq(seq),
        },
        prev: Digest::ZERO,
        hlc: Hlc::from_bits(u64::from(spec[11] % 8)),
        wall,
        draft,
    }
}

fn draft(spec: &Spec) -> Draft {
    let mut draft = match spec[0] % 20 {
        0..=3 => lines(Kind::Sale, spec),
        4 => lines(Kind::GoodsReceipt, spec),
        5 => lines(Kind::Transfer, spec),
        6 => lines(Kind::Adjustment { reason: name("r") }, spec),
        7 => void(spec),
        8..=12 => Draft::new(count(spec)),
        13..=15 => Draft::new(close(spec, CountScope::EveryCounted)),
        16 => {
            let both = [spec[3], spec[3] / 3];
            let listed = both.map(item).into_iter().take(usize::from(spec[10] % 3));
            Draft::new(close(spec, CountScope::Listed(listed.collect())))
        }
        17 => {
            let parts = parts(spec).into_iter().take(usize::from(spec[10] % 3));
            Draft::new(Kind::Bind {
                code: code(spec[8]),
                parts: parts.collect(),
            })
        }
        _ => Draft::new(Kind::Evidence {
            about: name("duplicate_receipt"),
        }),
    };
    draft.source = match draft.kind {
        Kind::Void { .. } => source(spec[7], SourceAction::Void, 0),
        _ => source(spec[7], SourceAction::Record, 0),
    };
    draft
}

fn source(number: u8, action: SourceAction, part: u32) -> Option<SourceKey> {
    let receipts = ["1", "2", "3"];
    let receipt = receipts.get(usize::from(number % 12))?;
    Some(SourceKey {
        source: name::<SourceId>("pos"),
        receipt: name::<ReceiptNo>(receipt),
        action,
        part,
    })
}

fn void(spec: &Spec) -> Draft {
    let of = match source(spec[10] % 5, SourceAction::Record, 0) {
        Some(key) => DocumentRef::Source(key),
        None => DocumentRef::Place(Place {
            node: NodeId::from_bytes([spec[9] % 3; NODE_ID_BYTES]),
            incarnation: Incarnation(0),
            seq: Seq(u64::from(spec[9] % 8) * 2),
        }),
    };
    let reason = name::<Reason>("void");
    lines(Kind::Void { of, reason }, spec)
}

fn lines(kind: Kind, spec: &Spec) -> Draft {
    let mut draft = Draft::new(kind);
    for number in 0..=spec[12] % 3 {
        draft.lines.push(line(spec, number));
    }
    draft
}

fn line(spec: &Spec, number: u8) -> Line {
    let (subject, parts) = match (spec[13].wrapping_add(number)) % 8 {
        0 | 1 => (Subject::Unbound(code(spec[8].wrapping_add(number))), vec![]),
        2 => (Subject::Open, vec![]),
        3 => (Subject::Item(name("bundle")), parts(spec)),
        _ => (Subject::Item(item(spec[3].wrapping_add(number))), vec![]),
    };
    let ways = [
        (Location::SalesFloor, Location::Customer),
        (Location::Customer, Location::SalesFloor),
        (Location::Customer, Location::Inspection),
        (Location::Supplier, Location::Backroom),
        (Location::Backroom, Location::SalesFloor),
        (Location::SalesFloor, Location::Loss),
        (Location::SalesFloor, Location::Transit(name("s2"))),
        (Location::SalesFloor, Location::Customer),
    ];
    let (from, to) = ways[usize::from(spec[4].wrapping_add(number) % 8)].clone();
    let time = i64::from(spec[14].wrapping_add(number * 3) % 32);
    Line {
        subject,
        quantity: Quantity::thousandths(i64::from(spec[5]) * 250 + 250),
        from,
        to,
        effective: Timestamp::from_millis(time * STEP_MS),
        unit_price: None,
        amount: None,
        parts,
        code: None,
        reason: None,
    }
}

fn count(spec: &Spec) -> Kind {
    let counted = (0..=spec[12] % 3).map(|number| CountLine {
        item: item(spec[3].wrapping_add(number * (spec[15] % 2))),
        location: match (spec[4].wrapping_add(number)) % 5 {
            0 => Location::Backroom,
            1 if spec[13] < 40 => Location::Supplier,
            _ => Location::SalesFloor,
        },
        quantity: Quantity::units(i64::from(spec[5].wrapping_add(number) % 12)),
        effective: Timestamp::from_millis(
            i64::from(spec[14].wrapping_add(number * 5) % 32) * STEP_MS,
        ),
    });
    Kind::Count {
        session: session(spec),
        area: name::<AreaId>(["a", "b", "c"][usize::from(spec[9] % 3)]),
        counted: counted.collect(),
    }
}

fn close(spec: &Spec, scope: CountScope) -> Kind {
    Kind::CountClose {
        session: session(spec),
        location: match spec[4] % 4 {
            0 => Location::Backroom,
            _ => Location::SalesFloor,
        },
        scope,
    }
}

fn session(spec: &Spec) -> SessionId {
    name(["s", "t"][usize::from(spec[6] % 2)])
}

fn item(number: u8) -> ItemId {
    name(["mug", "tea", "wine"][usize::from(number % 3)])
}

fn code(number: u8) -> Code {
    name(["04000000000011", "in-store:7"][usize::from(number % 2)])
}

fn parts(spec: &Spec) -> Vec<Part> {
    let part = |number: u8| Part {
        item: item(spec[3].wrapping_add(number)),
        quantity: Quantity::thousandths(i64::from(spec[15] % 5) * 500),
    };
    vec![part(0), part(1), part(0)]
}
