//! What somebody should look at: nothing here changes stock, and nothing is dropped for it.

use std::collections::{BTreeMap, BTreeSet};

use super::settle;
use super::store::{FoldListing, GroupKey, StepsRow};
use crate::document::DocumentRef;
use crate::identity::Place;
use crate::location::Location;
use crate::name::{AreaId, Code, ItemId, SessionId};
use crate::quantity::Quantity;

/// Something that is right as far as the documents go and still needs a person.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exception {
    /// Two documents report the same fact; one counts, the other is evidence.
    Duplicate {
        /// The one that does not count.
        place: Place,
        /// The one that does.
        counted: Place,
    },
    /// Parts of a group are missing; the ones here don't count yet.
    IncompleteGroup {
        /// The group.
        group: GroupKey,
        /// How many different parts are here.
        have: u32,
    },
    /// A void of a sale that nobody has seen.
    OrphanVoid {
        /// The void, which counts.
        place: Place,
        /// What it undoes.
        of: DocumentRef,
    },
    /// A sale was undone more than once; every void counts.
    VoidedAgain {
        /// The sale.
        sale: Place,
        /// The voids, in order.
        voids: Vec<Place>,
    },
    /// A code without binding was sold; its lines move nothing yet.
    UnknownCode {
        /// The code.
        code: Code,
        /// How many lines wait.
        lines: usize,
    },
    /// Goods moved while they were counted: count again.
    AmbiguousCount {
        /// The item.
        item: ItemId,
        /// Where.
        location: Location,
        /// How many movements make it ambiguous.
        movements: u32,
    },
    /// A line of an open session has no effect until the session is closed.
    PendingCount {
        /// The session.
        session: SessionId,
        /// The area.
        area: AreaId,
        /// The item.
        item: ItemId,
        /// Where.
        location: Location,
        /// What was there.
        quantity: Quantity,
    },
}

/// Everything that needs a person, sorted. Scans.
pub fn exceptions<S: FoldListing>(store: &S) -> Result<Vec<Exception>, S::Error> {
    let mut found = Vec::new();
    for row in store.all_duplicates()? {
        if let Some(counted) = store.source_counted(&row.source)? {
            let place = row.place;
            found.push(Exception::Duplicate { place, counted });
        }
    }
    groups(store, &mut found)?;
    voids(store, &mut found)?;
    let mut waiting = BTreeMap::<Code, usize>::new();
    for row in store.all_unbound()? {
        *waiting.entry(row.code).or_default() += 1;
    }
    for (code, lines) in waiting {
        if super::apply::binding(store, &code)?.is_empty() {
            found.push(Exception::UnknownCode { code, lines });
        }
    }
    counts(store, &mut found)?;
    found.sort_unstable();
    Ok(found)
}

fn groups<S: FoldListing>(store: &S, found: &mut Vec<Exception>) -> Result<(), S::Error> {
    let mut groups = BTreeMap::<GroupKey, BTreeSet<u32>>::new();
    for row in store.all_groups()? {
        let indexes = groups.entry(row.key).or_default();
        indexes.insert(row.index);
    }
    for (group, indexes) in groups {
        let have = indexes.range(..group.of).count();
        let have = u32::try_from(have).unwrap_or(u32::MAX);
        if have < group.of {
            found.push(Exception::IncompleteGroup { group, have });
        }
    }
    Ok(())
}

fn voids<S: FoldListing>(store: &S, found: &mut Vec<Exception>) -> Result<(), S::Error> {
    let mut undone = BTreeMap::<Place, Vec<Place>>::new();
    for row in store.all_voids()? {
        let sale = match &row.of {
            DocumentRef::Place(place) => {
                let known = store.is_known(*place)? || super::opening::covers(store, *place)?;
                known.then_some(*place)
            }
            DocumentRef::Source(key) => store.source_counted(key)?,
        };
        match sale {
            Some(sale) => undone.entry(sale).or_default().push(row.place),
            None => found.push(Exception::OrphanVoid {
                place: row.place,
                of: row.of,
            }),
        }
    }
    for (sale, mut voids) in undone {
        voids.sort_unstable();
        if voids.len() > 1 {
            found.push(Exception::VoidedAgain { sale, voids });
        }
    }
    Ok(())
}

fn counts<S: FoldListing>(store: &S, found: &mut Vec<Exception>) -> Result<(), S::Error> {
    for StepsRow {
        item,
        location,
        steps,
    } in store.all_steps()?
    {
        let movements = steps.last().map_or(0, |it| it.ambiguous_movements);
        if movements > 0 {
            found.push(Exception::AmbiguousCount {
                item,
                location,
                movements,
            });
        }
    }
    let rows = store.all_counts()?;
    let counted: BTreeSet<_> = rows.into_iter().map(|it| (it.item, it.location)).collect();
    for (item, location) in counted {
        for ((session, area), line) in settle::count_state(store, &item, &location)?.pending {
            found.push(Exception::PendingCount {
                session,
                area,
                item: item.clone(),
                location: location.clone(),
                quantity: line.quantity,
            });
        }
    }
    Ok(())
}
