//! A parser for HID report descriptors: which usages stand at which bits of which report.
//!
//! Only what finding fields needs: global and local items, collections, report ids; units,
//! physical ranges, designators and strings are skipped. It accepts any bytes: an item that is cut
//! off ends the parse, and what was understood before it stays. Everything is bounded. It must
//! never be asked to judge whether a descriptor is a good one.
//!
//! Source: USB-IF Device Class Definition for HID 1.11, chapter 6.2.2.

/// Longest descriptor that is read, in bytes; the kernel's own limit.
pub const DESCRIPTOR_BYTES_MAX: usize = 4096;
/// Most fields that are kept.
pub const FIELDS_MAX: usize = 512;
const LOCAL_USAGES_MAX: usize = 64;
const STACK_DEPTH_MAX: usize = 8;
const REPORT_BITS_MAX: u32 = 8 * 4096;

/// Which way a field goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Device to host.
    Input,
    /// Host to device.
    Output,
    /// Settings, both ways.
    Feature,
}

/// One or more equal cells of a report that have one usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Usage of the outermost collection: page in the high half, usage in the low half.
    pub application: u32,
    /// Usage of the cells, in the same form; 0 if none was given (padding).
    pub usage: u32,
    /// Direction.
    pub direction: Direction,
    /// Report id, 0 where reports are not numbered.
    pub report_id: u8,
    /// Where it starts, in bits after the report id.
    pub bit_offset: u32,
    /// Bits of one cell.
    pub bit_size: u32,
    /// Number of cells.
    pub count: u32,
    /// Constant cells are padding.
    pub constant: bool,
}

/// What was understood of a descriptor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReportDescriptor {
    /// The fields in order.
    pub fields: Vec<Field>,
    /// Whether reports start with an id.
    pub numbered: bool,
    /// Whether the parse ended early: cut off, or beyond a bound.
    pub incomplete: bool,
}

#[derive(Clone, Copy, Default)]
struct Globals {
    page: u32,
    size: u32,
    count: u32,
    report_id: u8,
}

#[derive(Default)]
struct Parser {
    globals: Globals,
    stack: Vec<Globals>,
    usages: Vec<u32>,
    usage_min: Option<u32>,
    /// Depth of open collections and the usage of the outermost one.
    depth: u32,
    application: u32,
    /// Bits used so far of each (direction, report id).
    used: Vec<(Direction, u8, u32)>,
    out: ReportDescriptor,
}

/// Parses a report descriptor.
#[must_use]
pub fn parse(bytes: &[u8]) -> ReportDescriptor {
    let mut parser = Parser::default();
    parser.out.incomplete = bytes.len() > DESCRIPTOR_BYTES_MAX;
    let mut rest = bytes.get(..DESCRIPTOR_BYTES_MAX).unwrap_or(bytes);
    while let Some((&prefix, tail)) = rest.split_first() {
        // A long item: size byte, tag byte, data. None is defined; all are skipped.
        let (skip, size) = match (prefix, tail.first()) {
            (0xFE, Some(&size)) => (2, usize::from(size)),
            _ => (0, [0, 1, 2, 4][usize::from(prefix & 3)]),
        };
        let Some(data) = tail.get(skip..skip + size) else {
            parser.out.incomplete = true;
            break;
        };
        if prefix != 0xFE {
            let value = data
                .iter()
                .rev()
                .fold(0, |n: u32, &b| n << 8 | u32::from(b));
            parser.item(prefix & 0xFC, value, size);
        }
        rest = tail.get(skip + size..).unwrap_or(&[]);
    }
    parser.out
}

impl Parser {
    fn item(&mut self, tag: u8, value: u32, size: usize) {
        match tag {
            0x80 => self.main(Direction::Input, value),
            0x90 => self.main(Direction::Output, value),
            0xB0 => self.main(Direction::Feature, value),
            0xA0 => {
                if self.depth == 0 {
                    self.application = self.usages.first().copied().unwrap_or(0);
                }
                self.depth = self.depth.saturating_add(1);
                self.clear_locals();
            }
            0xC0 => {
                self.depth = self.depth.saturating_sub(1);
                self.clear_locals();
            }
            0x04 => self.globals.page = value & 0xFFFF,
            0x74 => self.globals.size = value,
            0x94 => self.globals.count = value,
            0x84 => {
                self.globals.report_id = u8::try_from(value & 0xFF).unwrap_or(0);
                self.out.numbered = true;
            }
            0xA4 if self.stack.len() < STACK_DEPTH_MAX => self.stack.push(self.globals),
            0xA4 => self.out.incomplete = true,
            0xB4 => self.globals = self.stack.pop().unwrap_or(self.globals),
            0x08 => {
                let usage = self.full_usage(value, size);
                self.add_usage(usage);
            }
            0x18 => self.usage_min = Some(self.full_usage(value, size)),
            0x28 => {
                let last = self.full_usage(value, size);
                if let Some(first) = self.usage_min.take() {
                    let bound = first.saturating_add(u32::try_from(LOCAL_USAGES_MAX).unwrap_or(0));
                    (first..=last.min(bound)).for_each(|usage| self.add_usage(usage));
                }
            }
            _ => {}
        }
    }

    /// A usage of four bytes has its own page.
    fn full_usage(&self, value: u32, size: usize) -> u32 {
        if size == 4 {
            value
        } else {
            self.globals.page << 16 | value
        }
    }

    fn add_usage(&mut self, usage: u32) {
        if self.usages.len() < LOCAL_USAGES_MAX {
            self.usages.push(usage);
        } else {
            self.out.incomplete = true;
        }
    }

    fn clear_locals(&mut self) {
        self.usages.clear();
        self.usage_min = None;
    }

    fn main(&mut self, direction: Direction, flags: u32) {
        let Globals {
            size,
            count,
            report_id,
            ..
        } = self.globals;
        let start = self.used_bits(direction, report_id);
        let bits = size.saturating_mul(count);
        if size > REPORT_BITS_MAX || start.saturating_add(bits) > REPORT_BITS_MAX {
            self.out.incomplete = true;
            self.clear_locals();
            return;
        }
        self.set_used_bits(direction, report_id, start + bits);
        let usages = std::mem::take(&mut self.usages);
        self.clear_locals();
        let variable = flags & 2 != 0;
        // The last usage is the one of all cells that are left; an array has one for all.
        let single = if variable { usages.len().max(1) } else { 1 };
        let mut first = 0_u32;
        for number in 0..single {
            let last = number + 1 == single;
            let cells = if last {
                count.saturating_sub(first)
            } else {
                count.min(first + 1) - first.min(count)
            };
            if cells == 0 || self.out.fields.len() >= FIELDS_MAX {
                break;
            }
            self.out.fields.push(Field {
                application: self.application,
                usage: usages.get(number).copied().unwrap_or(0),
                direction,
                report_id,
                bit_offset: start + first * size,
                bit_size: size,
                count: cells,
                constant: flags & 1 != 0,
            });
            first += cells;
        }
    }

    fn used_bits(&self, direction: Direction, id: u8) -> u32 {
        let known = self
            .used
            .iter()
            .find(|row| (row.0, row.1) == (direction, id));
        known.map_or(0, |row| row.2)
    }

    fn set_used_bits(&mut self, direction: Direction, id: u8, bits: u32) {
        match self
            .used
            .iter_mut()
            .find(|row| (row.0, row.1) == (direction, id))
        {
            Some(row) => row.2 = bits,
            None => self.used.push((direction, id, bits)),
        }
    }
}
