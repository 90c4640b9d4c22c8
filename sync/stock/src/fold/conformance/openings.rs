//! Openings of everything that an author wrote: cut as simply as can be, for tests.

use std::collections::BTreeMap;

use super::draw::name;
use crate::document::{Claim, ClosedLog, Document, Draft, Group, Kind, Line};
use crate::fold::FoldStore;
use crate::fold::memory::MemoryFold;
use crate::fold::opening::{Gathered, gather};
use crate::identity::{Digest, Incarnation, NodeId, Place, Seq};
use crate::time::{Hlc, Timestamp};

/// Openings are written in later incarnations than everything drawn.
const OPENINGS: u64 = 99;

/// The authors of what is drawn.
pub fn nodes() -> impl Iterator<Item = NodeId> {
    (0..3).map(|it| NodeId::from_bytes([it; 16]))
}

/// The documents of an opening by an author for everything that it wrote before; two parts.
pub fn of(fold: &MemoryFold, node: NodeId, number: u64) -> Vec<Document> {
    let own: Vec<&Document> = fold
        .documents()
        .filter(|it| it.place.node == node)
        .collect();
    let mut closed = BTreeMap::<Incarnation, ClosedLog>::new();
    // What older openings closed is said again: they are summed up themselves.
    let ends = fold.closed_ends().map(|(place, _)| place);
    let ends = ends.filter(|it| it.node == node);
    for place in ends.chain(own.iter().map(|it| it.place)) {
        let log = closed.entry(place.incarnation).or_insert(ClosedLog {
            incarnation: place.incarnation,
            after: Seq(0),
            upto: Seq(0),
            digest: Digest::from_bytes([7; 32]),
        });
        log.upto = log.upto.max(place.seq);
    }
    if own.is_empty() {
        return Vec::new();
    }
    let gathered = gather(fold, &own, |_| true).expect("the model gathers");
    parts(
        gathered,
        closed.into_values().collect(),
        fold,
        (node, number),
    )
}

fn parts(
    gathered: Gathered,
    closed: Vec<ClosedLog>,
    fold: &MemoryFold,
    (node, number): (NodeId, u64),
) -> Vec<Document> {
    let carried = gathered
        .carried
        .iter()
        .map(|it| fold.document(*it).expect("the model gathers"));
    let carried: Vec<Document> = carried.collect();
    let part = |index: u32, (lines, claims, closed, carried)| {
        let (lines, claims): (Vec<Line>, Vec<Claim>) = (lines, claims);
        let mut draft = Draft::new(Kind::Opening {
            closed,
            claims,
            carried,
        });
        draft.lines = lines;
        draft.group = Some(Group {
            id: name(&format!("opening-{number}")),
            index,
            of: 2,
        });
        Document {
            place: Place {
                node,
                incarnation: Incarnation(OPENINGS + number),
                seq: Seq(u64::from(index) + 1),
            },
            prev: Digest::ZERO,
            hlc: Hlc::from_bits(1000 + number),
            wall: Timestamp::from_millis(1 << 40),
            draft,
        }
    };
    let half = gathered.lines.len() / 2;
    let (some, more) = gathered.lines.split_at(half);
    let parts = vec![
        part(0, (some.to_vec(), Vec::new(), closed, Vec::new())),
        part(1, (more.to_vec(), gathered.claims, Vec::new(), carried)),
    ];
    parts
}
