//! One dropped file into the ledger and the inbox, receipt by receipt.

use std::collections::VecDeque;

use shelf_ledger::ExecuteError;
use shelf_stock::name::{SourceId, TillId};
use shelf_till::evidence::SalesSource;
use shelf_till::source::csv::CsvImport;
use shelf_till::source::file_drop::Verdict;
use shelf_till::source::{Found, Imported, Work, poslog};

use crate::daemon::intake::{self, IntakeError, ShopView};
use crate::daemon::shop::Shop;

/// Receipts on their way to the disk at once: they share its syncs.
const UNDER_WAY_MAX: usize = 128;
/// Bytes that the CSV reader gets at once.
const PIECE_BYTES: usize = 64 * 1024;

type UnderWay = (
    Imported,
    TillId,
    shelf_ledger::Pending<intake::Taken, IntakeError>,
);

struct Import<'a> {
    shop: &'a Shop,
    file: &'a str,
    under_way: VecDeque<UnderWay>,
    /// Whether the ledger could not take something: then the whole file comes again.
    again: bool,
}

/// Reads the file to its end. Returns when everything is durable.
pub(super) fn import(shop: &Shop, till: &TillId, file: &str, bytes: &[u8]) -> Verdict {
    let view = ShopView::new(shop);
    let mut import = Import {
        shop,
        file,
        under_way: VecDeque::new(),
        again: false,
    };
    let mut found = Vec::new();
    let is_xml = bytes.iter().find(|it| !it.is_ascii_whitespace()) == Some(&b'<')
        || bytes.starts_with(b"\xEF\xBB\xBF<");
    let read = if is_xml {
        let read = poslog::read(bytes, &view.context(), &mut found);
        import.take(&mut found);
        read.map(drop).map_err(|it| it.to_string())
    } else {
        let Ok(source) = SourceId::new(till.as_str()) else {
            return Verdict::Quarantine {
                reason: "the till's name is no source".into(),
            };
        };
        let mut reader = CsvImport::new(view.context(), source, Some(till.clone()));
        for piece in bytes.chunks(PIECE_BYTES) {
            reader.push(piece, &mut found);
            import.take(&mut found);
        }
        let read = reader.finish(&mut found);
        import.take(&mut found);
        read.map(drop).map_err(|it| it.to_string())
    };
    while import.settle() {}
    match read {
        _ if import.again => Verdict::Again,
        Ok(()) => Verdict::Done,
        Err(reason) => Verdict::Quarantine { reason },
    }
}

impl Import<'_> {
    fn take(&mut self, found: &mut Vec<Found>) {
        for it in found.drain(..) {
            match it {
                Found::Fact(imported) => self.submit(*imported),
                Found::Fault(fault) => {
                    let key = format!("{} {}", self.file, fault.place);
                    let reason = intake::reason(&fault);
                    intake::keep(self.shop, "file_fault", &key, &reason, fault.raw.as_bytes());
                }
            }
        }
    }

    fn submit(&mut self, imported: Imported) {
        let Some((till, role)) = intake::role(self.shop, &imported.key, SalesSource::File) else {
            let what = format!("no till of this PC is called `{}`", imported.key.source);
            self.keep("file_fault", &imported, &what);
            return;
        };
        if self.under_way.len() >= UNDER_WAY_MAX {
            self.settle();
        }
        let pending = intake::submit(self.shop, imported.clone(), SalesSource::File, role);
        self.under_way.push_back((imported, till, pending));
    }

    /// Waits for the oldest receipt; `false` if there is none.
    fn settle(&mut self) -> bool {
        let Some((imported, till, pending)) = self.under_way.pop_front() else {
            return false;
        };
        match pending.wait() {
            Ok(taken) => intake::recorded(self.shop, &till, &taken),
            Err(ExecuteError::Refused(error @ IntakeError::Conflict { .. })) => {
                self.keep("sale_conflict", &imported, &error.to_string());
            }
            Err(ExecuteError::Refused(error)) => {
                self.keep(
                    "file_fault",
                    &imported,
                    &super::super::counter::chain(&error),
                );
            }
            Err(error) => {
                tracing::error!(%error, file = self.file, "a receipt was not recorded");
                self.again = true;
            }
        }
        true
    }

    fn keep(&self, kind: &'static str, imported: &Imported, what: &str) {
        let key = format!("{} {}", self.file, intake::name_of(&imported.key));
        let raw = match &imported.work {
            Work::Record(drafts) => serde_json::to_vec(drafts).unwrap_or_default(),
            Work::Void { .. } => b"void".to_vec(),
        };
        intake::keep(self.shop, kind, &key, what, &raw);
    }
}
