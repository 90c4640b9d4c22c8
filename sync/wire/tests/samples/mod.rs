//! One fixed sample of everything that travels, for golden files, fuzzing and size checks.

#![allow(dead_code, reason = "each test file uses a part")]

use shelf_stock::document::{
    Document, Draft, Kind, Line, PaymentState, Subject, Tender, TenderKind,
};
use shelf_stock::hours::OpeningHours;
use shelf_stock::identity::{Digest, Incarnation, NodeId, Place, Seq};
use shelf_stock::location::Location;
use shelf_stock::money::Money;
use shelf_stock::name::{Code, ItemId, Reason, TillId};
use shelf_stock::quantity::Quantity;
use shelf_stock::time::{Hlc, Timestamp};
use shelf_wire::key::NodeKey;
use shelf_wire::message::{
    Ack, Beat, CfgHint, CfgKind, Hello, HelloAnswer, Holding, LogBatch, LogCursor, LogEnd, Message,
    Nack, NackReason, Presence, PresenceRow, Roster, Stat, Verdict, Will,
};
use shelf_wire::sealed::Authored;

pub(crate) const WALL: Timestamp = Timestamp::from_millis(1_790_000_000_123);
const INCARNATION: Incarnation = Incarnation(0x1234_5678_9ABC_DEF0);

pub(crate) fn key() -> NodeKey {
    NodeKey::from_seed([7; 32])
}

/// One piece scanned by its GTIN at a till, 1.5 s before the document was written.
pub(crate) fn sale() -> Document {
    let gtin = "04006381333931";
    let mut draft = Draft::new(Kind::Sale);
    draft.till = Some(TillId::new("till-1").unwrap());
    draft.lines = vec![Line {
        subject: Subject::Item(ItemId::new(gtin).unwrap()),
        quantity: Quantity::ONE,
        from: Location::SalesFloor,
        to: Location::Customer,
        effective: WALL.plus_millis(-1_500),
        unit_price: Some(Money::minor(249)),
        amount: Some(Money::minor(249)),
        parts: vec![],
        code: Some(Code::new(gtin).unwrap()),
        reason: None,
    }];
    draft.tenders = vec![Tender {
        kind: TenderKind::Card,
        amount: Money::minor(249),
        reference: None,
        state: PaymentState::Captured,
    }];
    document(1_000, Digest::from_bytes([9; 32]), draft)
}

fn adjustment(prev: Digest) -> Document {
    let reason = Reason::new("broken").unwrap();
    let mut draft = Draft::new(Kind::Adjustment { reason });
    draft.lines = vec![Line {
        subject: Subject::Item(ItemId::new("MUG-BLUE").unwrap()),
        quantity: Quantity::thousandths(2_500),
        from: Location::SalesFloor,
        to: Location::Loss,
        effective: WALL,
        unit_price: None,
        amount: None,
        parts: vec![],
        code: None,
        reason: None,
    }];
    document(1_001, prev, draft)
}

fn document(seq: u64, prev: Digest, draft: Draft) -> Document {
    Document {
        place: Place {
            node: key().node_id(),
            incarnation: INCARNATION,
            seq: Seq(seq),
        },
        prev,
        hlc: Hlc::at(WALL),
        wall: WALL,
        draft,
    }
}

/// A live sale as a PC sends it while the hub has everything before it.
pub(crate) fn live_batch() -> LogBatch {
    let sold = Authored::write(sale()).unwrap();
    let head = key().sign_head(&sold.sealed().head());
    LogBatch::of(&[sold.sealed().clone()], &head, false).unwrap()
}

fn relayed_batch() -> LogBatch {
    let sold = Authored::write(sale()).unwrap();
    let adjusted = Authored::write(adjustment(sold.digest())).unwrap();
    let head = key().sign_head(&adjusted.sealed().head());
    let documents = [sold.sealed().clone(), adjusted.sealed().clone()];
    LogBatch::of(&documents, &head, true)
        .unwrap()
        .by(key().node_id())
}

/// A little of a backlog: sales one after the other, and between them what is no sale.
pub(crate) fn backlog_batch() -> LogBatch {
    let mut log: Vec<Authored> = Vec::new();
    for number in 0..40_u64 {
        let prev = log
            .last()
            .map_or(Digest::from_bytes([9; 32]), Authored::digest);
        let mut document = match number {
            4 | 30 => adjustment(prev),
            _ => sale(),
        };
        document.place.seq = Seq(1_000 + number);
        document.prev = prev;
        let wall = WALL.plus_millis(i64::try_from(number * number).unwrap() * 7_000);
        (document.wall, document.hlc) = (wall, Hlc::at(wall));
        log.push(Authored::write(document).unwrap());
    }
    let documents: Vec<_> = log.iter().map(|it| it.sealed().clone()).collect();
    let head = key().sign_head(&documents.last().unwrap().head());
    LogBatch::of(&documents, &head, true).unwrap()
}

fn hello() -> Hello {
    let mut hello = Hello::new(key().public_key(), 42);
    // As the versions of format 1 said it.
    hello.reads = hello.format;
    hello.token = vec![0xAA; 16];
    hello.version = "0.1.0".to_owned();
    hello.open = vec![LogEnd {
        incarnation: INCARNATION,
        seq: Seq(1_001),
        digest: Digest::from_bytes([3; 32]),
    }];
    hello.boot_nonce = 99;
    hello.closed_count = 2;
    hello.closed_sum = 77;
    hello.siblings = vec![Holding {
        node: NodeId::from_bytes([5; 16]),
        documents: 12,
    }];
    hello.signed(&key())
}

/// Every message once, with the name of its golden file.
pub(crate) fn messages() -> Vec<(&'static str, Message)> {
    let mut answer = HelloAnswer::of(42, Verdict::Admitted, WALL);
    answer.token = vec![0xBB; 16];
    answer.epoch = 3;
    answer.format = 1;
    answer.cursors = vec![LogCursor {
        incarnation: INCARNATION,
        upto: Seq(999),
    }];
    answer.roster = vec![key().public_key()];
    let ack = Ack {
        node: None,
        incarnation: INCARNATION,
        upto: Seq(1_001),
        beyond: vec![(Seq(1_005), Seq(1_009))],
    };
    let nack = Nack {
        node: None,
        incarnation: INCARNATION,
        first: Seq(1_000),
        last: Seq(1_001),
        reason: NackReason::Predecessor,
    };
    let stat = Stat {
        unsynced: 3,
        oldest_unsynced: Some(WALL),
        version: "0.1.0".to_owned(),
        wall: WALL,
        boot_nonce: 99,
        stopping: false,
        catalogue_revision: 8,
    };
    let hint = CfgHint {
        kind: CfgKind::Catalogue,
        revision: 9,
        path: "/v1/stores/berlin-1/catalogue/9".to_owned(),
        sha256: Digest::from_bytes([1; 32]),
        bytes: 120_000,
    };
    let keys = vec![key().public_key(), NodeKey::from_seed([8; 32]).public_key()];
    vec![
        ("hello", Message::Hello(Box::new(hello()))),
        ("hello_answer", Message::HelloAnswer(Box::new(answer))),
        ("log_batch_live", Message::LogBatch(live_batch())),
        ("log_batch_relayed", Message::LogBatch(relayed_batch())),
        ("ack", Message::Ack(ack)),
        ("nack", Message::Nack(nack)),
        ("stat", Message::Stat(stat)),
        ("will", Message::Will(Will { boot_nonce: 99 })),
        ("beat", Message::Beat(Beat { wall: WALL })),
        ("cfg_hint", Message::CfgHint(hint)),
        ("roster", Message::Roster(Roster { keys })),
        ("presence_rows", Message::Presence(presence())),
        ("presence_hours", Message::Presence(opening_hours())),
    ]
}

fn presence() -> Presence {
    let row = PresenceRow {
        node: NodeId::from_bytes([5; 16]),
        heard: Some(WALL),
        here: true,
        stopped: false,
        unsynced: 3,
        oldest_unsynced: Some(WALL),
    };
    let stopped = PresenceRow {
        node: NodeId::from_bytes([6; 16]),
        heard: None,
        here: false,
        stopped: true,
        unsynced: 0,
        oldest_unsynced: None,
    };
    Presence {
        rows: vec![row, stopped],
        hours: None,
    }
}

fn opening_hours() -> Presence {
    Presence {
        rows: vec![],
        hours: OpeningHours::new(-300, &[(540, 1_200), (1_980, 2_640)]),
    }
}
