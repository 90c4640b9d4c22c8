//! Strategies for tests: any valid document, as other crates' properties need it too.
//!
//! Names are drawn from small sets as well as from all that is allowed, so that the short forms
//! (numbers of 14 digits, the till as source, receipts that are numbers) and their near misses all
//! appear. Only compiled for tests.

use proptest::option;
use proptest::prelude::*;
use shelf_stock::document::{
    Claim, ClosedLog, CountLine, CountScope, Document, DocumentRef, Draft, GROUP_PARTS_MAX, Group,
    Kind, Line, OrderStep, PaymentState, SourceAction, SourceKey, Subject, Tender, TenderKind,
};
use shelf_stock::identity::{Digest, Incarnation, NodeId, Place, Seq};
use shelf_stock::item::Part;
use shelf_stock::location::Location;
use shelf_stock::money::Money;
use shelf_stock::name::{
    AreaId, Code, GroupId, ItemId, OrderId, Reason, ReceiptNo, SessionId, SourceId, StaffId,
    StoreId, TenderRef, TillId,
};
use shelf_stock::quantity::{LINE_QUANTITY_UNITS_MAX, Quantity};
use shelf_stock::time::{Hlc, Timestamp};

macro_rules! name {
    ($name:ident, $pattern:literal) => {
        $pattern.prop_map(|it| $name::new(it).unwrap_or_else(|error| panic!("{error}")))
    };
}

/// Any valid document.
pub fn document() -> impl Strategy<Value = Document> {
    let stamp = (
        place(),
        any::<[u8; 32]>(),
        any::<u64>(),
        wall(),
        any::<bool>(),
    );
    (stamp, draft()).prop_map(|((place, prev, hlc, wall, in_step), draft)| Document {
        place,
        prev: Digest::from_bytes(prev),
        hlc: if in_step {
            Hlc::at(wall)
        } else {
            Hlc::from_bits(hlc)
        },
        wall,
        draft,
    })
}

/// Any valid draft.
pub fn draft() -> impl Strategy<Value = Draft> {
    let head = (
        kind(),
        option::of(name!(StaffId, "[0-9]{1,4}")),
        option::of(till()),
        option::of(source()),
        option::of(group()),
    );
    let lines = prop::collection::vec(line(), 0..4);
    let tenders = prop::collection::vec(tender(), 0..3);
    let pays_exactly = any::<bool>();
    (head, lines, tenders, pays_exactly).prop_map(|(head, lines, mut tenders, exactly)| {
        let (kind, staff, till, source, group) = head;
        if let (true, Some(tender)) = (exactly, tenders.first_mut()) {
            tender.amount = lines.iter().filter_map(|it| it.amount).sum();
        }
        Draft {
            kind,
            staff,
            till,
            source,
            group,
            lines,
            tenders,
        }
    })
}

/// A place with a number above 0.
pub fn place() -> impl Strategy<Value = Place> {
    (
        any::<[u8; 16]>(),
        any::<u64>(),
        prop_oneof![1..300_u64, 1..u64::MAX],
    )
        .prop_map(|(node, incarnation, seq)| Place {
            node: NodeId::from_bytes(node),
            incarnation: Incarnation(incarnation),
            seq: Seq(seq),
        })
}

fn wall() -> impl Strategy<Value = Timestamp> {
    prop_oneof![1_700_000_000_000..1_900_000_000_000_i64, any::<i64>()]
        .prop_map(Timestamp::from_millis)
}

fn till() -> impl Strategy<Value = TillId> {
    name!(TillId, "till-[1-3]")
}

fn item() -> impl Strategy<Value = ItemId> {
    name!(ItemId, "[0-9]{14}|0{14}|[0-9]{13}|[a-zé ]{1,20}")
}

fn code() -> impl Strategy<Value = Code> {
    name!(Code, "[0-9]{14}|in-store:[0-9]{1,20}|[!-~]{1,80}")
}

fn money() -> impl Strategy<Value = Money> {
    prop_oneof![-5_000..5_000_i64, any::<i64>()].prop_map(Money::minor)
}

fn quantity() -> impl Strategy<Value = Quantity> {
    let units = (1..LINE_QUANTITY_UNITS_MAX).prop_map(Quantity::units);
    let measured = (1..LINE_QUANTITY_UNITS_MAX * 1000).prop_map(Quantity::thousandths);
    prop_oneof![Just(Quantity::ONE), units, measured]
}

fn location() -> impl Strategy<Value = Location> {
    prop_oneof![
        Just(Location::SalesFloor),
        Just(Location::Backroom),
        Just(Location::Staging),
        Just(Location::Inspection),
        Just(Location::Damaged),
        Just(Location::Supplier),
        Just(Location::Customer),
        Just(Location::Loss),
        name!(StoreId, "[a-z]{1,10}").prop_map(Location::Transit),
    ]
}

fn part() -> impl Strategy<Value = Part> {
    (item(), quantity()).prop_map(|(item, quantity)| Part { item, quantity })
}

fn line() -> impl Strategy<Value = Line> {
    let subject = prop_oneof![
        item().prop_map(Subject::Item),
        code().prop_map(Subject::Unbound),
        Just(Subject::Open),
    ];
    let goods = (subject, quantity(), location(), location(), wall());
    let price = (option::of(money()), option::of(money()), any::<bool>());
    let rest = (
        prop::collection::vec(part(), 0..3),
        option::of(code()),
        any::<bool>(),
        option::of(name!(Reason, "[a-z_]{1,20}")),
    );
    (goods, price, rest).prop_map(|(goods, price, (parts, code, code_is_subject, reason))| {
        let (subject, quantity, from, to, effective) = goods;
        let (unit_price, amount, usual) = price;
        let own = match &subject {
            Subject::Item(item) => Code::new(item.as_str()).ok(),
            Subject::Unbound(code) => Some(code.clone()),
            Subject::Open => None,
        };
        Line {
            quantity,
            to: if to == from { other(&from) } else { to },
            from,
            effective,
            unit_price,
            amount: match unit_price {
                Some(price) if usual => Some(price.times(quantity)),
                _ => amount,
            },
            parts,
            code: if code_is_subject { own } else { code },
            subject,
            reason,
        }
    })
}

fn other(location: &Location) -> Location {
    match location {
        Location::Customer => Location::SalesFloor,
        _ => Location::Customer,
    }
}

fn tender() -> impl Strategy<Value = Tender> {
    let kind = prop_oneof![
        Just(TenderKind::Cash),
        Just(TenderKind::Card),
        Just(TenderKind::Other)
    ];
    (
        kind,
        money(),
        option::of(name!(TenderRef, "[A-Z0-9/]{1,20}")),
        prop_oneof![
            3 => Just(PaymentState::Captured),
            1 => Just(PaymentState::Authorised),
            1 => Just(PaymentState::Refunded),
            1 => Just(PaymentState::Unknown),
        ],
    )
        .prop_map(|(kind, amount, reference, state)| Tender {
            kind,
            amount,
            reference,
            state,
        })
}

fn source() -> impl Strategy<Value = SourceKey> {
    let action = prop_oneof![Just(SourceAction::Record), Just(SourceAction::Void)];
    let receipt = name!(ReceiptNo, "[0-9]{1,22}|[A-Z]{2}-[0-9]{1,6}");
    (
        name!(SourceId, "till-[1-3]|pos"),
        receipt,
        action,
        any::<u32>(),
    )
        .prop_map(|(source, receipt, action, part)| SourceKey {
            source,
            receipt,
            action,
            part,
        })
}

fn group() -> impl Strategy<Value = Group> {
    let parts = (1..=GROUP_PARTS_MAX).prop_flat_map(|of| (0..of, Just(of)));
    (name!(GroupId, "[a-z0-9-]{1,36}"), parts).prop_map(|(id, (index, of))| Group { id, index, of })
}

/// Where goods can be counted.
fn countable() -> impl Strategy<Value = Location> {
    location().prop_filter("uncountable", Location::is_countable)
}

fn kind() -> impl Strategy<Value = Kind> {
    let reason = || name!(Reason, "[a-z_]{1,20}");
    let session = || name!(SessionId, "[a-z0-9-]{1,20}");
    let of = prop_oneof![
        place().prop_map(DocumentRef::Place),
        source().prop_map(DocumentRef::Source)
    ];
    let scope = prop_oneof![
        Just(CountScope::EveryCounted),
        prop::collection::vec(item(), 0..4).prop_map(CountScope::Listed),
    ];
    let counted = prop::collection::vec(counted(), 0..4);
    let count = (session(), name!(AreaId, "[A-Z][0-9]"), counted);
    let bind = (code(), prop::collection::vec(part(), 0..3));
    prop_oneof![
        4 => Just(Kind::Sale),
        1 => Just(Kind::GoodsReceipt),
        1 => Just(Kind::Transfer),
        1 => (of, reason()).prop_map(|(of, reason)| Kind::Void { of, reason }),
        1 => reason().prop_map(|reason| Kind::Adjustment { reason }),
        1 => count.prop_map(|(session, area, counted)| Kind::Count { session, area, counted }),
        1 => (session(), countable(), scope).prop_map(|(session, location, scope)| {
            Kind::CountClose { session, location, scope }
        }),
        1 => bind.prop_map(|(code, parts)| Kind::Bind { code, parts }),
        1 => opening(),
        1 => reason().prop_map(|about| Kind::Evidence { about }),
        2 => (name!(OrderId, "[A-Z0-9-]{1,20}"), step()).prop_map(|(order, step)| {
            Kind::Order { order, step }
        }),
    ]
}

/// What it carries is drawn from few documents: an opening inside of one can't be.
fn opening() -> impl Strategy<Value = Kind> {
    let closed = (
        any::<u64>(),
        0_u64..1 << 50,
        1_u64..1 << 40,
        any::<[u8; 32]>(),
    );
    let closed = closed.prop_map(|(incarnation, after, count, digest)| ClosedLog {
        incarnation: Incarnation(incarnation),
        after: Seq(after),
        upto: Seq(after + count),
        digest: Digest::from_bytes(digest),
    });
    let claim = (source(), 0_u64..3, any::<u64>());
    let claim = claim.prop_map(|(source, incarnation, seq)| Claim {
        source,
        incarnation: Incarnation(incarnation),
        seq: Seq(seq),
    });
    let session = name!(SessionId, "[a-z]{1,9}");
    let counted = prop::collection::vec(counted(), 0..3);
    let count = (session, name!(AreaId, "[A-Z][0-9]"), counted);
    let carried = (place(), any::<u64>(), wall(), count);
    let carried = carried.prop_map(|(place, hlc, wall, (session, area, counted))| Document {
        place,
        prev: Digest::ZERO,
        hlc: Hlc::from_bits(hlc),
        wall,
        draft: Draft::new(Kind::Count {
            session,
            area,
            counted,
        }),
    });
    (
        prop::collection::vec(closed, 0..3),
        prop::collection::vec(claim, 0..5),
        prop::collection::vec(carried, 0..3),
    )
        .prop_map(|(closed, claims, carried)| Kind::Opening {
            closed,
            claims,
            carried,
        })
}

fn step() -> impl Strategy<Value = OrderStep> {
    let missing = prop::collection::vec(part(), 0..3);
    prop_oneof![
        Just(OrderStep::Pick),
        Just(OrderStep::PutBack),
        Just(OrderStep::HandOver),
        missing.prop_map(|missing| OrderStep::Short { missing }),
    ]
}

fn counted() -> impl Strategy<Value = CountLine> {
    let quantity = prop_oneof![Just(Quantity::ZERO), quantity()];
    (item(), countable(), quantity, wall()).prop_map(|(item, location, quantity, effective)| {
        CountLine {
            item,
            location,
            quantity,
            effective,
        }
    })
}
