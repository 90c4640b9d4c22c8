//! Sales of a shop for benches: one to three lines each, few items that sell often.

use shelf_stock::document::{Document, Draft, Kind, Line, SourceAction, SourceKey, Subject};
use shelf_stock::identity::{Digest, Incarnation, Place, Seq};
use shelf_stock::location::Location;
use shelf_stock::quantity::Quantity;
use shelf_stock::time::{Hlc, Timestamp};
use shelf_wire::key::NodeKey;
use shelf_wire::sealed::Authored;

const ITEMS: u64 = 5_000;
/// When the first sale is.
pub const WALL_MS: i64 = 1_790_000_000_000;
/// The log that the sales are of.
pub const INCARNATION: Incarnation = Incarnation(1 << 32);

/// A log of so many sales.
pub fn sales(key: &NodeKey, count: u64) -> Vec<Authored> {
    let (mut random, mut prev) = (42, Digest::ZERO);
    let mut sold = Vec::new();
    for seq in 1..=count {
        let document = sale(seq, prev, key, &mut random);
        prev = document.digest();
        sold.push(document);
    }
    sold
}

/// How many movements they make.
pub fn movements(sold: &[Authored]) -> usize {
    sold.iter().map(|it| it.document().draft.lines.len()).sum()
}

fn sale(seq: u64, prev: Digest, key: &NodeKey, random: &mut u64) -> Authored {
    let mut next = |below: u64| {
        *random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (*random >> 33) % below
    };
    let wall = Timestamp::from_millis(WALL_MS + seq as i64 * 7_001);
    let mut draft = Draft::new(Kind::Sale);
    draft.source = Some(SourceKey {
        source: "till-1".parse().unwrap(),
        receipt: format!("{seq}").parse().unwrap(),
        action: SourceAction::Record,
        part: 0,
    });
    for _ in 0..=next(3) {
        // Few items sell often, as in shops.
        let item = next(ITEMS) * next(ITEMS) / ITEMS;
        draft.lines.push(Line {
            subject: Subject::Item(format!("{:014}", 40_000_000_000 + item).parse().unwrap()),
            quantity: Quantity::ONE,
            from: Location::SalesFloor,
            to: Location::Customer,
            effective: wall,
            unit_price: None,
            amount: None,
            parts: Vec::new(),
            code: None,
            reason: None,
        });
    }
    let place = Place {
        node: key.node_id(),
        incarnation: INCARNATION,
        seq: Seq(seq),
    };
    Authored::write(Document {
        place,
        prev,
        hlc: Hlc::at(wall),
        wall,
        draft,
    })
    .unwrap()
}
