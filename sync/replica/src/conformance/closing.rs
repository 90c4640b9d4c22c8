//! Checks of logs that openings close.

use shelf_stock::document::{ClosedLog, Document, Draft, Kind};
use shelf_stock::identity::{Place, Seq};
use shelf_stock::quantity::Quantity;
use shelf_wire::sealed::Authored;

use super::checks::{ALL, item, run, sales, wall};
use super::{Author, Subject};
use crate::store::Inserted;

/// Ten sales and an opening for the first six, which carries the second.
fn written(author: &mut Author) -> (Vec<Authored>, Authored) {
    let sales = sales(author, 10);
    let carried: Vec<Document> = vec![sales[1].document().clone()];
    let mut draft = Draft::new(Kind::Opening {
        closed: vec![ClosedLog {
            incarnation: author.log().incarnation,
            after: Seq(0),
            upto: Seq(6),
            digest: sales[5].digest(),
        }],
        claims: Vec::new(),
        carried,
    });
    let mut line = sales[0].document().draft.lines[0].clone();
    line.quantity = Quantity::units(5);
    draft.lines.push(line);
    let opening = author.write(draft, wall());
    (sales, opening)
}

fn insert_all<S: Subject>(subject: &mut S, documents: &[Authored]) {
    for document in documents {
        run(subject, |it| it.insert(document).unwrap());
    }
}

/// What a shop looks like that has the opening and everything after what it closes.
fn ends_well<S: Subject>(subject: &mut S, author: &Author, sales: &[Authored]) {
    let log = author.log();
    let at = |seq| Place {
        node: log.node,
        incarnation: log.incarnation,
        seq: Seq(seq),
    };
    let state = run(subject, |it| it.log(log).unwrap()).unwrap();
    assert_eq!((state.upto, state.last), (Seq(11), Seq(11)));
    let read = run(subject, |it| it.read(log, Seq(0), ALL).unwrap());
    assert_eq!(read.first().map(|it| it.place().seq), Some(Seq(7)));
    assert_eq!(read.len(), 5);
    let digest = |subject: &mut S, seq| run(subject, |it| it.digest_at(at(seq)).unwrap());
    assert_eq!(digest(subject, 6), Some(sales[5].digest()));
    assert_eq!(digest(subject, 4), None);
    let beyond = run(subject, |it| it.beyond(log, Seq(11), 9).unwrap());
    assert_eq!(beyond, []);
    for sale in sales {
        let again = run(subject, |it| it.insert(sale).unwrap());
        assert_eq!(again, Inserted::Duplicate);
    }
    let book = run(subject, |it| it.book(&item("mug")).unwrap());
    assert_eq!(book, Quantity::units(-10));
    let logs = run(subject, |it| it.logs().unwrap());
    assert_eq!(logs, [state]);
}

pub(super) fn closed<S: Subject>(subject: &mut S) {
    let mut author = Author::new(1, 7);
    let (sales, opening) = written(&mut author);
    insert_all(subject, &sales);
    for seq in [3, 6, 9] {
        let head = author.key().sign_head(&sales[seq - 1].sealed().head());
        run(subject, |it| it.put_signed_head(&head).unwrap());
    }
    insert_all(subject, &[opening]);
    ends_well(subject, &author, &sales);
    let heads = run(subject, |it| {
        it.signed_heads(author.log(), Seq(0), 9).unwrap()
    });
    assert_eq!(heads.len(), 1);
}

pub(super) fn lacking<S: Subject>(subject: &mut S) {
    let mut author = Author::new(1, 7);
    let (sales, opening) = written(&mut author);
    insert_all(subject, &sales[8..]);
    insert_all(subject, &sales[..1]);
    insert_all(subject, &[opening]);
    let state = run(subject, |it| it.log(author.log()).unwrap()).unwrap();
    assert_eq!((state.upto, state.last), (Seq(6), Seq(11)));
    assert_eq!(state.digest, sales[5].digest());
    insert_all(subject, &sales[6..8]);
    ends_well(subject, &author, &sales);
}

pub(super) fn rolled_back<S: Subject>(subject: &mut S) {
    let mut author = Author::new(1, 7);
    let (sales, opening) = written(&mut author);
    insert_all(subject, &sales);
    subject.transaction(false, &mut |store| {
        store.insert(&opening).unwrap();
    });
    let read = run(subject, |it| it.read(author.log(), Seq(0), ALL).unwrap());
    let stored: Vec<_> = sales.iter().map(|it| it.sealed().clone()).collect();
    assert_eq!(read, stored);
    insert_all(subject, &[opening]);
    ends_well(subject, &author, &sales);
}
