//! A thousand payments over every way that card data can come in, a third of them unmasked: from ZVT
//! terminals over TCP and serial lines (fields 22, 23, 24 and print lines), from an ECR17 terminal,
//! past a tap, on another till's receipts, and from cards swiped into a scanner's line. Afterwards
//! nothing that the daemon left behind holds a piece of a number, and the search finds a control.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a failed test panics"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "plays a till that prints, and writes the control"
)]

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};

use shelf_codecs::escpos::{CodePage, PrintJob};
use shelf_sim::ecr17_terminal::{Ecr17Config, Ecr17Handle, Ecr17Script};
use shelf_sim::line_server::LineServer;
use shelf_sim::receipt_printer::{self, ReceiptPrinter};
use shelf_sim::scanner_pty::PtyScanner;
use shelf_sim::zvt_terminal::{PaymentScript, TerminalConfig, TerminalHandle};
use shelf_tests::daemon::{Daemon, Setup};
use shelf_tests::patience::{Look, until, within_eq};
use shelf_tests::wares::gtin13;
use shelf_tests::{card, http};

/// Test numbers of card schemes; their check digits fit.
const CARDS: [&str; 2] = ["4111111111111111", "5555555555554444"];
/// How many payments come in by each way.
const BY_WAY: [(&str, u64); 4] = [
    ("tcp", 300),
    ("serial", 200),
    ("italian", 200),
    ("tapped", 150),
];
const RECEIPTS: u64 = 150;
const SWIPES: usize = 30;
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(240);

/// Every third is not masked.
fn number(n: u64) -> Option<String> {
    let which = usize::from(n.is_multiple_of(2));
    n.is_multiple_of(3).then(|| CARDS[which].to_owned())
}

fn scripts(count: u64) -> Vec<PaymentScript> {
    let script = |n| PaymentScript {
        thinks_ms: 0,
        unmasked_pan: number(n),
        ..PaymentScript::default()
    };
    (0..count).map(script).collect()
}

fn italian_scripts(count: u64) -> Vec<Ecr17Script> {
    let script = |n| Ecr17Script {
        thinks_ms: 0,
        unmasked_pan: number(n),
        ..Ecr17Script::default()
    };
    (0..count).map(script).collect()
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

/// Sells by card so often at one till.
fn pay(daemon: &Daemon, till: &str, times: u64) {
    for n in 0..times {
        daemon.act(till, "scan", &[("code", &gtin13(1))]).unwrap();
        daemon.act(till, "pay_card", &[]).unwrap();
        until(&format!("{till}: payment {n}"), PATIENCE, || {
            let view = daemon.till(till)?;
            Ok(
                match view["basket"].is_null() && view["terminal"]["busy"] == false {
                    true => Look::Done(()),
                    false => Look::NotYet(view.to_string()),
                },
            )
        })
        .unwrap();
    }
}

/// Another till prints a receipt.
fn print(tee: SocketAddr, n: u64) {
    let mut job = PrintJob::new(CodePage::Cp437).line("Brot              2,49");
    if let Some(number) = number(n) {
        job = job.line(&format!("Karte {number}"));
        job = job.line(&format!(
            "KARTE {} {} {} {}",
            &number[..4],
            &number[4..8],
            &number[8..12],
            &number[12..]
        ));
        job = job.qr(&number);
    }
    let bytes = job
        .line(&format!("SUMME EUR {},{:02}", n / 100, n % 100))
        .kick()
        .cut();
    let mut printer = TcpStream::connect(tee).unwrap();
    printer.write_all(&bytes).unwrap();
}

/// The daemon with everything that is plugged into it.
struct Shop {
    daemon: Daemon,
    scanner: PtyScanner,
    printer: LineServer<ReceiptPrinter>,
    tee: SocketAddr,
    _terminals: ([TerminalHandle; 3], Ecr17Handle),
    _dir: tempfile::TempDir,
}

fn shop() -> Shop {
    let dir = tempfile::tempdir().unwrap();
    let zvt = |way: usize| {
        TerminalHandle::start(0, TerminalConfig::default(), scripts(BY_WAY[way].1)).unwrap()
    };
    let line = dir.path().join("serial");
    let serial = scripts(BY_WAY[1].1);
    let serial = TerminalHandle::on_pty(&line, TerminalConfig::default(), serial).unwrap();
    let config = Ecr17Config::new(12_345_678).unwrap();
    let italian = Ecr17Handle::on_tcp(0, config, italian_scripts(BY_WAY[2].1)).unwrap();
    let (tcp, tapped) = (zvt(0), zvt(3));
    let printer = receipt_printer::on_tcp(0).unwrap();
    let (tap, tee) = (free_address(), free_address());
    let more = format!(
        "[[till]]\nname = \"tcp\"\nterminal = \"zvt://{}\"\nterminal_prints = false\n\
         [[till]]\nname = \"serial\"\nterminal = \"zvt+serial:path:{}\"\nterminal_prints = false\n\
         [[till]]\nname = \"italian\"\nterminal = \"ecr17://{}\"\nterminal_id = 12345678\n\
         [[till]]\nname = \"tapped\"\nterminal = \"zvt://{tap}\"\nterminal_prints = false\n\
         [[till]]\nname = \"other-pos\"\nsales_source = \"api\"\ntap_from = \"tcp:{tap}\"\n\
         tap_terminal = \"tcp:{}\"\nprinter = \"tcp:{}\"\nprinter_from = \"tcp:{tee}\"\n",
        tcp.addr(),
        line.display(),
        italian.addr(),
        tapped.addr(),
        printer.addr().unwrap(),
    );
    let setup = Setup {
        pc: "PC 1".into(),
        scanners: vec![("scanner".into(), "till:tcp".into())],
        more,
        ..Setup::default()
    };
    let mut daemon = Daemon::prepare(&setup).unwrap();
    let scanner = daemon.plug("scanner").unwrap();
    daemon.restart().unwrap();
    daemon.stock_up(3, 5_000).unwrap();
    Shop {
        daemon,
        scanner,
        printer,
        tee,
        _terminals: ([tcp, serial, tapped], italian),
        _dir: dir,
    }
}

#[test]
fn no_card_number_survives_a_thousand_payments() {
    let mut shop = shop();
    let (daemon, printer, tee) = (&shop.daemon, &shop.printer, shop.tee);
    let scanner = &mut shop.scanner;
    for n in 0..SWIPES {
        let number = CARDS[n % 2];
        scanner
            .scan(&format!(
                "%B{number}^DOE/JANE^29121010000000?;{number}=29121010000?"
            ))
            .unwrap();
        scanner.scan(number).unwrap();
    }
    std::thread::scope(|scope| {
        for (till, times) in BY_WAY {
            scope.spawn(move || pay(daemon, till, times));
        }
        scope.spawn(|| {
            for n in 0..RECEIPTS {
                print(tee, n);
                let printed = || Ok(printer.device().receipts().len() as u64);
                within_eq("the receipt is printed", PATIENCE, &(n + 1), printed).unwrap();
            }
        });
    });
    let payments: u64 = BY_WAY.iter().map(|it| it.1).sum();
    assert_eq!(payments + RECEIPTS, 1_000);
    let beside = || daemon.get("/api/v1/tills/other-pos/beside");
    let evidence = || Ok(beside()?["tap"]["payments"].as_u64().unwrap_or(0));
    within_eq("what the tap heard", PATIENCE, &BY_WAY[3].1, evidence).unwrap();
    let receipts = || Ok(beside()?["printer"]["receipts"].as_u64().unwrap_or(0));
    within_eq("what the tee read", PATIENCE, &RECEIPTS, receipts).unwrap();
    let sales = daemon.documents_of("sale").unwrap().len() as u64;
    assert_eq!(sales, payments);
    let seen = daemon.documents_of("evidence").unwrap().len() as u64;
    assert_eq!(seen, BY_WAY[3].1 + RECEIPTS);
    // The control: the numbers did come in.
    let printed: usize = printer
        .device()
        .receipts()
        .iter()
        .map(|it| it.lines.len())
        .sum();
    println!("{sales} sales, {seen} pieces of evidence, {printed} lines printed");
    // Two lines each, and two more on every third.
    assert_eq!(printed as u64, 2 * RECEIPTS + 2 * RECEIPTS / 3);
    nothing_is_left(&mut shop.daemon);
}

fn nothing_is_left(daemon: &mut Daemon) {
    for path in [
        "/",
        "/till/tcp",
        "/till/serial",
        "/till/italian",
        "/api/v1/status",
        "/api/v1/inbox?all=true",
        "/api/v1/tills/tcp",
        "/api/v1/tills/serial",
        "/api/v1/tills/italian",
        "/api/v1/tills/other-pos/beside",
        "/metrics",
    ] {
        let text = http::get(daemon.http(), path).unwrap().text();
        for number in CARDS {
            assert_eq!(card::pieces(text.as_bytes(), number), 0, "{path}: {text}");
        }
    }
    // With the write-ahead log as it lies there, and after a stop that empties it.
    for number in CARDS {
        assert_eq!(card::found_in(daemon.dir(), number).unwrap(), []);
    }
    daemon.stop().unwrap();
    for number in CARDS {
        assert_eq!(card::found_in(daemon.dir(), number).unwrap(), []);
    }
    the_search_finds_a_dump(daemon);
}

/// The control: digits, packed digits in both orders, and wide text are found in a file of the data.
fn the_search_finds_a_dump(daemon: &Daemon) {
    let number = CARDS[1];
    let digits: Vec<u8> = number.bytes().map(|it| it - b'0').collect();
    let packed: Vec<u8> = digits.chunks(2).map(|it| it[0] << 4 | it[1]).collect();
    let swapped: Vec<u8> = packed.iter().map(|it| it.rotate_left(4)).collect();
    let wide: Vec<u8> = number.bytes().flat_map(|it| [it, 0]).collect();
    for dump in [number.as_bytes(), &packed, &swapped, &wide] {
        let path = daemon.data().join("control.bin");
        std::fs::write(&path, [b"before".as_slice(), dump, b"after"].concat()).unwrap();
        let found = card::found_in(daemon.dir(), number).unwrap();
        assert!(found.iter().any(|it| it.0 == path), "{dump:?}");
        std::fs::remove_file(&path).unwrap();
    }
}
