//! Parsing an element string, a tag report and an EPC takes no memory: counted, not claimed.
#![allow(
    unsafe_code,
    reason = "a counting global allocator is unsafe to declare"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;

use shelf_codecs::epc::Tag;
use shelf_codecs::gs1::{Ai, Elements};
use shelf_codecs::llrp::{
    Field, FrameDecoder, FrameItem, ReportItem, TagReport, TagReports, encode_report,
};

thread_local! {
    static TAKEN: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call is passed on to the system allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        TAKEN.with(|taken| taken.set(taken.get() + 1));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(work: impl Fn()) -> u64 {
    let before = TAKEN.with(Cell::get);
    work();
    TAKEN.with(Cell::get) - before
}

#[test]
fn a_parse_allocates_nothing() {
    let texts = [
        "010952012345678817271231310300125010AB12",
        "010952012345678810ABC\u{1d}21XYZ\u{1d}3922199",
        "0109520123456789",
        "not an element string",
    ];
    let taken = allocations(|| {
        for text in texts {
            if let Ok(elements) = Elements::parse(black_box(text)) {
                let _checked = black_box(elements.check_pairings());
                black_box((
                    elements.gtin(),
                    elements.net_weight_g(),
                    elements.get(Ai::BATCH),
                ));
            }
        }
    });
    assert_eq!(taken, 0);
    // The counter counts.
    assert!(allocations(|| drop(black_box(vec![0_u8; 100]))) > 0);
}

#[test]
fn a_tag_report_and_its_epcs_allocate_nothing() {
    let epc = [
        0x30, 0x74, 0x25, 0x7B, 0xF7, 0x19, 0x4E, 0x40, 0, 0, 0x1A, 0x85,
    ];
    let tag = TagReport::of(&epc).with(Field::AntennaId, 1);
    let report = encode_report(1, &[tag; 500]);
    let decoder = std::cell::RefCell::new(FrameDecoder::new());
    let read = || {
        let mut decoder = decoder.borrow_mut();
        let mut articles = 0;
        for segment in report.chunks(1_460) {
            decoder.push(black_box(segment));
            while let Some(FrameItem::Frame(frame)) = decoder.next_item() {
                articles += TagReports::new(frame.body)
                    .filter(|item| match item {
                        ReportItem::Tag(tag) => Tag::decode(tag.epc).is_ok(),
                        _ => false,
                    })
                    .count();
            }
        }
        assert_eq!(articles, 500);
    };
    // The first report makes the room in which all others stand.
    read();
    assert_eq!(allocations(read), 0);
}
