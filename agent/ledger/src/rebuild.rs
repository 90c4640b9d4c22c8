//! Folding everything again from the documents.
//!
//! The documents are the truth; every folded table can be thrown away. Runs inside the caller's
//! transaction, so that nobody ever sees a half-built state and a kill leaves the old one.

use shelf_wire::sealed::Authored;

use crate::tables::{DocumentKey, TableError, Tables};

/// The tables that hold nothing but what was folded.
const FOLDED_TABLES: [&str; 12] = [
    "group_part",
    "source_counted",
    "source_duplicate",
    "movement",
    "balance",
    "unbound",
    "binding",
    "void_mark",
    "order_fact",
    "count_line",
    "count_close",
    "count_step",
];

/// Forgets and folds again one store. Documents that an older version could not read count now
/// if this one can. Returns how many count.
pub fn rebuild(tables: &mut Tables<'_>) -> Result<u64, TableError> {
    let connection = tables.connection();
    let store = tables.store().0;
    for table in FOLDED_TABLES {
        connection.execute(&format!("DELETE FROM {table} WHERE store = ?1"), [store])?;
    }
    let mut counted = 0;
    for (author, _, _) in tables.authors()? {
        let (first, last) = DocumentKey::range(author);
        connection.execute(
            "UPDATE document SET folded = 0 WHERE id BETWEEN ?1 AND ?2",
            [first, last],
        )?;
    }
    for (author, _, _) in tables.authors()? {
        let (first, last) = DocumentKey::range(author);
        let mut statement = connection
            .prepare("SELECT bytes FROM document WHERE id BETWEEN ?1 AND ?2 ORDER BY id")?;
        let mut rows = statement.query([first, last])?;
        while let Some(row) = rows.next()? {
            let bytes: Vec<u8> = row.get(0)?;
            if let Ok(authored) = Authored::read(bytes) {
                tables.fold_authored(&authored)?;
                tables.unpark(&authored)?;
                counted += 1;
            }
        }
    }
    Ok(counted)
}
