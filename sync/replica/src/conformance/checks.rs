//! The checks, one function each, named by what they prove.

use shelf_stock::document::{Draft, Kind, OrderStep};
use shelf_stock::identity::{Digest, Place, Seq};
use shelf_stock::name::{ChannelId, ItemId, OrderId};
use shelf_stock::quantity::Quantity;
use shelf_stock::time::Timestamp;
use shelf_wire::sealed::Authored;

use super::{Author, Subject};
use crate::store::{
    Family, Inserted, LogId, ParkReason, Parked, Peer, PeerCursor, Quota, ReadLimits,
    STATE_BYTES_MAX, SeqRange, Store,
};

type Check<S> = (&'static str, fn(&mut S));

pub(super) const ALL: ReadLimits = ReadLimits {
    documents_max: 1000,
    bytes_max: 1 << 20,
};

pub(super) fn all<S: Subject>() -> Vec<Check<S>> {
    vec![
        ("a_log_grows_and_is_read_back", a_log_grows_and_is_read_back),
        ("gaps_are_kept_and_close", gaps_are_kept_and_close),
        ("a_duplicate_changes_nothing", a_duplicate_changes_nothing),
        (
            "a_fork_is_reported_and_parked_beside_the_log",
            a_fork_is_parked,
        ),
        (
            "an_unreadable_document_stands_in_the_log",
            an_unreadable_document_stands_in_the_log,
        ),
        ("reading_keeps_its_limits", reading_keeps_its_limits),
        ("signed_heads_come_in_order", signed_heads_come_in_order),
        (
            "cursors_are_kept_per_peer_and_log",
            cursors_are_kept_per_peer_and_log,
        ),
        ("state_is_replaced", state_is_replaced),
        ("a_rollback_leaves_nothing", a_rollback_leaves_nothing),
        ("numbers_above_i64_are_numbers", large_incarnations),
        ("keyed_rows_are_replaced_listed_and_removed", keyed_rows),
        ("a_quota_is_never_taken_beyond_its_limit", quotas),
        ("stock_is_what_was_folded", stock),
        ("facts_about_an_order_come_by_place", order_facts),
        (
            "a_closed_log_begins_behind_its_opening",
            super::closing::closed,
        ),
        (
            "an_opening_stands_for_what_never_came",
            super::closing::lacking,
        ),
        (
            "an_opening_that_is_rolled_back_closes_nothing",
            super::closing::rolled_back,
        ),
    ]
}

pub(super) fn wall() -> Timestamp {
    Timestamp::from_millis(1_790_000_000_000)
}

pub(super) fn sales(author: &mut Author, count: usize) -> Vec<Authored> {
    (0..count).map(|_| author.sell("mug", wall())).collect()
}

pub(super) fn run<S: Subject, T>(
    subject: &mut S,
    mut body: impl FnMut(&mut dyn Store<Error = S::Error>) -> T,
) -> T {
    let mut out = None;
    subject.transaction(true, &mut |store| out = Some(body(store)));
    out.unwrap_or_else(|| panic!("the subject did not run the transaction"))
}

fn a_log_grows_and_is_read_back<S: Subject>(subject: &mut S) {
    let mut author = Author::new(1, 7);
    let log = author.log();
    let sold = sales(&mut author, 3);
    assert_eq!(run(subject, |it| it.log(log).unwrap()), None);
    for document in &sold {
        assert_eq!(
            run(subject, |it| it.insert(document).unwrap()),
            Inserted::New
        );
    }
    let state = run(subject, |it| it.log(log).unwrap()).unwrap();
    assert_eq!((state.log, state.upto, state.last), (log, Seq(3), Seq(3)));
    assert_eq!(state.digest, sold[2].digest());
    assert_eq!(run(subject, |it| it.logs().unwrap()), [state]);
    let read = run(subject, |it| it.read(log, Seq(1), ALL).unwrap());
    assert_eq!(read, [sold[1].sealed().clone(), sold[2].sealed().clone()]);
    assert_eq!(run(subject, |it| it.read(log, Seq(3), ALL).unwrap()), []);
    let digest = run(subject, |it| it.digest_at(sold[1].place()).unwrap());
    assert_eq!(digest, Some(sold[1].digest()));
    let beyond = Place {
        seq: Seq(4),
        ..sold[2].place()
    };
    assert_eq!(run(subject, |it| it.digest_at(beyond).unwrap()), None);
}

fn gaps_are_kept_and_close<S: Subject>(subject: &mut S) {
    let mut author = Author::new(1, 7);
    let log = author.log();
    let sold = sales(&mut author, 9);
    for number in [3, 4, 6, 9] {
        run(subject, |it| it.insert(&sold[number - 1]).unwrap());
    }
    let state = run(subject, |it| it.log(log).unwrap()).unwrap();
    assert_eq!((state.upto, state.last), (Seq(0), Seq(9)));
    assert_eq!(state.digest, Digest::ZERO);
    let range = |first, last| SeqRange {
        first: Seq(first),
        last: Seq(last),
    };
    let beyond = |subject: &mut S, upto, max| run(subject, |it| it.beyond(log, upto, max).unwrap());
    assert_eq!(
        beyond(subject, Seq(0), 8),
        [range(3, 4), range(6, 6), range(9, 9)]
    );
    assert_eq!(beyond(subject, Seq(0), 2), [range(3, 4), range(6, 6)]);
    assert_eq!(
        run(subject, |it| it.read(log, Seq(2), ALL).unwrap()).len(),
        2
    );
    assert_eq!(run(subject, |it| it.read(log, Seq(0), ALL).unwrap()), []);
    for number in [1, 2, 5] {
        run(subject, |it| it.insert(&sold[number - 1]).unwrap());
    }
    let state = run(subject, |it| it.log(log).unwrap()).unwrap();
    assert_eq!((state.upto, state.digest), (Seq(6), sold[5].digest()));
    assert_eq!(beyond(subject, Seq(6), 8), [range(9, 9)]);
}

fn a_duplicate_changes_nothing<S: Subject>(subject: &mut S) {
    let mut author = Author::new(1, 7);
    let sold = author.sell("mug", wall());
    run(subject, |it| it.insert(&sold).unwrap());
    let before = run(subject, |it| it.logs().unwrap());
    assert_eq!(
        run(subject, |it| it.insert(&sold).unwrap()),
        Inserted::Duplicate
    );
    let unread = run(subject, |it| it.insert_unread(sold.sealed()).unwrap());
    assert_eq!(unread, Inserted::Duplicate);
    assert_eq!(run(subject, |it| it.logs().unwrap()), before);
    assert_eq!(run(subject, |it| it.parked(9).unwrap()), []);
}

fn a_fork_is_parked<S: Subject>(subject: &mut S) {
    let mut author = Author::new(1, 7);
    let mut twin = author.clone();
    let (sold, forked) = (author.sell("mug", wall()), twin.sell("tea", wall()));
    run(subject, |it| it.insert(&sold).unwrap());
    let held = sold.digest();
    let fork = run(subject, |it| it.insert(&forked).unwrap());
    assert_eq!(fork, Inserted::Fork { held });
    for _ in 0..2 {
        run(subject, |it| {
            it.park(forked.sealed(), ParkReason::Fork).unwrap();
        });
    }
    let parked = Parked {
        sealed: forked.sealed().clone(),
        reason: ParkReason::Fork,
    };
    assert_eq!(run(subject, |it| it.parked(9).unwrap()), [parked]);
    let read = run(subject, |it| it.read(author.log(), Seq(0), ALL).unwrap());
    assert_eq!(read, [sold.sealed().clone()]);
}

fn an_unreadable_document_stands_in_the_log<S: Subject>(subject: &mut S) {
    let mut author = Author::new(1, 7);
    let (sold, strange) = (author.sell("mug", wall()), author.write_unreadable());
    run(subject, |it| it.insert(&sold).unwrap());
    let inserted = run(subject, |it| it.insert_unread(&strange).unwrap());
    assert_eq!(inserted, Inserted::New);
    let state = run(subject, |it| it.log(author.log()).unwrap()).unwrap();
    assert_eq!((state.upto, state.digest), (Seq(2), strange.digest()));
    let read = run(subject, |it| it.read(author.log(), Seq(1), ALL).unwrap());
    assert_eq!(read, std::slice::from_ref(&strange));
    let parked = Parked {
        sealed: strange,
        reason: ParkReason::Unreadable,
    };
    assert_eq!(run(subject, |it| it.parked(9).unwrap()), [parked]);
    assert_eq!(run(subject, |it| it.parked(0).unwrap()), []);
}

fn reading_keeps_its_limits<S: Subject>(subject: &mut S) {
    let mut author = Author::new(1, 7);
    let sold = sales(&mut author, 5);
    for document in &sold {
        run(subject, |it| it.insert(document).unwrap());
    }
    let two = sold[0].bytes().len() + sold[1].bytes().len();
    let read = |subject: &mut S, documents_max, bytes_max| {
        let limits = ReadLimits {
            documents_max,
            bytes_max,
        };
        run(subject, |it| it.read(author.log(), Seq(0), limits).unwrap()).len()
    };
    assert_eq!(read(subject, 3, 1 << 20), 3);
    assert_eq!(read(subject, 9, two), 2);
    assert_eq!(
        read(subject, 9, 1),
        1,
        "one document is read whatever its size"
    );
}

fn signed_heads_come_in_order<S: Subject>(subject: &mut S) {
    let mut author = Author::new(1, 7);
    let sold = sales(&mut author, 4);
    let heads: Vec<_> = sold
        .iter()
        .map(|it| author.key().sign_head(&it.sealed().head()))
        .collect();
    for number in [3, 0, 3, 1] {
        run(subject, |it| it.put_signed_head(&heads[number]).unwrap());
    }
    let log = author.log();
    let read =
        |subject: &mut S, after, max| run(subject, |it| it.signed_heads(log, after, max).unwrap());
    assert_eq!(
        read(subject, Seq(0), 9),
        [heads[0].clone(), heads[1].clone(), heads[3].clone()]
    );
    assert_eq!(read(subject, Seq(1), 1), [heads[1].clone()]);
    assert_eq!(read(subject, Seq(4), 9), []);
}

fn cursors_are_kept_per_peer_and_log<S: Subject>(subject: &mut S) {
    let (one, two) = (Author::new(1, 7).log(), Author::new(2, 1).log());
    let node = Peer::Node(two.node);
    run(subject, |it| it.set_cursor(Peer::Hub, one, Seq(5)).unwrap());
    run(subject, |it| it.set_cursor(node, one, Seq(9)).unwrap());
    run(subject, |it| it.set_cursor(node, one, Seq(3)).unwrap());
    let cursor = |subject: &mut S, peer, log| run(subject, |it| it.cursor(peer, log).unwrap());
    assert_eq!(cursor(subject, Peer::Hub, one), Seq(5));
    assert_eq!(cursor(subject, Peer::Hub, two), Seq(0));
    assert_eq!(cursor(subject, node, one), Seq(3), "a cursor can go back");
    let all = run(subject, |it| it.cursors(node).unwrap());
    let expected = PeerCursor {
        log: one,
        upto: Seq(3),
    };
    assert_eq!(all, [expected]);
}

fn state_is_replaced<S: Subject>(subject: &mut S) {
    assert_eq!(run(subject, |it| it.state("token").unwrap()), None);
    run(subject, |it| it.set_state("token", b"one").unwrap());
    run(subject, |it| {
        it.set_state("token", &[0xFF; STATE_BYTES_MAX]).unwrap();
    });
    run(subject, |it| it.set_state("epoch", b"").unwrap());
    let token = run(subject, |it| it.state("token").unwrap());
    assert_eq!(token, Some(vec![0xFF; STATE_BYTES_MAX]));
    assert_eq!(run(subject, |it| it.state("epoch").unwrap()), Some(vec![]));
}

fn a_rollback_leaves_nothing<S: Subject>(subject: &mut S) {
    let mut author = Author::new(1, 7);
    let (sold, strange) = (author.sell("mug", wall()), author.write_unreadable());
    let head = author.key().sign_head(&sold.sealed().head());
    subject.transaction(false, &mut |store| {
        store.insert(&sold).unwrap();
        store.insert_unread(&strange).unwrap();
        store.put_signed_head(&head).unwrap();
        store.set_cursor(Peer::Hub, author.log(), Seq(1)).unwrap();
        store.set_state("token", b"one").unwrap();
        assert_eq!(
            store.log(author.log()).unwrap().map(|it| it.upto),
            Some(Seq(2))
        );
    });
    assert_eq!(run(subject, |it| it.logs().unwrap()), []);
    assert_eq!(run(subject, |it| it.parked(9).unwrap()), []);
    assert_eq!(
        run(subject, |it| it
            .signed_heads(author.log(), Seq(0), 9)
            .unwrap()),
        []
    );
    assert_eq!(run(subject, |it| it.cursors(Peer::Hub).unwrap()), []);
    assert_eq!(run(subject, |it| it.state("token").unwrap()), None);
    assert_eq!(run(subject, |it| it.insert(&sold).unwrap()), Inserted::New);
}

fn large_incarnations<S: Subject>(subject: &mut S) {
    let mut small = Author::new(1, 1);
    let mut large = Author::new(1, u64::MAX);
    for author in [&mut small, &mut large] {
        let sold = author.sell("mug", wall());
        run(subject, |it| it.insert(&sold).unwrap());
    }
    let logs = run(subject, |it| it.logs().unwrap());
    let ids: Vec<LogId> = logs.iter().map(|it| it.log).collect();
    assert_eq!(
        ids,
        [small.log(), large.log()],
        "ordered as unsigned numbers"
    );
    run(subject, |it| {
        it.set_cursor(Peer::Hub, large.log(), Seq(1)).unwrap();
    });
    assert_eq!(
        run(subject, |it| it.cursor(Peer::Hub, large.log()).unwrap()),
        Seq(1)
    );
}

pub(super) fn item(name: &str) -> ItemId {
    ItemId::new(name).unwrap()
}

fn keyed_rows<S: Subject>(subject: &mut S) {
    let all = |subject: &mut S, after: &[u8], max| {
        run(subject, |it| it.rows(Family::Order, after, max).unwrap())
    };
    for (key, value) in [(b"b", b"1"), (b"a", b"2"), (b"c", b"3"), (b"b", b"4")] {
        run(subject, |it| it.set_row(Family::Order, key, value).unwrap());
    }
    run(subject, |it| {
        it.set_row(Family::Rights, b"a", b"5").unwrap();
    });
    let row = |key: &[u8], value: &[u8]| (key.to_vec(), value.to_vec());
    let rows = [row(b"a", b"2"), row(b"b", b"4"), row(b"c", b"3")];
    assert_eq!(all(subject, &[], 9), rows);
    assert_eq!(all(subject, &[], 2), rows[..2]);
    assert_eq!(all(subject, b"a", 9), rows[1..]);
    let one = |subject: &mut S, key: &[u8]| run(subject, |it| it.row(Family::Rights, key).unwrap());
    assert_eq!(one(subject, b"a"), Some(b"5".to_vec()));
    assert_eq!(one(subject, b"b"), None);
    run(subject, |it| it.delete_row(Family::Order, b"b").unwrap());
    run(subject, |it| {
        it.delete_row(Family::Order, b"nothing").unwrap();
    });
    assert_eq!(all(subject, b"a", 9), rows[2..]);
}

fn quotas<S: Subject>(subject: &mut S) {
    let (web, market) = (
        ChannelId::new("web").unwrap(),
        ChannelId::new("market").unwrap(),
    );
    let tea = item("tea");
    let of = |limit, used, held| Quota {
        limit: Quantity::units(limit),
        used: Quantity::units(used),
        held: Quantity::units(held),
    };
    assert_eq!(
        run(subject, |it| it.quota(&tea, &web).unwrap()),
        of(0, 0, 0)
    );
    let take = |subject: &mut S, units| {
        run(subject, |it| {
            it.quota_take(&tea, &web, Quantity::units(units)).unwrap()
        })
    };
    assert!(!take(subject, 1));
    run(subject, |it| it.set_quota(&tea, &web, of(3, 0, 0)).unwrap());
    run(subject, |it| {
        it.set_quota(&tea, &market, of(2, 1, 1)).unwrap();
    });
    assert_eq!(
        [take(subject, 2), take(subject, 2), take(subject, 1)],
        [true, false, true]
    );
    assert_eq!(
        run(subject, |it| it.quota(&tea, &web).unwrap()),
        of(3, 3, 0)
    );
    let all = run(subject, |it| it.quotas(&tea).unwrap());
    assert_eq!(all, [(market, of(2, 1, 1)), (web, of(3, 3, 0))]);
    assert_eq!(run(subject, |it| it.quotas(&item("other")).unwrap()), []);
}

fn stock<S: Subject>(subject: &mut S) {
    let mut author = Author::new(1, 7);
    for name in ["mug", "cup", "mug"] {
        let sold = author.sell(name, wall());
        run(subject, |it| it.insert(&sold).unwrap());
    }
    let book = |subject: &mut S, name| run(subject, |it| it.book(&item(name)).unwrap());
    assert_eq!(book(subject, "mug"), Quantity::units(-2));
    assert_eq!(book(subject, "tea"), Quantity::ZERO);
    let items = |subject: &mut S, after: Option<&ItemId>, max| {
        run(subject, |it| it.items(after, max).unwrap())
    };
    assert_eq!(items(subject, None, 9), [item("cup"), item("mug")]);
    assert_eq!(items(subject, None, 1), [item("cup")]);
    assert_eq!(items(subject, Some(&item("cup")), 9), [item("mug")]);
    assert_eq!(items(subject, Some(&item("mug")), 9), []);
}

fn order_facts<S: Subject>(subject: &mut S) {
    let mut author = Author::new(1, 7);
    let order = OrderId::new("W-1").unwrap();
    let step = |step| {
        Draft::new(Kind::Order {
            order: order.clone(),
            step,
        })
    };
    let missing = Vec::new();
    let facts = [
        author.write(step(OrderStep::Short { missing }), wall()),
        author.write(step(OrderStep::HandOver), wall()),
    ];
    for fact in facts.iter().rev() {
        run(subject, |it| it.insert(fact).unwrap());
    }
    let stored = run(subject, |it| it.order_facts(&order).unwrap());
    let written: Vec<_> = facts.iter().map(|it| it.document().clone()).collect();
    assert_eq!(stored, written);
    let other = OrderId::new("W-2").unwrap();
    assert_eq!(run(subject, |it| it.order_facts(&other).unwrap()), []);
}
