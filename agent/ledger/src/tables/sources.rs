//! Groups, source keys, unbound lines, bindings and voids: the small sets of the fold.

use rusqlite::{Row, params};
use shelf_stock::document::{DocumentRef, SourceAction, SourceKey};
use shelf_stock::fold::{BindRow, DuplicateRow, GroupKey, GroupRow, UnboundRow, VoidRow};
use shelf_stock::identity::{NodeId, Place};
use shelf_stock::name::{Code, GroupId, ReceiptNo, SourceId};
use shelf_stock::order::OrderKey;

use super::{DocumentKey, TableError, Tables};

const DAMAGED_SOURCE: TableError = TableError::Damaged { what: "source key" };
const DAMAGED_GROUP: TableError = TableError::Damaged { what: "group" };

/// Columns of a source key: source, receipt, action, part.
pub(super) type SourceColumns = (i64, String, i64, u32);

pub(super) fn action_key(action: SourceAction) -> i64 {
    match action {
        SourceAction::Record => 0,
        SourceAction::Void => 1,
    }
}

/// Reads a source key's columns from `first` on.
pub(super) fn source_columns(row: &Row<'_>, first: usize) -> rusqlite::Result<SourceColumns> {
    Ok((
        row.get(first)?,
        row.get(first + 1)?,
        row.get(first + 2)?,
        row.get(first + 3)?,
    ))
}

impl Tables<'_> {
    /// Parameters that name a source key: store, source, receipt, action, part.
    fn at<'k>(&self, source: i64, key: &'k SourceKey) -> (i64, i64, &'k str, i64, u32) {
        let action = action_key(key.action);
        (self.store.0, source, key.receipt.as_str(), action, key.part)
    }

    /// The same with a document.
    fn at_document<'k>(
        &self,
        source: i64,
        key: &'k SourceKey,
        document: DocumentKey,
    ) -> (i64, i64, &'k str, i64, u32, i64) {
        let (store, source, receipt, action, part) = self.at(source, key);
        (store, source, receipt, action, part, document.0)
    }

    pub(super) fn source_of(&self, columns: SourceColumns) -> Result<SourceKey, TableError> {
        let (source, receipt, action, part) = columns;
        Ok(SourceKey {
            source: self.text(source, SourceId::new)?,
            receipt: ReceiptNo::new(receipt).map_err(|_| DAMAGED_SOURCE)?,
            action: match action {
                0 => SourceAction::Record,
                1 => SourceAction::Void,
                _ => return Err(DAMAGED_SOURCE),
            },
            part,
        })
    }

    /// The document that counts for a source key.
    pub fn counted_for(&self, key: &SourceKey) -> Result<Option<Place>, TableError> {
        let Some(source) = self.word(key.source.as_str())? else {
            return Ok(None);
        };
        let found = self.row(
            "SELECT document FROM source_counted
             WHERE store = ?1 AND source = ?2 AND receipt = ?3 AND action = ?4 AND part = ?5",
            self.at(source, key),
            |row| row.get(0).map(DocumentKey),
        )?;
        found.map(|it| self.place_of(it)).transpose()
    }

    /// The documents with a source key that don't count because another one does.
    pub fn duplicates_of(&self, key: &SourceKey) -> Result<Vec<Place>, TableError> {
        let Some(source) = self.word(key.source.as_str())? else {
            return Ok(Vec::new());
        };
        let found = self.rows(
            "SELECT document FROM source_duplicate
             WHERE store = ?1 AND source = ?2 AND receipt = ?3 AND action = ?4 AND part = ?5",
            self.at(source, key),
            |row| row.get(0).map(DocumentKey),
        )?;
        found.into_iter().map(|it| self.place_of(it)).collect()
    }

    pub(super) fn put_source(&self, key: &SourceKey, place: Place) -> Result<(), TableError> {
        let source = self.word_or_new(key.source.as_str())?;
        let document = self.key_or_new(place)?;
        self.run(
            "INSERT INTO source_counted (store, source, receipt, action, part, document)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT DO UPDATE SET document = excluded.document",
            self.at_document(source, key, document),
        )
    }

    /// Sets the document that counts where none does; else the one that does.
    pub(super) fn claim_source(
        &self,
        key: &SourceKey,
        place: Place,
    ) -> Result<Option<Place>, TableError> {
        let source = self.word_or_new(key.source.as_str())?;
        let document = self.key_or_new(place)?;
        let claimed = self
            .connection
            .prepare_cached(
                "INSERT INTO source_counted (store, source, receipt, action, part, document)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
            )?
            .execute(self.at_document(source, key, document))?;
        match claimed {
            0 => self.counted_for(key),
            _ => Ok(None),
        }
    }

    pub(super) fn put_duplicate(&self, row: &DuplicateRow) -> Result<(), TableError> {
        let source = self.word_or_new(row.source.source.as_str())?;
        let document = self.key_or_new(row.place)?;
        self.run(
            "INSERT OR IGNORE INTO source_duplicate
             (store, source, receipt, action, part, document) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            self.at_document(source, &row.source, document),
        )
    }

    pub(super) fn delete_source(&self, key: &SourceKey) -> Result<(), TableError> {
        let source = self.word_or_new(key.source.as_str())?;
        self.run(
            "DELETE FROM source_counted
             WHERE store = ?1 AND source = ?2 AND receipt = ?3 AND action = ?4 AND part = ?5",
            self.at(source, key),
        )
    }

    pub(super) fn delete_duplicate(&self, row: &DuplicateRow) -> Result<(), TableError> {
        let source = self.word_or_new(row.source.source.as_str())?;
        let document = self.key_or_new(row.place)?;
        self.run(
            "DELETE FROM source_duplicate WHERE store = ?1 AND source = ?2 AND receipt = ?3
             AND action = ?4 AND part = ?5 AND document = ?6",
            self.at_document(source, &row.source, document),
        )
    }

    pub(super) fn delete_group(&self, row: &GroupRow) -> Result<(), TableError> {
        let document = self.key_or_new(row.place)?;
        self.run(
            "DELETE FROM group_part WHERE store = ?1 AND node = ?2 AND id = ?3 AND parts = ?4
             AND part = ?5 AND document = ?6",
            params![
                self.store.0,
                row.key.node.as_bytes(),
                row.key.id.as_str(),
                row.key.of,
                row.index,
                document.0
            ],
        )
    }

    pub(super) fn put_group(&self, row: &GroupRow) -> Result<(), TableError> {
        let document = self.key_or_new(row.place)?;
        self.run(
            "INSERT OR IGNORE INTO group_part (store, node, id, parts, part, document)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                self.store.0,
                row.key.node.as_bytes(),
                row.key.id.as_str(),
                row.key.of,
                row.index,
                document.0
            ],
        )
    }

    pub(super) fn parts_of(&self, key: &GroupKey) -> Result<Vec<GroupRow>, TableError> {
        let rows = self.rows(
            "SELECT part, document FROM group_part
             WHERE store = ?1 AND node = ?2 AND id = ?3 AND parts = ?4",
            params![self.store.0, key.node.as_bytes(), key.id.as_str(), key.of],
            |row| Ok((row.get(0)?, DocumentKey(row.get(1)?))),
        )?;
        let group = |(index, document)| {
            Ok(GroupRow {
                key: key.clone(),
                index,
                place: self.place_of(document)?,
            })
        };
        rows.into_iter().map(group).collect()
    }

    pub(super) fn every_group(&self) -> Result<Vec<GroupRow>, TableError> {
        let rows: Vec<([u8; 16], String, u32, u32, i64)> = self.rows(
            "SELECT node, id, parts, part, document FROM group_part WHERE store = ?1",
            [self.store.0],
            |row| row.try_into(),
        )?;
        let group = |(node, id, of, index, document)| {
            Ok(GroupRow {
                key: GroupKey {
                    node: NodeId::from_bytes(node),
                    id: GroupId::new(id).map_err(|_| DAMAGED_GROUP)?,
                    of,
                },
                index,
                place: self.place_of(DocumentKey(document))?,
            })
        };
        rows.into_iter().map(group).collect()
    }

    pub(super) fn put_unbound(&self, row: &UnboundRow) -> Result<(), TableError> {
        let code = self.word_or_new(row.code.as_str())?;
        let document = self.key_or_new(row.place)?;
        self.run(
            "INSERT OR IGNORE INTO unbound (store, code, document, line) VALUES (?1, ?2, ?3, ?4)",
            params![self.store.0, code, document.0, row.line],
        )
    }

    pub(super) fn delete_unbound(&self, row: &UnboundRow) -> Result<(), TableError> {
        let code = self.word_or_new(row.code.as_str())?;
        let document = self.key_or_new(row.place)?;
        self.run(
            "DELETE FROM unbound WHERE store = ?1 AND code = ?2 AND document = ?3 AND line = ?4",
            params![self.store.0, code, document.0, row.line],
        )
    }

    pub(super) fn unbound_of(&self, code: &Code) -> Result<Vec<UnboundRow>, TableError> {
        let Some(word) = self.word(code.as_str())? else {
            return Ok(Vec::new());
        };
        let rows = self.rows(
            "SELECT document, line FROM unbound WHERE store = ?1 AND code = ?2",
            [self.store.0, word],
            |row| Ok((DocumentKey(row.get(0)?), row.get(1)?)),
        )?;
        let line = |(document, line)| {
            Ok(UnboundRow {
                code: code.clone(),
                place: self.place_of(document)?,
                line,
            })
        };
        rows.into_iter().map(line).collect()
    }

    pub(super) fn put_bind(&self, row: &BindRow) -> Result<(), TableError> {
        let code = self.word_or_new(row.code.as_str())?;
        self.run(
            "INSERT OR IGNORE INTO binding (store, code, position) VALUES (?1, ?2, ?3)",
            params![self.store.0, code, row.key.to_bytes()],
        )
    }

    pub(super) fn delete_bind(&self, row: &BindRow) -> Result<(), TableError> {
        let code = self.word_or_new(row.code.as_str())?;
        self.run(
            "DELETE FROM binding WHERE store = ?1 AND code = ?2 AND position = ?3",
            params![self.store.0, code, row.key.to_bytes()],
        )
    }

    pub(super) fn latest_bind(&self, code: &Code) -> Result<Option<OrderKey>, TableError> {
        let Some(word) = self.word(code.as_str())? else {
            return Ok(None);
        };
        let found = self.row(
            "SELECT position FROM binding WHERE store = ?1 AND code = ?2
             ORDER BY position DESC LIMIT 1",
            [self.store.0, word],
            |row| row.get::<_, Vec<u8>>(0),
        )?;
        found.map(|it| position_of(&it)).transpose()
    }

    pub(super) fn put_void(&self, row: &VoidRow) -> Result<(), TableError> {
        let document = self.key_or_new(row.place)?;
        self.run(
            "INSERT OR IGNORE INTO void_mark (store, target, document) VALUES (?1, ?2, ?3)",
            params![self.store.0, target_text(&row.of)?, document.0],
        )
    }

    pub(super) fn delete_void(&self, row: &VoidRow) -> Result<(), TableError> {
        let document = self.key_or_new(row.place)?;
        self.run(
            "DELETE FROM void_mark WHERE store = ?1 AND target = ?2 AND document = ?3",
            params![self.store.0, target_text(&row.of)?, document.0],
        )
    }

    /// The void of a document, if one counts.
    pub fn void_of(&self, of: &DocumentRef) -> Result<Option<Place>, TableError> {
        let found = self.row(
            "SELECT document FROM void_mark WHERE store = ?1 AND target = ?2 LIMIT 1",
            params![self.store.0, target_text(of)?],
            |row| row.get(0).map(DocumentKey),
        )?;
        found.map(|it| self.place_of(it)).transpose()
    }
}

/// An order key's bytes, read back.
pub(super) fn position_of(bytes: &[u8]) -> Result<OrderKey, TableError> {
    OrderKey::from_bytes(bytes).ok_or(TableError::Damaged {
        what: "order position",
    })
}

fn target_text(of: &DocumentRef) -> Result<String, TableError> {
    serde_json::to_string(of).map_err(|_| TableError::Damaged { what: "void" })
}

/// What a void points at, from its text.
pub(super) fn target_of(text: &str) -> Result<DocumentRef, TableError> {
    serde_json::from_str(text).map_err(|_| TableError::Damaged { what: "void" })
}
