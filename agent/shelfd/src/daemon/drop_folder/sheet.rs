//! Files of handheld RFID readers: which row names which tag, where and when.
//!
//! Every maker exports another sheet: one tag in a line, or columns in any order with `,`, `;` or a tab
//! between; digits or URIs; with and without a header. Nothing is guessed beyond that: a row that can't be
//! read is a fault with its line, and a file without any column of tags is none.

use shelf_codecs::epc::EpcBytes;
use shelf_stock::time::Timestamp;
use shelf_till::source::clock::{self, Zone};

use crate::daemon::rfid;

/// Names of columns, in small letters and digits only, and what they hold.
const EPC: [&str; 11] = [
    "epc", "epchex", "epcid", "epcuri", "tag", "tagid", "tagepc", "tagdata", "hex", "uri", "rfid",
];
const TIME: [&str; 10] = [
    "time",
    "timestamp",
    "datetime",
    "date",
    "readtime",
    "lastseen",
    "lastseentime",
    "seen",
    "lastread",
    "zeit",
];
const RSSI: [&str; 5] = ["rssi", "rssidbm", "peakrssi", "signal", "strength"];
const LOCATION: [&str; 7] = ["location", "zone", "area", "place", "room", "site", "ort"];
/// Shorter numbers are antennas, counts or articles, and no tags: those have 64 bits at least.
const EPC_DIGITS_MIN: usize = 16;
/// Numbers of this many digits are milliseconds since 1970; shorter ones are seconds.
const MILLIS_DIGITS_MIN: usize = 12;

/// One row that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SheetRow {
    /// The line in the file, from 1.
    pub(super) line: u64,
    /// The tag.
    pub(super) epc: EpcBytes,
    /// When it was read; absent: the row doesn't say.
    pub(super) at: Option<Timestamp>,
    /// How strong, in dBm.
    pub(super) rssi_dbm: Option<i16>,
    /// Where, in the words of the file.
    pub(super) location: Option<String>,
}

/// One row that can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SheetFault {
    /// The line in the file, from 1.
    pub(super) line: u64,
    /// What is wrong.
    pub(super) what: String,
    /// The row as it stands there.
    pub(super) raw: String,
}

/// The file is no list of tags.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum SheetError {
    /// Nothing in it.
    #[error("the file is empty")]
    Empty,
    /// No text.
    #[error("the file is no text in UTF-8: export it as CSV")]
    NoText,
    /// No tags.
    #[error(
        "the first line has no column that is called epc or tag, and no EPC either: put the EPCs into a column with \
         that name, or one in each line"
    )]
    NoColumn,
}

/// Where what stands.
#[derive(Clone, Copy, Debug, Default)]
struct Columns {
    epc: usize,
    time: Option<usize>,
    rssi: Option<usize>,
    location: Option<usize>,
}

/// A file, row by row.
pub(super) struct Sheet<'a> {
    bytes: &'a [u8],
    records: csv::StringRecordsIntoIter<&'a [u8]>,
    columns: Columns,
    zone: &'a dyn Zone,
    /// A first line that is a row.
    first: Option<csv::StringRecord>,
}

impl<'a> Sheet<'a> {
    /// Looks at the first line. `zone` says what local times mean.
    pub(super) fn open(bytes: &'a [u8], zone: &'a dyn Zone) -> Result<Self, SheetError> {
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        let text = std::str::from_utf8(bytes).map_err(|_| SheetError::NoText)?;
        let mut lines = text.lines().filter(|it| !it.trim().is_empty());
        let first = lines.next().ok_or(SheetError::Empty)?;
        let mut delimiters = [b'\t', b';'].into_iter();
        let delimiter = delimiters.find(|it| first.as_bytes().contains(it));
        let reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter.unwrap_or(b','))
            .trim(csv::Trim::All)
            .from_reader(bytes);
        let mut records = reader.into_records();
        let Some(Ok(first)) = records.next() else {
            return Err(SheetError::NoText);
        };
        if let Some(columns) = header(&first) {
            let first = None;
            return Ok(Self {
                bytes,
                records,
                columns,
                zone,
                first,
            });
        }
        let epc = first.iter().position(|it| epc(it).is_some());
        let columns = Columns {
            epc: epc.ok_or(SheetError::NoColumn)?,
            ..Columns::default()
        };
        let first = Some(first);
        Ok(Self {
            bytes,
            records,
            columns,
            zone,
            first,
        })
    }

    /// The line of a row; a record's position is that of the empty lines before it.
    fn line(&self, record: &csv::StringRecord) -> u64 {
        let Some(position) = record.position() else {
            return 0;
        };
        let from = usize::try_from(position.byte()).unwrap_or(usize::MAX);
        let rest = self.bytes.get(from..).unwrap_or_default().iter();
        let empty = rest.take_while(|it| matches!(it, b'\r' | b'\n'));
        let empty = empty.filter(|it| **it == b'\n').count();
        position.line() + u64::try_from(empty).unwrap_or(0)
    }

    fn row(&self, record: &csv::StringRecord) -> Result<SheetRow, SheetFault> {
        let line = self.line(record);
        let fault = |what: String| SheetFault {
            line,
            what,
            raw: record.iter().collect::<Vec<_>>().join(","),
        };
        let field =
            |at: Option<usize>| at.and_then(|it| record.get(it)).filter(|it| !it.is_empty());
        let tag = field(Some(self.columns.epc));
        let tag = tag.ok_or_else(|| fault("the row names no tag".into()))?;
        let epc = epc(tag).ok_or_else(|| fault(format!("`{tag}` is no EPC")))?;
        let at = field(self.columns.time).map(|it| time(it, self.zone));
        let at = at.transpose().map_err(fault)?;
        let rssi = field(self.columns.rssi).map(|it| {
            let whole = it.split(['.', ',', ' ']).next().unwrap_or_default();
            whole
                .parse::<i16>()
                .map_err(|_| fault(format!("`{it}` is no strength in dBm")))
        });
        Ok(SheetRow {
            line,
            epc,
            at,
            rssi_dbm: rssi.transpose()?,
            location: field(self.columns.location).map(str::to_owned),
        })
    }
}

impl Iterator for Sheet<'_> {
    type Item = Result<SheetRow, SheetFault>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let record = match self.first.take() {
                Some(first) => first,
                None => match self.records.next()? {
                    Ok(record) => record,
                    Err(error) => {
                        let line = error.position().map_or(0, csv::Position::line);
                        let (what, raw) = (error.to_string(), String::new());
                        return Some(Err(SheetFault { line, what, raw }));
                    }
                },
            };
            if record.iter().any(|it| !it.is_empty()) {
                return Some(self.row(&record));
            }
        }
    }
}

fn epc(text: &str) -> Option<EpcBytes> {
    let is_long = text.chars().filter(char::is_ascii_alphanumeric).count() >= EPC_DIGITS_MIN;
    rfid::epc(text).filter(|_| is_long)
}

fn header(first: &csv::StringRecord) -> Option<Columns> {
    let plain = |it: &str| -> String {
        let letters = it.chars().filter(char::is_ascii_alphanumeric);
        letters.map(|it| it.to_ascii_lowercase()).collect()
    };
    let names: Vec<String> = first.iter().map(plain).collect();
    let find = |known: &[&str]| names.iter().position(|it| known.contains(&it.as_str()));
    Some(Columns {
        epc: find(&EPC)?,
        time: find(&TIME),
        rssi: find(&RSSI),
        location: find(&LOCATION),
    })
}

fn time(text: &str, zone: &dyn Zone) -> Result<Timestamp, String> {
    if text.bytes().all(|it| it.is_ascii_digit()) {
        let number: i64 = text.parse().map_err(|_| format!("`{text}` is no time"))?;
        let millis = match text.len() >= MILLIS_DIGITS_MIN {
            true => number,
            false => number.saturating_mul(1_000),
        };
        return Ok(Timestamp::from_millis(millis));
    }
    clock::read(&text.replacen(' ', "T", 1), None, zone).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use shelf_till::source::clock::FixedOffset;

    const TEA: &str = "3034F487B4209C400000002A";

    fn read(text: &str) -> Result<Vec<Result<SheetRow, SheetFault>>, SheetError> {
        Ok(Sheet::open(text.as_bytes(), &FixedOffset { minutes: 60 })?.collect())
    }

    #[test]
    fn every_shape_of_export_is_the_same_row() {
        let uri = "urn:epc:tag:sgtin-96:1.4006381.033393.42";
        for text in [
            format!("{TEA}\n"),
            format!("\u{feff}{}\r\n\r\n", TEA.to_lowercase()),
            format!("EPC\n{TEA}"),
            format!("3000{TEA}\n"),
            format!("0x{TEA}\n"),
            "3034 F487 B420 9C40 0000 002A\n".to_owned(),
            format!("Antenna;Tag ID;Count\n1;{TEA};7\n"),
            format!("\"Count\",\"EPC\"\n\"7\",\"{TEA}\"\n"),
            format!("7\t{uri}\n"),
            format!("epc\n{uri}\n"),
            "epc\nurn:epc:id:sgtin:4006381.033393.42\n".to_owned(),
            format!("epc\nurn:epc:raw:96.x{TEA}\n"),
        ] {
            let rows = read(&text).unwrap();
            let tags: Vec<_> = rows
                .into_iter()
                .map(|it| it.unwrap().epc.to_string())
                .collect();
            assert_eq!(tags, [TEA], "{text}");
        }
    }

    #[test]
    fn times_strengths_and_places_are_read_and_bad_rows_say_their_line() {
        let text = format!(
            "Location;Last Seen;RSSI;EPC\n\
             backroom;2026-11-22T13:00:00+01:00;-41.5;{TEA}\n\
             ;2026-11-22 13:00:00;;{TEA}\n\
             ;1795348800;-40;{TEA}\n\
             floor;1795348800000;;{TEA}\n\
             floor;yesterday;;{TEA}\n\
             floor;;strong;{TEA}\n\
             \n\
             floor;;;banana\n\
             floor;;;\n\
             floor\n"
        );
        let rows = read(&text).unwrap();
        let noon = Some(Timestamp::from_millis(1_795_348_800_000));
        let good: Vec<_> = rows.iter().filter_map(|it| it.as_ref().ok()).collect();
        assert!(good.iter().all(|it| it.at == noon), "{good:?}");
        let strengths: Vec<_> = good.iter().map(|it| it.rssi_dbm).collect();
        assert_eq!(strengths, [Some(-41), None, Some(-40), None]);
        let places: Vec<_> = good.iter().map(|it| it.location.as_deref()).collect();
        assert_eq!(places, [Some("backroom"), None, None, Some("floor")]);
        let faults = rows.iter().filter_map(|it| it.as_ref().err());
        let lines: Vec<u64> = faults.map(|it| it.line).collect();
        assert_eq!(lines, [6, 7, 9, 10, 11]);
    }

    #[test]
    fn what_is_no_list_of_tags_is_none() {
        assert_eq!(read(""), Err(SheetError::Empty));
        assert_eq!(read("\n \n"), Err(SheetError::Empty));
        assert_eq!(read("invoice,time\n1,2\n"), Err(SheetError::NoColumn));
        assert_eq!(read("4006381333931\n"), Err(SheetError::NoColumn));
        let utf16: Vec<u8> = "epc"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .chain([0xFF])
            .collect();
        let opened = Sheet::open(&utf16, &FixedOffset { minutes: 0 });
        assert_eq!(opened.err(), Some(SheetError::NoText));
    }
}
